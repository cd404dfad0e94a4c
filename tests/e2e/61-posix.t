#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What POSIX says of files holds in a view that writes, call by call: tests/view/posix.c as
# root on the filesystem itself, which shows that it asks for the right things, and as an
# ordinary user in views, with the deviations that docs/writing.md lists.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
# The suite is built beside the program under test.
suite=$(dirname "$(realpath -m "${LIVERY:-$here/../../build/release/livery}")")/tests/view/posix
. "$here/../lib/e2e.sh"
install -m 755 "$suite" .bin/posix || bail "there is no $suite: make test-programs"
uid=$(as_user id -u) gid=$(as_user id -g)

# The runs wait a lot, for clocks to go on and for disks, and so go side by side.
# begin NAME CMD...; passed NAME DEVIATIONS: all tests of it were ok, so many as listed only.
declare -A run
begin() {
	local name=$1
	shift
	"$@" >"$SCRATCH/$name.tap" 2>&1 </dev/null &
	run[$name]=$!
}
passed() {
	local tap=$SCRATCH/$1.tap rc=0
	wait "${run[$1]}" || rc=$?
	is "$rc" 0 "$1: exit status"
	is "$(grep -A 3 '^not ok' "$tap" | head -60)" "" "$1: every test is ok"
	is "1..$(grep -Ec '^(not )?ok' "$tap")" "$(grep '^1\.\.' "$tap")" "$1: every test has run"
	like "$(grep -c '^ok' "$tap")" "^[0-9]{3,}$" "$1: these are some"
	like "$(grep -c '^ok [0-9]* - .* # ' "$tap")" "$2" "$1: deviations"
}

# Devices, which the suite cannot make itself.
devices() { # VIEW
	ok "livery mknod in $1" as_user "$LIVERY" mknod "$1/null" c 1 3
	is "$(as_user stat -c '%F %t:%T' "$1/null")" "character special file 1:3" "it is seen"
	# shellcheck disable=SC2016 # for the other shell
	ok "chmod, chown, mv, touch" as_user sh -c 'cd "$1" && chmod 640 null &&
		chown 5:6 null && mv null moved && touch -d @1000 moved' sh "$1"
	is "$(as_user stat -c '%F %t:%T %a %u:%g %Y' "$1/moved")" \
		"character special file 1:3 640 5:6 1000" "all of it counts"
	exits 1 "opening it is the kernel's affair" as_user cat "$1/moved"
	like "$ERR" "Permission denied" "which refuses it (nodev)"
	ok "rm" as_user rm "$1/moved"
	exits 1 "and it is gone" as_user test -e "$1/moved"
}

as_user mkdir native rootfs-root rootfs-own
ok "mount -o rw" mount_view rootfs-root view-root -o rw
ok "mount -o rw,default-owner" mount_view rootfs-own view-own -o "rw,default-owner=$uid:$gid"
begin root as_user .bin/posix --fuse --owner 0:0 view-root
begin own as_user .bin/posix --fuse --owner "$uid:$gid" view-own
if have_root; then
	begin native as_root .bin/posix native
	passed native '^0$'
	is "$(ls -A native)" "" "native: nothing is left"
	exits 1 "a deviation that does not occur is an error" \
		as_root .bin/posix --fuse --only "mknod: a character" native
	like "$OUT" "^not ok 1 .* works, but" "it is named"
else
	skip "root, natively" "nobody is root here"
fi
passed root '^[1-9]'
passed own '^[1-9]'

for owner in root own; do
	is "$(as_user ls -A "view-$owner")" "" "$owner: nothing is left"
	devices "view-$owner"
done
ok "umount" as_user "$LIVERY" umount "$SCRATCH/view-own"
strict_umount view-root
for owner in root own; do
	is "$(as_user ls -A "rootfs-$owner")" "" "$owner: the staging tree is empty"
	ok "$owner: status" as_user "$LIVERY" status "rootfs-$owner"
	is "$(find . -maxdepth 1 -name "rootfs-$owner*" | sort)" "./rootfs-$owner
./rootfs-$owner.livery" "$owner: beside it is the database, and nothing else"
done
finish
