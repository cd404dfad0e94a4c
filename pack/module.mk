pack_srcs := $(wildcard pack/*.c)
