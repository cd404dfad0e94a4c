tools_srcs := $(filter-out tools/main.c,$(wildcard tools/*.c tools/labels/*.c))
