db_srcs := $(wildcard db/*.c)
