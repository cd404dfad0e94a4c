#!/bin/bash
# SPDX-License-Identifier: MIT
#
# mount.livery: the helper that mount(8) runs for a line in fstab(5).

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./")
f("file", "content\n", uid=3)
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
as_user mkdir view
ln -s livery .bin/mount.livery
helper=$SCRATCH/.bin/mount.livery

# --- with the arguments that mount(8) gives

ok "ro and what mount(8) acts on itself" as_user "$helper" "$SCRATCH/rootfs" "$SCRATCH/view" \
	-o ro,noauto,user,nofail,x-systemd.automount,_netdev,comment=x,noexec,nosuid,nodev,relatime
is "$(as_user cat view/file)" "content" "the view is up"
strict_umount view
ok "-s -n -v, and an option of ours" as_user "$helper" -s -n -v "$SCRATCH/rootfs" "$SCRATCH/view" \
	-o ro -o default-owner=7:8,clamp=1000000000 -t livery
is "$(as_user stat -c '%u:%g %Y' view view/file | tr '\n' ' ')" "0:0 1000000000 3:0 1000000000 " \
	"both -o count"
strict_umount view
as_user mkdir apart
as_user mv rootfs.livery $'apart/a,b.db'
ok "db= with a comma" as_user "$helper" "$SCRATCH/rootfs" "$SCRATCH/view" -o "ro,db=$SCRATCH/apart/a\\,b.db"
is "$(as_user stat -c %u view/file)" 3 "that database is used"
strict_umount view
as_user mv $'apart/a,b.db' rootfs.livery
ok "-f does nothing" as_user "$helper" -f "$SCRATCH/rootfs" "$SCRATCH/view" -o ro
result "$(! is_mounted "$SCRATCH/view"; echo $?)" "no view is up"

refused() { # EXIT DESCRIPTION REGEX ARG...
	exits "$1" "$2" as_user "$helper" "${@:4}"
	like "$ERR" "$3" "says why"
	result "$(! is_mounted "$SCRATCH/view"; echo $?)" "and mounts nothing"
}
refused 1 "rw" "say ro, or writable" "$SCRATCH/rootfs" "$SCRATCH/view" -o rw,noauto
refused 1 "an unknown option" "mount option frobnicate" "$SCRATCH/rootfs" "$SCRATCH/view" -o ro,frobnicate
refused 1 "an unknown letter" "'q'.*usage" "$SCRATCH/rootfs" "$SCRATCH/view" -q
refused 1 "an operand too few" "usage" "$SCRATCH/rootfs"
refused 1 "an operand too many" "usage" "$SCRATCH/rootfs" "$SCRATCH/view" more
refused 32 "no staging tree" "$SCRATCH/absent" "$SCRATCH/absent" "$SCRATCH/view" -o ro
refused 32 "no mount point" "$SCRATCH/absent" "$SCRATCH/rootfs" "$SCRATCH/absent" -o ro
refused 1 "setuid= of nobody known" "setuid=no-such-user" "$SCRATCH/rootfs" "$SCRATCH/view" \
	-o ro,setuid=no-such-user
exits 2 "setuid= is for fstab only" as_user "$LIVERY" mount -o setuid=root rootfs view
like "$ERR" "setuid=root" "the option is named"

# --- mount(8) itself, which finds its helpers in /sbin

if have_root; then
	user=$(as_user id -un)
	# In a private mount namespace, /sbin is a tmpfs of links with the helper among them.
	cat >with-helper <<'END'
sbin=$(readlink -f /sbin)
mkdir .real .sbin
mount --bind "$sbin" .real
mount -t tmpfs tmpfs .sbin
for f in .real/*; do ln -s "$PWD/$f" .sbin/; done
ln -sf "$1" .sbin/mount.livery
mount --bind .sbin "$sbin" || exit 9
shift
exec "$@"
END
	printf '%s %s livery ro,noauto,user,setuid=%s 0 0\n' \
		"$SCRATCH/rootfs" "$SCRATCH/view" "$user" \
		"$SCRATCH/rootfs" "$SCRATCH/second" "$user,default-owner=9:9" >fstab
	printf '%s %s livery noauto,setuid=%s 0 0\n' "$SCRATCH/rootfs" "$SCRATCH/third" "$user" >>fstab
	as_user mkdir second third
	cat >steps <<'END'
livery=$1 user=$2
as() { setpriv --reuid="$user" --regid="$user" --clear-groups -- "$@"; }
mount -T fstab "$PWD/view"
echo "mount: $?"
echo "content: $(as cat view/file) $(as stat -c %u view/file)"
for p in /proc/[0-9]*; do
	[ "$(readlink "$p/exe")" = "$livery" ] && echo "daemon: $(awk '/^Uid:/ { print $2 }' "$p/status")"
done
findmnt -no FSTYPE,SOURCE "$PWD/view" | tr -s ' '
as "$livery" umount view
echo "umount: $?"
mount -T fstab "$PWD/second" && echo "second: $(as stat -c %u second)"
umount "$PWD/second"
echo "umount(8): $?"
mount -T fstab "$PWD/third" 2>&1
echo "third: $?"
END
	ok "mount(8) with a line of fstab" as_root unshare -m bash with-helper "$helper" \
		bash steps "$LIVERY" "$user"
	is "$OUT" "mount: 0
content: content 3
daemon: $(as_user id -u)
fuse.livery $SCRATCH/rootfs
umount: 0
second: 0
umount(8): 0
livery: mount options of this line in fstab: say ro, or writable for a view that writes (mount(8) says rw by itself where a line does not say ro)
third: 1" "mounts as the user, refuses what says rw"
	ok "no daemon is left" wait_for 20 no_daemon
	rmdir .real .sbin
else
	skip "mount(8) with a line of fstab" "that needs root"
fi
no_sanitizer_report "all"
finish
