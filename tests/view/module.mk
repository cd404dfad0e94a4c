# Views that write: programs that use one, and say what they found.

view_dir       := $(O)/tests/view
operation_srcs := operations describe differ generate generate_attrs known model perform_attrs \
	perform_files perform_names scan worker
posix_srcs     := $(notdir $(basename $(wildcard tests/view/posix*.c)))

view_programs  := $(view_dir)/operations $(view_dir)/posix

$(view_dir)/operations: $(operation_srcs:%=$(view_dir)/%.o)
$(view_dir)/posix: $(posix_srcs:%=$(view_dir)/%.o)
$(view_programs):
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) $(all_ldflags) -o $@ $^
