# The labeler against libselinux itself, in the versions of three Debians.

judge_dir := $(O)/tests/judge

# Runs with older libraries than are here; nothing of the project is in it.
$(judge_dir)/judge: $(judge_dir)/judge.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lselinux

$(judge_dir)/paths: $(judge_dir)/paths.o $(judge_dir)/expand.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) $(all_ldflags) -o $@ $^

$(judge_dir)/compare: $(judge_dir)/compare.o $(O)/liblivery.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) $(all_ldflags) -o $@ $^ $(all_ldlibs)

judge_programs := $(addprefix $(judge_dir)/,judge paths compare)

.PHONY: judge-programs check-labels check-labels-full
judge-programs: $(judge_programs)

# The judges are always those of the release build: other libraries know no sanitizers.
judge_run = tests/lib/packages.sh build test && \
	$(MAKE) FLAVOR=release judge-programs && $(MAKE) $(judge_dir)/compare && \
	FIXTURES=$(FIXTURES) COMPARE=$(judge_dir)/compare tests/judge/run

check-labels: ## compare labels with those of libselinux 3.4, 3.8.1 and 3.11, a sample
	$(judge_run)

check-labels-full: ## the same with millions of paths and a thousand policies, in hours
	$(judge_run) --full
