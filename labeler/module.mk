labeler_srcs := $(wildcard labeler/*.c)
