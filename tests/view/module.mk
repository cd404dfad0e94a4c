# Views that write: programs that use one, and say what they found.

view_dir       := $(O)/tests/view
operation_srcs := operations describe differ generate generate_attrs known model perform_attrs \
	perform_files perform_names scan worker
posix_srcs     := $(notdir $(basename $(wildcard tests/view/posix*.c)))
# Writers with a model: one whose view is killed, four at once.
killed_parts   := model apply log perform choose write look check
killed_srcs    := killed killed_power killed_trace $(killed_parts:%=killed_%)
writers_srcs   := four-writers $(killed_parts:%=killed_%)

view_programs  := $(addprefix $(view_dir)/,operations posix killed four-writers)

$(view_dir)/operations: $(operation_srcs:%=$(view_dir)/%.o)
$(view_dir)/posix: $(posix_srcs:%=$(view_dir)/%.o)
$(view_dir)/killed: $(killed_srcs:%=$(view_dir)/%.o)
$(view_dir)/four-writers: $(writers_srcs:%=$(view_dir)/%.o)
$(view_programs):
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) $(all_ldflags) -o $@ $^
