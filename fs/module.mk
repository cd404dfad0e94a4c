fs_srcs := $(wildcard fs/*.c)
