#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Several views of one tree: sealed ones or one that writes, and what commands do then; how a
# view that writes ends, and what one that was killed leaves.

# shellcheck disable=SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'EOF'
d("./", x=LABEL("a:b:c:s0"))
d("etc", x=LABEL("a:b:c:s0"))
f("etc/passwd", "root:x:0:0::/:\n", x=LABEL("a:b:c:s0"))
f("keep", "k", uid=102, x=LABEL("a:b:c:s0"))
EOF
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
files() { (cd "$SCRATCH" && echo rootfs*); }
# busy DESCRIPTION REGEX COMMAND...: refused, with the process that is in the way, and nothing
# is changed by it.
busy() {
	local pid before
	pid=$(daemons | head -n 1)
	before=$(sha256sum rootfs.livery)
	exits 2 "$1" as_user "${@:3}"
	like "$ERR" "rootfs.livery: $2" "says what is in the way"
	like "$ERR" "\(process ($(daemons | tr '\n' '|')0): [^)]*livery mount" "and which process (${pid:-none})"
	like "$ERR" "livery umount" "and what to do"
	is "$(sha256sum rootfs.livery)" "$before" "the database is as before"
}
mkdir empty && chmod 777 empty

# --- sealed views

ok "a sealed view" mount_view rootfs sealed
ok "a second one" mount_view rootfs sealed-too
busy "mount -o rw beside them" "a sealed view shows this database" "$LIVERY" mount -o rw rootfs empty
result "$(! is_mounted "$SCRATCH/empty"; echo $?)" "nothing is mounted"
busy "chown" "a sealed view shows this database" "$LIVERY" chown 1 rootfs/keep
busy "chown in the view" "a sealed view shows this database" "$LIVERY" chown 1 sealed/keep
is "$(files)" "rootfs rootfs.livery" "nothing lies beside the database"
ok "umount" as_user "$LIVERY" umount sealed
strict_umount sealed-too

# --- one that writes

ok "a view that writes" mount_view rootfs view -o rw
busy "a second one" "a view that writes shows this tree already" "$LIVERY" mount -o rw rootfs empty
busy "a sealed view beside it" "a view that writes shows this tree" "$LIVERY" mount rootfs empty
result "$(! is_mounted "$SCRATCH/empty"; echo $?)" "nothing is mounted"
busy "image" "a view that writes shows this tree" "$LIVERY" image -t ext4 -o out.ext4 rootfs
busy "image without a view" "a view that writes shows this tree" \
	"$LIVERY" image -t tar --without-fuse -o out.tar rootfs
is "$(compgen -G '*out.*' ; compgen -G '.*out.*')" "" "no image is there"
busy "manifest" "a view that writes shows this tree" "$LIVERY" manifest rootfs
ok "manifest of the view" as_user "$LIVERY" manifest view
cp .out manifest
exits 2 "mount at the same place" as_user "$LIVERY" mount -o rw rootfs view
like "$ERR" "already a view of $SCRATCH/rootfs; end that" "says so"
for command in "ls rootfs" "ls view" "stat view/keep" "status rootfs" "status view" \
	"verify rootfs" "manifest --digest view"; do
	# shellcheck disable=SC2086 # words
	ok "$command" as_user "$LIVERY" $command
done
# What a second tree does has nothing to do with it.
ok "another tree" as_user "$LIVERY" unpack small.tar other
ok "and a sealed view of it" mount_view other sealed
ok "a command on the first" as_user "$LIVERY" chown 77 rootfs/keep
exits 2 "a command on the second" as_user "$LIVERY" chown 77 other/keep
is "$(as_user stat -c %u view/keep sealed/keep | tr '\n' ' ')" "77 102 " "each shows its own"
ok "umount of the second" as_user "$LIVERY" umount sealed

as_user bash -c 'mkdir view/dir && echo text >view/dir/file && chown 8:9 view/dir/file'
strict_umount view
is "$OUT$ERR" "" "nothing is said"
is "$(files)" "rootfs rootfs.livery" "the database is one file"
is "$(head -c 20 rootfs.livery | tail -c 2 | od -An -tu1)" "   1   1" "that needs no log"

# --- afterwards

ok "a sealed view" mount_view rootfs view
is "$(as_user stat -c '%u:%g' view/dir/file) $(as_user cat view/dir/file)" "8:9 text" \
	"shows what was written"
strict_umount view
as_user "$LIVERY" umount view 2>/dev/null
exits 1 "verify" as_user "$LIVERY" verify rootfs
is "$(sort <<<"$OUT")" "unlabeled /dir
unlabeled /dir/file" "knows all of it, but for labels"
printf '/.* a:b:c:s0\n' >policy
ok "label" as_user "$LIVERY" label --policy policy rootfs
ok "verify" as_user "$LIVERY" verify rootfs
ok "image" as_user "$LIVERY" image -t tar -o out.tar rootfs

# --- a tree without a database

as_user mkdir bare-tree
exits 2 "mount of a tree without a database" as_user "$LIVERY" mount bare-tree empty
ok "mount -o rw of it" mount_view bare-tree view -o rw,default-owner=3:4
as_user touch view/new
is "$(as_user stat -c %u:%g view/new)" "3:4" "new files have the default owner"
strict_umount view
ok "verify of it" as_user "$LIVERY" verify --allow-unlabeled bare-tree

# --- options

for options in rw,allow_other rw,clamp=1 policy ro,policy=policy ro,writable; do
	exits 2 "mount -o $options" as_user "$LIVERY" mount -o "$options" rootfs empty
	like "$ERR" "exclude each other" "is refused with the reason"
done
exits 2 "mount -o rw,policy= of what is not there" \
	as_user "$LIVERY" mount -o rw,policy=absent rootfs empty
like "$ERR" "absent" "says so"
exits 2 "mount -o rw,policy of a tree without one" as_user "$LIVERY" mount -o rw,policy rootfs empty
like "$ERR" "etc/selinux" "says so"
result "$(! is_mounted "$SCRATCH/empty"; echo $?)" "nothing is mounted"
printf '/.* a:b:c:s0\n/labeled/.* -- a:b:file:s0\n/labeled(/.*)? -d a:b:dir:s0\n/none <<none>>\n' >policy
ok "mount -o rw,policy=" mount_view rootfs view -o rw,policy=policy
as_user bash -c 'mkdir view/labeled && echo 1 >view/labeled/file && ln -s file view/labeled/link &&
	mkdir view/labeled/sub && mv view/labeled/sub view/sub && echo 1 >view/sub/file && touch view/none'
label_of() { as_user getfattr -h --only-values -n security.selinux "$@" 2>/dev/null | tr '\0' ' '; }
is "$(label_of view/labeled view/labeled/file view/labeled/link view/sub view/sub/file)" \
	"a:b:dir:s0 a:b:file:s0 a:b:c:s0 a:b:dir:s0 a:b:c:s0 " \
	"new files have their labels by path and type, moved ones keep theirs"
is "$(label_of view/none)" "" "what the policy excludes has none"
strict_umount view
ok "verify" as_user "$LIVERY" verify rootfs
ok "label" as_user "$LIVERY" label -v --policy policy rootfs
is "$(grep Relabeled <<<"$OUT")" "Relabeled /sub from a:b:dir:s0 to a:b:c:s0" \
	"would have labeled all the same, but for what was moved"

# --- a daemon that is killed

# killed COMMAND...: after COMMAND in a view, its daemon is killed and the mount point freed.
killed() {
	ok "mount -o rw" mount_view rootfs view -o rw
	as_user "$@" || diag "failed: $*"
	kill -KILL "$(daemons)"
	wait_for 10 no_daemon
	exits 1 "umount of a dead view" as_user "$LIVERY" umount view
	like "$ERR" "daemon had died; the mount point is free again, and all that it had answered is kept" \
		"says what that means"
	like "$(files)" "rootfs.livery-intent" "its note is there"
}
killed bash -c 'echo 1 >view/after && chown 31:32 view/after'
ok "a command that writes" as_user "$LIVERY" chown 33 rootfs/keep
is "$(files)" "rootfs rootfs.livery" "settles it"
ok "verify" as_user "$LIVERY" verify --allow-unlabeled rootfs
like "$(as_user "$LIVERY" ls -n rootfs)" " 31 +32 .* after" "all that was answered is there"
killed bash -c 'echo 1 >view/sealed-next && chown 34 view/sealed-next'
ok "a sealed view" mount_view rootfs view -o allow-unlabeled
is "$(files) $(as_user stat -c %u view/sealed-next)" "rootfs rootfs.livery 34" "settles it too"
strict_umount view
killed bash -c 'echo 1 >view/image-next && chown 35 view/image-next'
ok "image" as_user "$LIVERY" image --allow-unlabeled -t tar -o out.tar rootfs
is "$(files) $(tar --numeric-owner -tvf out.tar | grep image-next | cut -d ' ' -f 2)" \
	"rootfs rootfs.livery 35/0" "settles it too"
killed bash -c 'echo 1 >view/view-next && chown 36 view/view-next'
ok "a view that writes" mount_view rootfs view -o rw
is "$(as_user stat -c %u view/view-next)" 36 "shows what was answered"
strict_umount view
is "$(files)" "rootfs rootfs.livery" "and settles it"
ok "verify" as_user "$LIVERY" verify --allow-unlabeled rootfs
killed rm -r view/dir view/after
ok "status" as_user "$LIVERY" status rootfs
finish
