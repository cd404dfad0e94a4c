#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A host whose SELinux is active answers labels itself: no mount with labels there.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

if ! have_root; then
	skip "an SELinux host" "that needs a private mount namespace"
	finish
fi
as_user .bin/lib/mktar small.tar <<'END'
d("./", x=LABEL("a:b:root:s0"))
f("file", "content\n", x={**LABEL("a:b:file:s0"), "user.other": b"1"})
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
as_user mkdir view
# What is looked at is /sys/fs/selinux/enforce; permissive (0) is as bad as enforcing.
cat >host <<'END'
value=$1 user=$2
shift 2
mount -t tmpfs tmpfs /sys/fs || exit 99
mkdir /sys/fs/selinux
printf %s "$value" >/sys/fs/selinux/enforce
exec setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
END
user=$(as_user id -un)
for value in 0 1; do
	exits 2 "mount where enforce is $value" \
		as_root unshare -m bash host $value "$user" "$LIVERY" mount rootfs view
	like "$ERR" "^livery: this host runs SELinux \(/sys/fs/selinux\)" "says why"
	like "$ERR" "'livery run --ro STAGING -- COMMAND', or mount with -o no-labels$" \
		"and what to do"
	is "$(wc -l <<<"$ERR")" 1 "in one line"
done
exits 2 "mount -f" as_root unshare -m bash host 1 "$user" "$LIVERY" mount -f rootfs view
ln -s livery .bin/mount.livery
exits 32 "the helper of mount(8)" as_root unshare -m bash host 1 "$user" \
	"$SCRATCH/.bin/mount.livery" "$SCRATCH/rootfs" "$SCRATCH/view" -o ro
like "$ERR" "no-labels" "says the same"
result "$(! is_mounted "$SCRATCH/view"; echo $?)" "nothing is mounted"
ok "nothing runs" no_daemon
ok "run --ro" as_root unshare -m bash host 1 "$user" \
	"$LIVERY" run --ro rootfs -- getfattr -n security.selinux --only-values @/file
is "$OUT" "a:b:file:s0" "shows the labels"
cat >no-labels <<'END'
"$1" mount -o no-labels rootfs view || exit
getfattr -d -m- view/file 2>&1
cat view/file
"$1" umount view
END
ok "mount -o no-labels" as_root unshare -m bash host 1 "$user" bash no-labels "$LIVERY"
is "$OUT" "# file: view/file
user.other=\"1\"

content" "shows all but labels"
for command in "label --policy policy rootfs" "ls rootfs" "verify rootfs"; do
	printf '/.* a:b:c:s0\n' >policy
	ok "$command works there" as_root unshare -m bash host 1 "$user" "$LIVERY" $command
done
ok "no daemon is left" wait_for 10 no_daemon
ok "mount on this host" mount_view rootfs view
strict_umount view
finish
