#!/bin/sh
# SPDX-License-Identifier: MIT
#
# packages.sh [--list] [GROUP...]: installs what the groups of packages.txt name (all of
# them by default) and what is missing, with apt and with sudo where the user is not root.
# --list prints what is missing and installs nothing; exit 1 when something is.
set -eu

list=$(dirname "$0")/packages.txt
only_list=
[ "${1-}" = --list ] && { only_list=1; shift; }

die() { echo "packages: $*" >&2; exit 1; }

wanted=$(awk -v groups="${*:-all}" '
	BEGIN { n = split(groups, g, " "); for (i = 1; i <= n; i++) want[g[i]] = 1 }
	/^#/ { next }
	want["all"] || want[$1] { for (i = 2; i <= NF; i++) print $i }' "$list" | sort -u)
[ -n "$wanted" ] || die "$list has no group of these: $*"

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
	die "this needs Debian's dpkg and apt; elsewhere install the like of:
$wanted"

missing=
for package in $wanted; do
	case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
	installed) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -z "$missing" ] && exit 0
if [ -n "$only_list" ]; then
	echo "$missing" | xargs -n 1
	exit 1
fi

sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null ||
		die "these are missing, and only root can install them:$missing"
	sudo=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
	$sudo env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 </dev/null && return
	tail -n 20 "$log" >&2
	die "this failed: $*"
}
echo "packages: installing$missing" >&2
run apt-get -q -o DPkg::Lock::Timeout=300 update
# shellcheck disable=SC2086
run apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing
