run_srcs := $(wildcard run/*.c)
