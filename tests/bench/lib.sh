# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the benchmarks share; to be sourced after e2e.sh.
# shellcheck disable=SC2154 # from e2e.sh

die() { echo "bench: $*" >&2; exit 2; }

# --- results: one file a benchmark, of which tests/bench/report makes tables
#
# Lines of fields between tabs: 'about KEY TEXT', 'time WORK SIDE SECONDS' (one a run),
# 'value WORK SIDE NUMBER UNIT', 'note WORK SIDE TEXT', 'limit WORK SIDE BASE MOST TEXT'.

results=${BENCH_RESULTS:-$e2e_top/build/bench}

# results_begin NAME: what is recorded shows under that name when all of it is there.
results_begin() {
	results_part=$results/.$1.part results_file=$results/$1.tsv
	{ mkdir -p "$results" && : >"$results_part"; } ||
		die "$results: the results cannot be kept there"
	record about name "$1"
	record about date "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}
record() { # KIND FIELD...
	local IFS=$'\t'
	echo "$*" >>"$results_part"
}
# limit WORK SIDE BASE MOST [TEXT]: the minimum of SIDE is at most MOST times that of BASE;
# without a BASE ('-'), the value itself is at most MOST.
limit() { record limit "$@"; }
# Prints the tables too.
results_end() {
	mv "$results_part" "$results_file" && "$e2e_top/tests/bench/report" "$results_file"
}

# about KEY TEXT: prints it, and records it where there are results.
about() {
	printf '%-8s %s\n' "$1" "$2"
	[ -z "${results_part-}" ] || record about "$1" "$2"
}
report_machine() {
	local commit dirty=
	commit=$(git -C "$e2e_top" rev-parse --short=12 HEAD 2>/dev/null) || commit=unknown
	[ -n "$(git -C "$e2e_top" status --porcelain 2>/dev/null)" ] && dirty=", changed"
	about livery "$("$LIVERY" --version 2>/dev/null | awk 'NR == 1 { print $NF }') $(
		)(commit $commit$dirty)"
	about machine "$(nproc) x $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(
		awk '/^MemTotal/ { print int($2 / 1048576 + .5) }' /proc/meminfo) GiB"
	about system "$(. /etc/os-release && echo "$PRETTY_NAME"), kernel $(uname -r), $(
		)trees on $(stat -f -c %T .)"
	about tools "$(dpkg-query -W -f='${Package} ${Version}, ' tar e2fsprogs squashfs-tools \
		squashfs-tools-ng erofs-utils attr findutils rsync policycoreutils libfuse3-3 libfuse3-4 \
		pseudo fakeroot fuse-overlayfs bindfs 2>/dev/null | sed 's/, $//')"
}

# timed AS COMMAND-LINE: its seconds; what it prints is in tool.log. Measured inside, without
# what changing the user takes.
timed() {
	local seconds
	"$1" rm -f tool.log
	seconds=$("$1" bash -c "set -o pipefail; start=\$EPOCHREALTIME
		{ $2; } >tool.log 2>&1 || { cat tool.log >&2; exit 1; }
		end=\$EPOCHREALTIME; echo \$((\${end/./} - \${start/./}))") || die "this failed: $2"
	printf '%d.%06d\n' $((seconds / 1000000)) $((seconds % 1000000))
}

# Minimum and median of the numbers in a file.
summary() {
	sort -n "$1" | awk '{ t[NR] = $1 } END { m = int((NR + 1) / 2)
		printf "%.3f %.3f", t[1], NR % 2 ? t[m] : (t[m] + t[m + 1]) / 2 }'
}

# table SIDE WORK...: of the files native.WORK and SIDE.WORK.
table() {
	local side=$1 work nmin nmed vmin vmed
	shift
	printf '%-20s native minimum   median  %8s minimum   median    ratio\n' seconds "$side"
	for work in "$@"; do
		read -r nmin nmed <<<"$(summary "native.$work")"
		read -r vmin vmed <<<"$(summary "$side.$work")"
		awk -v work="$work" -v a="$nmin" -v b="$nmed" -v c="$vmin" -v d="$vmed" 'BEGIN {
			printf "%-20s %14.3f %8.3f %17.3f %8.3f %8.2f\n", work, a, b, c, d, c / a }'
	done
}

# root_and_policy: the tar of the large root as $root, the policy of the small one as $policy.
root_and_policy() {
	local small
	root=$("$e2e_top/tests/bench/mkroot-large" "$FIXTURES") || die "the root could not be made"
	small=$("$e2e_top/tests/fixtures/mkroot" --small "$FIXTURES") ||
		die "the root with the policy could not be made"
	if ! as_user test -r "$root"; then
		install -m 644 "$root" .root.tar && root=$SCRATCH/.root.tar
	fi
	policy=$SCRATCH/policy/file_contexts
	mkdir policy
	tar -C policy -xf "$small" --strip-components=6 --wildcards \
		'./etc/selinux/default/contexts/files/file_contexts*' || die "no policy in $small"
	rm -f policy/*.bin
	chmod -R a+rX policy
}
# labeled_root: that root with labels by that policy as the staging tree rootfs, and as a tar.
labeled_root() {
	root_and_policy
	as_user "$LIVERY" unpack "$root" rootfs >/dev/null || die "unpack failed"
	as_user "$LIVERY" label --policy "$policy" rootfs >/dev/null || die "label failed"
	as_user "$LIVERY" image -t tar -o labeled.tar rootfs >/dev/null || die "image failed"
}
# native_tree DIR: root's tree of the same, and that it is the same.
tar_attributes=(--xattrs '--xattrs-include=*')
native_tree() {
	as_root mkdir "$1"
	as_root tar -C "$1" -xp --same-owner --numeric-owner "${tar_attributes[@]}" --acls \
		--warning=no-timestamp -f labeled.tar || die "no native tree"
	[ "$(as_root "$LIVERY" manifest --native --digest "$1")" = \
		"$(as_user "$LIVERY" manifest --digest rootfs)" ] ||
		die "native and staging tree are not the same"
}
