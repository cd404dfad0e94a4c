# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the benchmarks share; to be sourced after e2e.sh.
# shellcheck disable=SC2154 # from e2e.sh

die() { echo "bench: $*" >&2; exit 2; }

report_machine() {
	local commit dirty=
	commit=$(git -C "$e2e_top" rev-parse --short=12 HEAD 2>/dev/null) || commit=unknown
	[ -n "$(git -C "$e2e_top" status --porcelain 2>/dev/null)" ] && dirty=", changed"
	echo "livery $("$LIVERY" --version 2>/dev/null | awk 'NR == 1 { print $NF }')" \
		"(commit $commit$dirty)"
	echo "machine  $(nproc) x $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)," \
		"$(awk '/^MemTotal/ { print int($2 / 1048576 + .5) }' /proc/meminfo) GiB"
	echo "system   $(. /etc/os-release && echo "$PRETTY_NAME"), kernel $(uname -r)," \
		"trees on $(stat -f -c %T .)"
	echo "tools    $(dpkg-query -W -f='${Package} ${Version}  ' tar e2fsprogs squashfs-tools \
		erofs-utils attr findutils libfuse3-3 libfuse3-4 pseudo fakeroot 2>/dev/null)"
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
