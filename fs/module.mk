fs_srcs := $(wildcard fs/*.c fs/live/*.c)
