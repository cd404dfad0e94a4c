#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Where no image comes out: what a format cannot keep, wrong places, tools that are missing,
# fail, or lose something, changes meanwhile, interruptions, full disks. Each is told by name,
# leaves nothing behind, and what was in the image's place before is there still.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user mkdir out tmp fake
as_user bash -c 'echo before >out/image'
image() { as_user env "TMPDIR=$SCRATCH/tmp" "PATH=$SCRATCH/fake:$PATH" "$LIVERY" image -o out/image "$@"; }
left() {
	ls -A out tmp | tr '\n' ' '
	daemons
	grep -F " $SCRATCH/" /proc/self/mountinfo | grep -vF " $SCRATCH/disk "
}
untouched() { # DESCRIPTION: all is as it was before
	is "$(left)$(head -c 100 out/image | tr -d '\0')" "out: image  tmp: before" "$1: nothing is left, and nothing lost"
}
refused() { # DESCRIPTION REGEX COMMAND...
	local what=$1 regex=$2
	exits 2 "$what" "${@:3}"
	like "$ERR" "$regex" "$what: is told"
	untouched "$what"
}
kept() { # DESCRIPTION STAGING COMMAND...: the image holds what the tree does
	local what=$1 staging=$2
	ok "$what" "${@:3}"
	is "$(as_user "$LIVERY" manifest --digest out/image)" "$(as_user "$LIVERY" manifest --digest "$staging")" \
		"$what: it is as the tree"
	is "$(left)" "out: image  tmp: " "$what: nothing else is left"
	as_user bash -c 'echo before >out/image'
}
tree() { # NAME <SPEC
	as_user .bin/lib/mktar "$1.tar" && as_user "$LIVERY" unpack "$1.tar" "$1" >/dev/null ||
		bail "nothing to go on with"
}

# --- what formats cannot keep

tree t <<'SPEC'
d("./", x=LABEL("a:b:root:s0"))
d("etc", x=LABEL("a:b:dir:s0"))
f("etc/a", "a" * 100, x=LABEL("a:b:file:s0"))
f("etc/b", "b" * 5000, x={**LABEL("a:b:file:s0"), "user.u": b"1", "security.ima": b"\1"})
h("etc/b-too", "etc/b")
l("etc/link", "a", x=LABEL("a:b:link:s0"))
SPEC
refused "labels in cpio" "/ has the attribute security.selinux.*--drop=xattrs" image -t cpio t
refused "other attributes in cpio" "/etc/b has the attribute security.ima.*--drop=xattrs" \
	image -t cpio --drop=labels t
ok "cpio without any" image -t cpio --drop=xattrs t
is "$(as_user "$LIVERY" manifest --digest out/image)" "$(as_user "$LIVERY" manifest --drop=xattrs --digest t)" \
	"is as the tree without them"
as_user bash -c 'echo before >out/image'

tree acl <<'SPEC'
d("./", x={"system.posix_acl_default": bytes.fromhex(
  "0200000001000700ffffffff04000500ffffffff080007003200000010000700ffffffff20000000ffffffff")})
f("f", mode=0o664, x=LABEL("a:b:file:s0"), pax={
  "SCHILY.acl.access": b"user::rw-,user:joe:r--:1000,group::r--,mask::rw-,other::r--"})
SPEC
refused "ACLs in squashfs" "/: squashfs keeps no POSIX ACLs .system.posix_acl_default.*--drop=acls" \
	image -t squashfs --allow-unlabeled acl
refused "the same without FUSE" "squashfs keeps no POSIX ACLs" \
	image -t squashfs --allow-unlabeled --without-fuse acl
for type in ext4 ext2 erofs tar; do
	kept "ACLs in $type" acl image -t $type --allow-unlabeled acl
done
for case in ext4:labels ext4:acls ext4:xattrs tar:labels,acls erofs:labels squashfs:acls; do
	type=${case%:*} drop=${case#*:}
	ok "$type --drop=$drop" image -t $type --allow-unlabeled --drop=$drop acl
	is "$(as_user "$LIVERY" manifest --digest out/image)" \
		"$(as_user "$LIVERY" manifest --drop=$drop --digest acl)" "$type --drop=$drop: only these are left out"
	ok "$type --drop=$drop: verify" as_user "$LIVERY" verify --allow-unlabeled --drop=$drop acl out/image
	exits 1 "$type --drop=$drop: verify without it" as_user "$LIVERY" verify --allow-unlabeled acl out/image
done
as_user bash -c 'echo before >out/image'
# The mask is not what the owning group may: without the ACL the mode says the latter.
tree masked <<'SPEC'
d("./", mode=0o755)
f("f", mode=0o670, pax={
  "SCHILY.acl.access": b"user::rw-,user:joe:rwx:1000,group::r--,mask::rwx,other::---"})
SPEC
as_user setfacl -m u:1:rwx,g::---,m::rwx masked/f # the staging file's own does not count
f_mode() { as_user "$LIVERY" manifest "$@" | sed -n 's/^\.\/f .* mode=\([0-7]*\) .*/\1/p'; }
is "$(f_mode masked)" 0670 "with its ACL a file has the mask in its mode"
is "$(f_mode --drop=acls masked)" 0640 "without it what the owning group may"
for type in squashfs ext4 erofs; do
	ok "$type: made without ACLs" image -t $type --allow-unlabeled --drop=acls masked
	is "$(f_mode out/image)" 0640 "$type: nobody may more than before"
done
as_user bash -c 'echo before >out/image'
# What mke2fs can be asked for: finished, a filesystem is one that e2fsck finds nothing in.
for options in "-O ^extents,^64bit" "-O^has_journal" "-I 128" "-b 1024 -O ^metadata_csum" \
	"-O meta_bg,^resize_inode" "-O sparse_super2,project" "-E root_owner=5:5,stride=4"; do
	# shellcheck disable=SC2086 # words
	ok "ext4 $options" image -t ext4 --allow-unlabeled acl -- $options
	ok "ext4 $options: e2fsck" as_user e2fsck -fn out/image
	is "$(as_user "$LIVERY" manifest --digest out/image)" \
		"$(as_user "$LIVERY" manifest --digest acl)" "ext4 $options: it is as the tree"
done
as_user bash -c 'echo before >out/image'
refused "-O inline_data" "a filesystem with the feature inline_data cannot be finished" \
	image -t ext4 --allow-unlabeled acl -- -O inline_data

refused "--drop=colours" "--drop=colours: there are labels, acls and xattrs" image -t tar --drop=colours t

refused "no labels" "/ has no label.*'livery label'.*--allow-unlabeled.*--drop=labels" image -t ext4 acl
kept "--drop=labels does without" t image -t ext4 t
as_user bash -c 'mkdir sock && echo "/.* a:b:c:s0" >policy && python3 -c "
import socket; socket.socket(socket.AF_UNIX).bind(\"sock/s\")"' || diag "no socket"
as_user "$LIVERY" label --policy policy sock >/dev/null
refused "a socket in tar" "/s: tar cannot keep a socket" image -t tar sock
for type in ext4 squashfs; do
	kept "a socket in $type" sock image -t $type sock
done

tree old <<'SPEC'
d("./")
f("before-1970", "x", mtime="-5")
SPEC
for way in "" --without-fuse; do
	refused "1969 in squashfs $way" "/before-1970: squashfs keeps times from 1970 to 2106.*-5 seconds.*SOURCE_DATE_EPOCH" \
		image -t squashfs --allow-unlabeled $way old
done
refused "1969 in cpio" "/before-1970: cpio cannot keep its modification time" image -t cpio --allow-unlabeled old
for type in ext4 ext2 tar; do
	kept "1969 in $type" old image -t $type --allow-unlabeled old
done
capture image -t erofs --allow-unlabeled old
if [ "$status" != 0 ]; then
	like "$ERR" "before-1970" "1969 in erofs: the loss is told"
	untouched "1969 in erofs"
fi
as_user bash -c 'echo before >out/image; mkdir late && echo x >late/2040 && touch -d @2208988800 late/2040 && touch -d @1500000000 late'
as_user "$LIVERY" label --policy policy late >/dev/null
refused "2040 in inodes of 128 bytes" "/2040: this filesystem cannot keep its time, 2208988800 seconds" \
	image -t ext2 late -- -I 128
kept "2040 in ext2" late image -t ext2 late
as_user touch -d @4500000000 late/2040
refused "2112 in squashfs" "/2040: squashfs keeps times from 1970 to 2106" image -t squashfs late
kept "2112 in ext4" late image -t ext4 late
if have_root; then
	# Filesystems that keep times like these are not what /tmp is on.
	user=$(as_user id -un)
	as_root unshare -m sh -ec 'mkdir -p disk && mount -t tmpfs tmpfs disk && mkdir disk/out disk/rootfs
		echo before >disk/out/image && echo x >disk/rootfs/far && touch -d @16000000000 disk/rootfs/far
		touch -d @1500000000 disk/rootfs && chown -R "$0": disk && chmod 755 disk
		as() { setpriv --reuid="$user" --regid="$user" --clear-groups "$@"; }
		user=$0
		as "$1" label --policy policy disk/rootfs >&2
		rc=0
		as env TMPDIR=disk "$1" image -t ext4 -o disk/out/image disk/rootfs || rc=$?
		echo "$rc $(cat disk/out/*) $(ls -A disk/out)"' "$user" "$LIVERY" >far.out 2>far.err
	is "$(cat far.out)" "2 before image" "a time after 2446 in ext4 is refused"
	like "$(cat far.err)" "16000000000 seconds" "and told"
else
	skip "a time after 2446 in ext4" "that needs a private mount namespace"
fi

tree trusted <<'SPEC'
d("./")
f("hidden", "x", x={"trusted.overlay.opaque": b"y", "user.shown": b"1"})
SPEC
for type in ext4 ext2 tar; do
	kept "trusted.* in $type" trusted image -t $type --allow-unlabeled trusted
done
kept "trusted.* in squashfs" trusted image -t squashfs --allow-unlabeled trusted
like "$ERR$(image -t squashfs --allow-unlabeled trusted 2>&1)" "without a view, since no mount can show.*trusted" "goes the other way and says so"
as_user bash -c 'echo before >out/image'
if mkfs.erofs --help 2>&1 | grep -q -e --tar; then
	kept "trusted.* in erofs" trusted image -t erofs --allow-unlabeled trusted
else
	refused "trusted.* in an old erofs" "/hidden has an attribute in trusted.*erofs-utils 1.7" \
		image -t erofs --allow-unlabeled trusted
fi

# --- wrong requests

refused "no type" "-t TYPE" image t
refused "an unknown type" "vfat: there is no such type.*ext4.*squashfs" image -t vfat t
refused "no such tree" "missing" image -t tar missing
refused "two trees" "one operand too many" image -t tar t t
refused "options of no tool" "livery writes it itself" image -t tar t -- -x
refused "--verity of tar" "no hash tree" image -t tar --verity t
refused "--vhd of cpio" "no disk" image -t cpio --vhd t
refused "--size of squashfs" "--size is for ext" image -t squashfs --size 1M t

# --- wrong places

fresh() {
	rm -rf t t.livery
	as_user "$LIVERY" unpack t.tar t >/dev/null
}
tree_state() { { find t -printf '%p %s %m %T@\n' | sort && cat t.livery; } | sha256sum; }
place() { # DESCRIPTION REGEX OUT
	local before
	before=$(tree_state)
	exits 2 "OUT $1" as_user env "TMPDIR=$SCRATCH/tmp" "$LIVERY" image -t squashfs -o "$3" "${@:4}" t
	like "$ERR" "$2" "OUT $1: is told"
	is "$(tree_state)" "$before" "OUT $1: tree and database are as they were"
	untouched "OUT $1"
	fresh
	as_user bash -c 'echo before >out/image'
}
as_user ln -s t to-tree
as_user ln -s out/image to-image
as_user mkfifo pipe
place "inside the tree" "in the tree that the image is made of" t/image
place "deep inside the tree" "in the tree that the image is made of" t/etc/image
place "inside by a link" "in the tree that the image is made of" to-tree/image
place "that is the tree" "t: is there and is no regular file" t
place "a directory" "out: is there and is no regular file" out
place "with a slash" "" out/
place "a device" "/dev/full: is there and is no regular file" /dev/full
place "a fifo" "pipe: is there and is no regular file" pipe
place "a symbolic link" "to-image: is there and is no regular file" to-image
place "in a missing directory" "missing/image: No such file" missing/image
place "without a name" "not the name of a file" ""
place "that is the database" "t.livery" t.livery
place "as hash file: inside the tree" "in the tree that the image is made of" out/image --hash-file t/hashes
place "as hash file: the database" "t.livery" out/image --hash-file t.livery
for out in elsewhere.livery elsewhere.livery-journal; do
	as_user bash -c 'mv t.livery elsewhere.livery && ln -s elsewhere.livery t.livery'
	place "that the database's name is a link to: $out" "$out: is the tree's database" "$out"
done
place "as hash file: the image" "" out/image --hash-file out/image
place "as hash file: a directory" "tmp: is there and is no regular file" out/image --hash-file tmp
place "as hash file: in a missing directory" "missing" out/image --hash-file missing/hashes
if [ "$(id -u)" = 0 ]; then
	mkdir -m 755 foreign
	place "in a directory of others" "foreign/image: Permission denied" foreign/image
fi

# --- missing and failing tools

if have_root; then
	user=$(as_user id -un)
	as_user touch nothing && chmod 0 nothing
	without() { # TOOL COMMAND...: where it is not
		local tool=$1
		shift
		as_root unshare -m sh -ec 'mount --bind nothing "$(command -v "$1")"
			shift
			exec setpriv --reuid="$0" --regid="$0" --clear-groups "$@"' "$user" "$tool" \
			env "TMPDIR=$SCRATCH/tmp" "$LIVERY" image -o out/image "$@"
	}
	while read -r tool package options; do
		refused "no $tool" "there is no $tool: install the package $package" without $tool $options t
	done <<-'TOOLS'
		mke2fs e2fsprogs -t ext4
		mksquashfs squashfs-tools -t squashfs
		mkfs.erofs erofs-utils -t erofs
		tar2sqfs squashfs-tools-ng -t squashfs --without-fuse
		veritysetup cryptsetup-bin -t squashfs --verity
		qemu-img qemu-utils -t squashfs --vhd
	TOOLS
else
	skip "missing tools" "that needs a private mount namespace"
fi
kept "mke2fs outside of PATH" t as_user env PATH=/usr/bin:/bin "TMPDIR=$SCRATCH/tmp" "$LIVERY" image -t ext4 -o out/image t
refused "mke2fs with nonsense" "mke2fs failed with exit status 1: .*nonsense" image -t ext4 t -- -O nonsense
refused "mksquashfs with nonsense" "mksquashfs failed with exit status 1: .*nonsense" image -t squashfs t -- -comp nonsense
refused "mkfs.erofs with nonsense" "mkfs.erofs failed with exit status 1: .*nonsense" image -t erofs t -- -znonsense
refused "tar2sqfs with nonsense" "tar2sqfs failed with exit status 1: .*nonsense" \
	image -t squashfs --without-fuse t -- -c nonsense

# fake TOOL <BODY: before the real one, which is in $real; $image is where the image goes.
fake() {
	{
		echo '#!/bin/bash'
		echo "real=$(command -v "$1") tree=$SCRATCH/t"
		cat
	} >"fake/$1"
	chmod 755 "fake/$1"
}
no_fakes() { rm -f fake/*; }
for sig in SEGV KILL; do
	fake mksquashfs <<<"kill -$sig \$\$"
	refused "a tool that ends by SIG$sig" "mksquashfs was ended by signal" image -t squashfs t
done
fake mksquashfs <<<'exit 0'
refused "a tool that does nothing" "." image -t squashfs t
fake tar2sqfs <<<'echo no >&2; exit 3'
refused "a tool that does not read" "tar2sqfs failed with exit status 3: no" image -t squashfs --without-fuse t
no_fakes
fake veritysetup <<<'echo bad; exit 4'
refused "a veritysetup that fails" "veritysetup failed with exit status 4: bad" image -t squashfs --verity t
fake qemu-img <<<'echo bad >&2; exit 5'
refused "a qemu-img that fails" "qemu-img failed with exit status 5: bad" image -t squashfs --vhd t
no_fakes

# --- tools that lose something in silence

fake mksquashfs <<<'exec "$real" "$@" -no-xattrs'
refused "a mksquashfs that drops attributes" "/etc/a label: expected a:b:file:s0, found nothing.*was not kept" image -t squashfs t
is "$(grep -c label: <<<"$ERR")" 5 "each is listed, once an inode"
fake mksquashfs <<<'exec "$real" "$@" -all-root -e etc/a'
refused "a mksquashfs that drops a file" "/etc/a name: expected file, found nothing" image -t squashfs t
fake mkfs.erofs <<<'SOURCE_DATE_EPOCH=77 exec "$real" "$@"'
refused "a mkfs.erofs that sets times" "/etc/b time: expected 1500000000.*found 77" image -t erofs t
fake mke2fs <<'BODY'
args=("$@") image=${@:$#-1:1}
"$real" "$@" || exit
at=$(grep -abo -m1 aaaaaaaaaa "$image" | head -n 1 | cut -d: -f1)
printf X | dd of="$image" bs=1 seek="$at" conv=notrunc status=none
BODY
refused "a mke2fs that spoils content" "/etc/a content: expected" image -t ext4 t
fake mke2fs <<<'exit 0'
refused "a mke2fs that makes nothing" "." image -t ext4 t
no_fakes
fake qemu-img <<'BODY'
"$real" "$@" || exit
[ "$1" = convert ] || exit 0
image=${@:$#:1}
at=$(grep -abo -m1 hsqs "$image" | head -n 1 | cut -d: -f1)
printf X | dd of="$image" bs=1 seek=$((at + 200)) conv=notrunc status=none
BODY
refused "a qemu-img that spoils the disk" "the disk is not what the image is" image -t squashfs --qcow2 t
no_fakes

# --- a tree that changes meanwhile

changes() { # DESCRIPTION COMMAND: in the tree, while the tool starts
	local type tool
	while read -r type tool; do
		[ -z "${3-}" ] || [ "$3" = "$type" ] || continue
		fresh
		fake $tool <<<"(cd \"\$tree\" && $2); exec \"\$real\" \"\$@\""
		exits 2 "$1: $type" image -t $type t
		untouched "$1: $type"
		no_fakes
	done <<-'TOOLS'
		ext4 mke2fs
		squashfs mksquashfs
		erofs mkfs.erofs
	TOOLS
}
changes "content" 'echo more >>etc/a'
changes "content of the same size" 'touch -r etc/a ../stamp; tr a z <etc/a >../z; cat ../z >etc/a; touch -r ../stamp etc/a'
changes "a removed file" 'rm etc/a' squashfs
changes "a new file" 'touch etc/new' ext4
fresh
fake mke2fs <<<'(cd "$tree" && tr a z <etc/a >../z; cat ../z >etc/a); exec "$real" "$@"'
refused "content, and nobody reads the image back" "etc/a.*changed" image -t ext4 --no-verify t
no_fakes
fresh
fake tar2sqfs <<<'tr a z <"$tree/etc/a" >z; cat z >"$tree/etc/a"; rm -f z; sleep 0.2; exec "$real" "$@"'
as_user bash -c 'head -c 3000000 /dev/zero >t/big; head -c 3000000 /dev/zero >t/a-big'
as_user "$LIVERY" label --policy policy t >/dev/null
refused "content, while an archive is streamed" "etc/a" image -t squashfs --without-fuse t
no_fakes
fresh

# A daemon that dies, and a change of the database.
fake mksquashfs <<BODY
for p in /proc/[0-9]*; do
	p=\${p#/proc/}
	[ "\$(readlink /proc/\$p/exe)" != "$LIVERY" ] || [ "\$p" = \$PPID ] || kill -KILL "\$p"
done 2>/dev/null
sleep 0.2
exec "\$real" "\$@"
BODY
refused "the view's daemon is killed" "." image -t squashfs t
no_fakes
for type in squashfs:mksquashfs ext4:mke2fs; do
	fake ${type#*:} <<<"$LIVERY chown 5:5 $SCRATCH/t/etc/a 2>$SCRATCH/out-of-chown; exec \"\$real\" \"\$@\""
	kept "${type%:*}: a change of the database while a view is shown" t image -t ${type%:*} t
	like "$(cat out-of-chown)" "t.livery" "${type%:*}: is refused"
	rm -f out-of-chown
	no_fakes
done

# --- another writer

"${e2e_user[@]}" /usr/bin/python3 -c '
import sqlite3, time
db = sqlite3.connect("t.livery", isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
open("held", "w")
time.sleep(60)' &
holder=$!
wait_for 20 test -e held
refused "a database that another writer holds" "t.livery: .*(busy|lock|use|held|hold)" image -t squashfs t
kill -KILL "$holder" 2>/dev/null
wait "$holder" 2>/dev/null
as_user rm -f held t.livery-journal
mount_view t view
ok "a view beside it" image -t squashfs t
ok "a view beside it: verify" as_user "$LIVERY" verify t out/image
as_user "$LIVERY" umount view
as_user bash -c 'echo before >out/image'

# --- interruption

start() { # COMMAND...: in the background; its process is $livery_pid
	rm -f started
	"${e2e_user[@]}" env "TMPDIR=$SCRATCH/tmp" "PATH=$SCRATCH/fake:$PATH" "$LIVERY" \
		image -o out/image "$@" >interrupted.out 2>&1 </dev/null &
	livery_pid=$!
}
for case in "INT squashfs mksquashfs" "TERM squashfs mksquashfs" "HUP squashfs mksquashfs" \
	"TERM ext4 mke2fs" "INT ext4 mke2fs" "TERM squashfs tar2sqfs --without-fuse" \
	"INT squashfs veritysetup --verity --hash-file out/hashes" "TERM squashfs qemu-img --vhd"; do
	read -r sig type tool options <<<"$case"
	fake $tool <<<"touch '$SCRATCH/started'; exec sleep 60"
	start -t $type $options t
	ok "SIG$sig, $tool: it runs" wait_for 30 test -e started
	sleep 0.1
	kill -$sig "$livery_pid"
	ok "SIG$sig, $tool: ends" wait_for 20 eval '! kill -0 "$livery_pid" 2>/dev/null'
	rc=0
	wait "$livery_pid" || rc=$?
	is "$rc" 2 "SIG$sig, $tool: exit status"
	like "$(cat interrupted.out)" "interrupted while $tool ran" "SIG$sig, $tool: says so"
	untouched "SIG$sig, $tool"
	no_fakes
done

# While a large file is read, when no tool runs.
as_user bash -c 'mkdir large && truncate -s 40G large/file'
as_user "$LIVERY" label --policy policy large >/dev/null
for type in tar ext4; do
	start -t $type large
	sleep 1
	kill -INT "$livery_pid"
	ok "SIGINT, $type of a large file: ends" wait_for 8 eval '! kill -0 "$livery_pid" 2>/dev/null'
	kill -KILL "$livery_pid" 2>/dev/null
	wait "$livery_pid" 2>/dev/null
	untouched "SIGINT, $type of a large file"
	rm -f out/.image.*
done
rm -rf large large.livery

# Nothing can be cleaned up then, but what was there before is.
fake mksquashfs <<<"touch '$SCRATCH/started'; echo \$\$ >'$SCRATCH/slow.pid'; exec sleep 60"
start -t squashfs t
wait_for 30 test -s slow.pid
kill -KILL "$livery_pid"
wait "$livery_pid" 2>/dev/null
is "$(cat out/image)" before "SIGKILL: what was there is there still"
kill -KILL "$(cat slow.pid)"
for view in tmp/livery-view.*; do
	ok "SIGKILL: the view can be ended" as_user "$LIVERY" umount "$view"
	rmdir "$view"
done
rm -f out/.image.* slow.pid
no_fakes
untouched "SIGKILL, cleaned up"
kept "and the next one is made" t image -t squashfs t

# --- a full disk

if have_root; then
	as_user bash -c 'mkdir big && head -c 6000000 /dev/urandom >big/file'
	as_user "$LIVERY" label --policy policy big >/dev/null
	as_root mkdir -p disk
	as_root mount -t tmpfs -o "size=2M,mode=755,uid=$(as_user id -u)" tmpfs disk
	as_user bash -c 'echo before >disk/image'
	for type in ext4 ext2 squashfs erofs tar cpio "squashfs --without-fuse"; do
		drop=
		[ "$type" = cpio ] && drop=--drop=xattrs
		exits 2 "a full disk: $type" as_user env "TMPDIR=$SCRATCH/tmp" "$LIVERY" image -t $type $drop -o disk/image big
		is "$(ls -A disk) $(cat disk/image)" "image before" "a full disk: $type: nothing is left, and nothing lost"
		untouched "a full disk: $type"
	done
	# The image fits, what is made of it does not.
	for option in --verity --vhd "--hash-file disk/hashes"; do
		as_root mount -o remount,size=200K disk
		exits 2 "a full disk: $option" as_user env "TMPDIR=$SCRATCH/tmp" "$LIVERY" image -t squashfs $option -o disk/image big
		is "$(ls -A disk) $(cat disk/image)" "image before" "a full disk: $option: nothing is left, and nothing lost"
	done
	as_root umount disk
	as_root rmdir disk
	rm -rf big big.livery
else
	skip "a full disk" "that needs a mount"
fi

# --- what was there is replaced by what succeeds, with the mode that umask leaves

for mask in 022 077 002 000; do
	as_user chmod 600 out/image
	ok "umask $mask" as_user bash -c "umask $mask; exec '$LIVERY' image -t squashfs --hash-file out/hashes -o out/image t"
	is "$(stat -c %a out/image out/hashes | tr '\n' ' ')" \
		"$(printf '%o %o ' $((0666 & ~mask)) $((0666 & ~mask)))" "umask $mask: is respected"
	is "$(as_user "$LIVERY" manifest --digest out/image)" "$(as_user "$LIVERY" manifest --digest t)" \
		"umask $mask: what was there is replaced"
done
as_user ln out/image other-name
ok "an image with another name" image -t tar t
is "$(stat -c %h out/image) $(as_user "$LIVERY" manifest --digest other-name)" \
	"1 $(as_user "$LIVERY" manifest --digest t)" "keeps what the other name shows"
no_sanitizer_report "all"
finish
