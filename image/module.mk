image_srcs := $(wildcard image/*.c)
