#!/bin/bash
# SPDX-License-Identifier: MIT
#
# How a view is mounted: its options, its daemon in the foreground and detached, several at
# once, odd names, other users.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./")
d("etc", mtime="1450000000.5")
f("etc/passwd", "root:x:0:0::/:\n", mtime="1500000000.25")
f("etc/shadow", "secret\n", mode=0o600)
f("etc/other", "readable\n", mode=0o644, mtime="1600000000")
d("private", mode=0o700, uid=7)
f("private/file", "x")
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
as_user touch rootfs/unrecorded
as_user mkdir empty

# --- owners, times, labels

owners() { as_user stat -c '%n %u:%g' view/unrecorded view/etc/shadow view/private; }
ok "mount" mount_view rootfs view
is "$(owners)" "view/unrecorded 0:0
view/etc/shadow 0:0
view/private 7:0" "what no record knows belongs to 0:0"
strict_umount view
ok "mount -o default-owner" mount_view rootfs view -o default-owner=12:4000000000
is "$(owners)" "view/unrecorded 12:4000000000
view/etc/shadow 0:0
view/private 7:0" "or to who is named, where no record says"
strict_umount view

times() { as_user stat -c %.9Y view/etc view/etc/passwd view/etc/other | tr '\n' ' '; }
ok "mount -o clamp" mount_view rootfs view -o clamp=1500000000
is "$(times)" "1450000000.500000000 1500000000.000000000 1500000000.000000000 " \
	"later times are clamped, to the second"
is "$(as_user stat -c '%X %Z' view/etc/other)" "1500000000 1500000000" "all three"
strict_umount view
export SOURCE_DATE_EPOCH=1499999999
ok "mount with SOURCE_DATE_EPOCH" mount_view rootfs view
is "$(times)" "1450000000.500000000 1499999999.000000000 1499999999.000000000 " "it does the same"
strict_umount view
ok "mount with both" mount_view rootfs view -o clamp=1550000000
is "$(times)" "1450000000.500000000 1500000000.250000000 1550000000.000000000 " "the option wins"
strict_umount view
like "$(as_user "$LIVERY" stat --json rootfs/etc/other)" '"mtime": 1499999999,' "stat clamps as well"
for epoch in yesterday -1 1.5 99999999999999999999 "1 "; do
	export SOURCE_DATE_EPOCH=$epoch
	exits 2 "SOURCE_DATE_EPOCH='$epoch'" as_user "$LIVERY" mount rootfs empty
	like "$ERR" "SOURCE_DATE_EPOCH" "is refused by name"
done
export SOURCE_DATE_EPOCH=
ok "SOURCE_DATE_EPOCH, but empty" mount_view rootfs view
like "$(times)" "1600000000.000000000 $" "is none"
strict_umount view
unset SOURCE_DATE_EPOCH

# --- labels: a tree that was labeled as a whole must stay so

ends_well() { # DESCRIPTION OPTION...
	ok "$1: mount" mount_view rootfs view "${@:2}"
	as_user find view >/dev/null
	ok "$1: umount" as_user "$LIVERY" umount view
}
labels() { as_user getfattr -R -h -m- view 2>&1 | grep -c '^security.selinux'; }
ends_well "never labeled"
as_user "$LIVERY" setfattr -n security.selinux -v a:b:c:s0 rootfs rootfs/etc rootfs/etc/passwd
ends_well "labeled in part, by hand"
printf '/etc(/.*)? a:b:c:s0\n' >part
printf '/.* a:b:c:s0\n/private/.* <<none>>\n' >whole
as_user "$LIVERY" label --policy part rootfs >/dev/null 2>&1
ends_well "labeled in part, by a policy"
ok "label all" as_user "$LIVERY" label --policy whole rootfs
ends_well "labeled as a whole, but for what <<none>> excludes"
as_user touch rootfs/etc/late
as_user "$LIVERY" mknod rootfs/etc/later c 1 3
ok "mount with files that came later" mount_view rootfs view
as_user ls -l view/private view/etc >/dev/null
exits 1 "umount" as_user "$LIVERY" umount view
is "$(sed -n "s,livery: $SCRATCH/view: \(.*\): has no label,\1,p" <<<"$ERR" | sort | tr '\n' ' ')" \
	"/etc/late /etc/later " "names them"
ends_well "the same with -o allow-unlabeled" -o allow-unlabeled
ok "mount -o allow-unlabeled" mount_view rootfs view -o allow-unlabeled
is "$(labels)" 7 "shows the labels that are there"
strict_umount view
ok "mount -o no-labels" mount_view rootfs view -o no-labels
is "$(as_user getfattr -R -h -d -m- view 2>&1)" "" "nothing is labeled"
strict_umount view
ok "label again" as_user "$LIVERY" label --policy whole rootfs
ends_well "labeled as a whole again"
rm -rf rootfs rootfs.livery
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
as_user touch rootfs/unrecorded

# --- options that are none

for option in default-owner=root default-owner=1 default-owner=1:-2 default-owner=4294967295:0 \
	clamp=soon clamp= clamp=-1 threads=0 threads=1000 writable policy no-such-option allow_others \
	setuid=root user; do
	exits 2 "mount -o $option" as_user "$LIVERY" mount -o "ro,$option" rootfs empty
	like "$ERR" "$option" "is refused by name"
done
is "$(find empty)" "empty" "nothing is mounted"
ok "mount with harmless options" mount_view rootfs view -o ro,nosuid,nodev,noatime,noexec,threads=3
like "$(awk -v p="$SCRATCH/view" '$5 == p { print $6 "," $11 }' /proc/self/mountinfo)" \
	"ro,nosuid,nodev,noexec" "the kernel has its own"
strict_umount view

# --- few messages

ok "mount -f -o debug" mount_fg rootfs view -o debug
for _ in 1 2 3; do
	as_user cat view/etc/other view/etc/passwd >/dev/null
	as_user ls view/etc >/dev/null
	as_user stat view/etc >/dev/null # newer kernels ask once for STATX
done
sleep 0.2
count() { grep -c "opcode: $1 " view.log; }
result "$(($(count OPEN) > 1))" "OPEN is sent once, then never ($(count OPEN))"
result "$(($(count OPENDIR) > 1))" "OPENDIR is sent once, then never ($(count OPENDIR))"
is "$(count RELEASE) $(count RELEASEDIR)" "0 0" "no RELEASE, no RELEASEDIR"
result "$(($(count FLUSH) > 1))" "FLUSH is sent once, then never ($(count FLUSH))"
is "$(count READ)" 2 "each file is read once"
result "$(($(count READDIRPLUS) > 2 || $(count READDIRPLUS) == 0))" \
	"a directory is read once, with attributes ($(count READDIRPLUS))"
is "$(count READDIR)" 0 "never without them"
before=$(grep -c 'opcode: ' view.log)
for _ in 1 2 3; do
	as_user cat view/etc/other >/dev/null
	as_user stat view/etc/shadow view/etc/passwd >/dev/null
	as_user stat view/etc/absent >/dev/null 2>&1
done
as_user ls view/etc >/dev/null
sleep 0.2
is "$(($(grep -c 'opcode: ' view.log) - before))" 1 "what is known is not asked again, nor what is absent"
ok "umount" as_user "$LIVERY" umount view
ok "the daemon in the foreground exits 0" foreground_ended 0

# --- in the foreground

ok "mount -f" mount_fg rootfs view
result "$(kill -0 "$fg_pid"; echo $?)" "it stays in the foreground"
ok "fusermount3 -u" as_user fusermount3 -u view
ok "exit 0" foreground_ended 0
is "$(cat view.log)" "" "without a word"
for signal in TERM HUP; do
	ok "mount -f" mount_fg rootfs view
	kill -"$signal" "$fg_pid"
	ok "SIG$signal ends it with exit 0" foreground_ended 0
	result "$(! is_mounted "$SCRATCH/view"; echo $?)" "and unmounts"
done
ok "mount -f" mount_fg rootfs view
"${e2e_user[@]}" bash -c 'exec 3<view/etc/other; echo up; exec sleep 100' >busy &
busy=$!
wait_for 10 test -s busy
exits 2 "umount of a view in use" as_user "$LIVERY" umount view
like "$ERR" "view.*busy|view.*uses" "says so"
result "$(is_mounted "$SCRATCH/view"; echo $?)" "and leaves it"
kill "$busy"
wait "$busy" 2>/dev/null
ok "umount afterwards" wait_for 10 eval 'as_user "$LIVERY" umount view 2>/dev/null'
ok "exit 0" foreground_ended 0

# --- detached

as_user mkdir -p one
capture timeout 20 "${e2e_user[@]}" "$LIVERY" mount rootfs one
is "$status:$OUT:$ERR" "0::" "mount says nothing and returns, though its output is captured"
is "$(as_user cat one/etc/other)" "readable" "and the view answers at once"
pid=$(daemons)
is "$(readlink "/proc/$pid/cwd") $(readlink "/proc/$pid/fd/0") $(awk '{ print $6 == $1 }' "/proc/$pid/stat")" \
	"/ /dev/null 1" "the daemon holds no directory and no terminal, and leads its own session"

# --- several views of one tree, relative paths, odd names

as_user mkdir -p sub/two $'odd, name\nof a \\view'
ok "a second view, by relative paths" as_user env -C sub "$LIVERY" mount ../rootfs two
ok "a third, by an odd name" as_user "$LIVERY" mount -o default-owner=5:5 rootfs $'odd, name\nof a \\view'
ok "a fourth, through links" as_user bash -c "ln -s rootfs alias; mkdir four; ln -s four to-four
	exec '$LIVERY' mount alias to-four/"
is "$(as_user cat one/etc/other sub/two/etc/other $'odd, name\nof a \\view/etc/other' four/etc/other | sort -u)" \
	"readable" "all of them answer"
is "$(as_user stat -c %u one/unrecorded $'odd, name\nof a \\view/unrecorded' | tr '\n' ' ')" "0 5 " \
	"each with its own options"
is "$(as_user stat -c %i one/etc/other sub/two/etc/other | sort -u | wc -l)" 1 "inode numbers are the same"
ok "ls in the odd one" as_user "$LIVERY" ls $'odd, name\nof a \\view/etc'
ok "umount by a relative path" as_user env -C sub "$LIVERY" umount two
ok "umount with slashes" as_user "$LIVERY" umount one//
ok "umount of the odd one" as_user "$LIVERY" umount $'odd, name\nof a \\view'
ok "umount through a link" as_user "$LIVERY" umount to-four
ok "no daemon is left" wait_for 10 no_daemon
as_user mkdir $'root, fs\n2' view5
ok "an odd staging tree: unpack" as_user "$LIVERY" unpack small.tar $'root, fs\n2/tree, \n'
ok "an odd staging tree: mount" as_user "$LIVERY" mount $'root, fs\n2/tree, \n' view5
ok "an odd staging tree: ls" as_user "$LIVERY" ls view5/etc $'root, fs\n2/tree, \n/etc'
is "$(as_user cat view5/etc/other)" readable "an odd staging tree: read"
ok "an odd staging tree: umount" as_user "$LIVERY" umount view5
exits 2 "umount of what is no view" as_user "$LIVERY" umount empty
like "$ERR" "empty: not the mount point of a view" "says so"
exits 2 "umount of a path in a view" eval 'mount_view rootfs view && as_user "$LIVERY" umount view/etc'
like "$ERR" "view/etc: not the mount point" "says so"
exits 2 "umount of nothing" as_user "$LIVERY" umount nothing
like "$ERR" "nothing" "names it"
strict_umount view

# --- other users

as_user mkdir -p shared
if ! grep -q '^ *user_allow_other' /etc/fuse.conf 2>/dev/null; then
	exits 2 "allow_other that the host does not allow" as_user "$LIVERY" mount -o allow_other rootfs empty
	like "$ERR" "allow_other" "is refused by name"
	is "$(find empty)" "empty" "nothing is mounted"
fi
ok "mount for one user" mount_view rootfs view
if have_root; then
	exits 1 "root cannot read it" as_root cat view/etc/other
	like "$ERR" "Permission denied" "without allow_other"
fi
strict_umount view
if have_root; then
	echo user_allow_other >fuse.conf
	# All in one private mount namespace; only what it prints leaves it.
	cat >others <<'END'
mount --bind fuse.conf /etc/fuse.conf || exit 9
livery=$1 user=$2
as() { setpriv --reuid="$1" --regid="$1" --clear-groups -- "${@:2}"; }
as "$user" "$livery" mount -o allow_other rootfs shared || exit 8
echo "owner: $(as "$user" cat shared/etc/other)"
echo "root: $(cat shared/etc/shadow)"
echo "nobody: $(as 65534 cat shared/etc/other)"
echo "nobody shadow: $(as 65534 cat shared/etc/shadow 2>&1)"
echo "nobody private: $(as 65534 ls shared/private 2>&1)"
echo "owner shadow: $(as "$user" cat shared/etc/shadow 2>&1)"
echo "nobody side: $(as 65534 "$livery" ls -d shared/etc 2>&1 | cut -c1-10)"
as "$user" "$livery" umount shared
echo "umount: $?"
END
	ok "allow_other" as_root unshare -m bash others "$LIVERY" "$(as_user id -un)"
	is "$(grep -v side <<<"$OUT")" "owner: readable
root: secret
nobody: readable
nobody shadow: cat: shared/etc/shadow: Permission denied
nobody private: ls: cannot open directory 'shared/private': Permission denied
owner shadow: cat: shared/etc/shadow: Permission denied
umount: 0" "others read what the modes let them read"
	ok "no daemon is left" wait_for 10 no_daemon
else
	skip "allow_other" "root has to allow it in fuse.conf"
fi
no_sanitizer_report "all views"
finish
