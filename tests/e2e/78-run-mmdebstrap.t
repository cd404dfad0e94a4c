#!/bin/bash
# SPDX-License-Identifier: MIT
#
# mmdebstrap makes a minimal Debian under livery run --userns: packages are downloaded, unpacked
# and configured by an ordinary user, devices made. The tree equals what root's mmdebstrap makes
# natively with the same options. VARIANT is mmdebstrap's.

# shellcheck disable=SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"
# shellcheck disable=SC2034 # the library's
E2E_TIMEOUT=300

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
apt-get indextargets --format "deb \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" \
	'Created-By: Packages' 'Origin: Debian' | sort -u | grep " $suite main" >sources
[ -s sources ] || bail "apt knows no repository of Debian $suite: run 'apt-get update' first"

# Of what it may mount in the tree, /dev/pts takes a group that a user namespace of one does not
# have. apt's sandbox wants another user than root, which nobody is under run: the directories
# that it would give to it stay root's.
cat >steps <<'END'
# ROOT SOURCES VARIANT STARTED: then what is newer than the start gets one fixed time, since
# nobody can know the clock's before.
set -e
umask 022
unset TMPDIR HOME
export SOURCE_DATE_EPOCH=1700000000 LC_ALL=C.UTF-8
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mmdebstrap --mode=root --format=directory --variant="$3" --skip=chroot/mount/dev \
	--aptopt='APT::Sandbox::User "root"' --aptopt='Acquire::Retries "3"' \
	--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
	"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$1" "$2"
find "$1" -newermt "@$4" -exec touch -h -d '2024-02-29 01:02:03.456789012Z' {} +
END
arguments=("$SCRATCH/sources" "${VARIANT:-essential}" $(($(date +%s) - 1)))
if have_root; then
	as_root bash steps "$SCRATCH/native" "${arguments[@]}" >native.log 2>&1 &
	native_pid=$!
fi
as_user mkdir tree
ok "mmdebstrap under --userns" as_user "$LIVERY" run --userns tree bash steps @ "${arguments[@]}"
like "$ERR" "I: success in" "it says so"
is "$(grep -E '^E:' <<<"$ERR")" "" "without an error"
as_user "$LIVERY" run tree /usr/bin/python3 .bin/lib/scan.py @ >session.list
ok "a Debian that runs" as_user "$LIVERY" run --chroot tree sh -c 'dpkg --audit && test "$(id -u)" = 0'
if have_root; then
	ok "as root natively" wait "$native_pid" || diag "$(tail -n 20 native.log)"
	as_root /usr/bin/python3 .bin/lib/scan.py native >native.list
	entries=$(wc -l <native.list)
	result $((entries < 2000)) "the tree has at least 2,000 entries ($entries)"
	result $(($(grep -c "	c	" native.list) < 7)) "with device nodes"
	owned=$(awk -F'\t' '$4 != 0 || $5 != 0' native.list | wc -l)
	result $((owned < 5)) "some are not 0:0 ($owned)"
	same "the tree equals root's" native.list session.list
else
	skip "the tree equals root's" "making that needs root"
fi
ok "database and tree agree" as_user "$LIVERY" status tree
ok "no process is left" wait_for 10 no_daemon
is "$(mounts_left)" "" "no mount is left"
no_sanitizer_report "all"
finish
