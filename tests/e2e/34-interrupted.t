#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Commands that are killed in the middle, two writers at once, and a disk that is full: the
# database is the old one, or the tree is said to be incomplete.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar long.tar <<'END'
import random
d("./")
d("etc", uid=1)
f("etc/first", "1", uid=9)
f("etc/big", random.Random(1).randbytes(3000000))
for i in range(3000):
    f("etc/%0200d" % i, uid=i)
f("etc/last", "last")
END
as_user mkdir empty
as_user mkfifo fifo
printf '/.* a:b:c:s0\n' >policy
printf '/no-such-place a:b:c:s0\n' >matches-nothing

# All that the database says, without times, which are the staging tree's.
dump() {
	{
		as_user "$LIVERY" ls -d --json "$1"
		as_user "$LIVERY" ls --json "$1" "$1/etc"
	} | sed 's/"mtime": [^"]*"mtime_nsec": [^"]*//' | sha256sum
}
incomplete() { # DESCRIPTION TREE
	local command
	for command in "mount $2 empty" "label --policy policy $2" "verify $2" "chown 0:0 $2/etc"; do
		exits 2 "$1: ${command%% *} is refused" as_user "$LIVERY" $command
		like "$ERR" "$2.livery: .*unpack.* did not come to its end, so the tree is incomplete; run it again" \
			"$1: it says why"
	done
}
whole() { # DESCRIPTION TREE
	ok "$1: unpack again" as_user "$LIVERY" unpack long.tar "$2"
	ok "$1: the tree is whole" as_user "$LIVERY" status "$2"
	is "$(as_user cat "$2/etc/last")$(as_user stat -c %s "$2/etc/big")" "last3000000" "$1: with its content"
	is "$(as_user "$LIVERY" stat --json "$2/etc/$(printf %0200d 2999)" | grep -o '"uid": [0-9]*')" \
		'"uid": 2999' "$1: and its owners"
}

# --- unpack that is killed; meanwhile it is the only writer

# start_unpack: it has read half of the archive and waits for more.
start_unpack() {
	rm -rf rootfs rootfs.livery
	"${e2e_user[@]}" "$LIVERY" unpack - rootfs <fifo >unpack.log 2>&1 &
	pid=$!
	exec 7>fifo
	head -c 2000000 long.tar >&7
	wait_for 20 test -s rootfs/etc/big
}
for signal in KILL TERM; do
	ok "unpack has begun" start_unpack
	exits 2 "a second unpack" as_user "$LIVERY" unpack long.tar rootfs
	like "$ERR" "rootfs.livery: another command is writing to this database \(process $pid: .*livery unpack - rootfs\)" \
		"is told who is first"
	exits 2 "chown meanwhile" as_user "$LIVERY" chown 0:0 rootfs/etc
	like "$ERR" "process $pid" "is told as well"
	exits 2 "mount meanwhile" as_user "$LIVERY" mount rootfs empty
	like "$ERR" "process $pid|incomplete" "is refused"
	exits 2 "ls meanwhile" as_user "$LIVERY" ls rootfs
	kill -"$signal" "$pid"
	exec 7>&-
	wait "$pid" 2>/dev/null
	incomplete "killed by SIG$signal" rootfs
done
ok "unpack has begun" start_unpack
exec 7>&-
wait "$pid"
is "$?" 2 "a pipe that ends too soon: exit 2"
like "$(cat unpack.log)" "rootfs is incomplete" "says so"
incomplete "a pipe that ends too soon" rootfs
whole "after all that" rootfs

# --- label that is killed: it waits for a reader of what it lists

before=$(dump rootfs)
start_label() {
	exec 8<>fifo
	"${e2e_user[@]}" "$LIVERY" label --policy matches-nothing rootfs >&8 2>/dev/null 7>&- 8>&- &
	pid=$!
	wait_for 20 eval 'grep -q pipe_write /proc/$pid/wchan 2>/dev/null || [ "$(awk "{ print \$3 }" /proc/$pid/stat)" = S ]'
	sleep 0.2
	kill -0 "$pid"
}
ok "label has begun" start_label
exits 2 "another label" as_user "$LIVERY" label --policy policy rootfs
like "$ERR" "another command is writing to this database \(process $pid: .*livery label" "is told who is first"
ok "ls meanwhile" as_user "$LIVERY" ls -d rootfs/etc
kill -KILL "$pid"
wait "$pid" 2>/dev/null
exec 8>&-
is "$(dump rootfs)" "$before" "killed: the database is as before"
ok "the tree is whole" as_user "$LIVERY" status rootfs
ok "label works afterwards" as_user "$LIVERY" label --policy policy rootfs

# Killed at any moment: labels are all there or none. Twenty moments.
labels() { as_user "$LIVERY" ls --json rootfs/etc | grep -o '"label": [^,]*' | sort | uniq -c | tr -s ' '; }
printf '/.* a:b:one:s0\n' >policy1
printf '/.* a:b:two:s0\n' >policy2
as_user "$LIVERY" label --policy policy1 rootfs >/dev/null
torn=0 finished=0
for i in {1..20}; do
	"${e2e_user[@]}" "$LIVERY" label --policy "policy$((i % 2 + 1))" rootfs >/dev/null 2>&1 &
	pid=$!
	sleep "0.0$((i * 4 % 10))$((i % 10))"
	kill -KILL "$pid" 2>/dev/null || finished=$((finished + 1))
	wait "$pid" 2>/dev/null
	[ "$(labels | wc -l)" = 1 ] || torn=$((torn + 1))
done
is "$torn" 0 "label killed at 20 moments: all labels or none ($finished had ended)"
ok "verify" as_user "$LIVERY" verify rootfs

# --- a full disk

if have_root; then
	as_user mkdir disk
	as_root mount -t tmpfs -o "size=1800k,uid=$(as_user id -u),mode=755" tmpfs disk
	size() { as_root mount -o "remount,size=$1" disk; }
	full() { # DESCRIPTION COMMAND...
		exits 2 "$1" as_user "${@:2}"
		like "$ERR" "^livery: .*(No space left|disk is full)" "$1: it says so"
		like "$ERR" "disk/" "$1: and where"
	}
	full "unpack, content does not fit" "$LIVERY" unpack long.tar disk/rootfs
	like "$ERR" "etc/big.*disk/rootfs is incomplete: unpack again" "the file and the tree are named"
	incomplete "full" disk/rootfs
	size 20m
	whole "full, then larger" disk/rootfs
	# The content fits, the database does not.
	rm -rf disk/rootfs disk/rootfs.livery
	size 3100k
	full "unpack, the database does not fit" "$LIVERY" unpack long.tar disk/rootfs
	incomplete "full of database" disk/rootfs
	size 20m
	whole "full of database, then larger" disk/rootfs
	# Not a byte is left.
	fill() { as_user dd if=/dev/zero of=disk/filler bs=4096 2>/dev/null; }
	fill
	before=$(dump disk/rootfs)
	full "label" "$LIVERY" label --policy policy disk/rootfs
	full "chown" "$LIVERY" chown 77:77 disk/rootfs/etc/first
	full "setfattr" "$LIVERY" setfattr -n user.x -v 1 disk/rootfs/etc/first
	full "mknod" "$LIVERY" mknod disk/rootfs/dev c 1 1
	is "$(dump disk/rootfs)" "$before" "what the database says is as before" ||
		diag "$(as_user "$LIVERY" status disk/rootfs)"
	ok "a view of it" mount_view disk/rootfs view
	is "$(as_user stat -c %u view/etc/first)" 9 "works all the same"
	strict_umount view
	as_user rm disk/filler
	ok "label once there is room" as_user "$LIVERY" label --policy policy disk/rootfs
	ok "chown once there is room" as_user "$LIVERY" chown 77:77 disk/rootfs/etc/first
	ok "verify" as_user "$LIVERY" verify disk/rootfs
	# A new database that has no room at all, not even for its first page.
	fill
	full "a new database" "$LIVERY" label --policy policy --db disk/new.livery rootfs
	as_user rm disk/filler
	ok "the same with room" as_user "$LIVERY" label --policy policy --db disk/new.livery rootfs
	# Names, not bytes: no inode is left.
	as_user rm -rf disk/rootfs disk/rootfs.livery
	as_root mount -o remount,nr_inodes=1000 disk
	full "unpack, too few inodes" "$LIVERY" unpack long.tar disk/rootfs
	incomplete "few inodes" disk/rootfs
	as_root umount disk
else
	skip "a full disk" "that needs a filesystem of its own"
fi
no_sanitizer_report "all"
finish
