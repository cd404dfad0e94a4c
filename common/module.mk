common_srcs := $(wildcard common/*.c)
