#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Images of a small real root in every format, through a view and without one: made, verified,
# read by livery, by the kernel and by readers of this repository, and nothing else left.
# Then disks, hash trees and the tools' own options, with a small tree that has everything.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user mkdir out tmp
# image TYPE OUT [OPTION...]: in $OUT and $ERR what it says.
image() { as_user env "TMPDIR=$SCRATCH/tmp" "$LIVERY" image -t "$@"; }

# Of what was made only the files named are there: no temporary file, mount or process.
nothing_else() { # DESCRIPTION FILE...
	local what=$1
	shift
	is "$(ls -A out tmp | tr '\n' ' ')$(daemons)$(grep -F " $SCRATCH/" /proc/self/mountinfo)" \
		"out:$(printf ' %s' "$@" | sed 's/^ $//')  tmp: " "$what: and nothing else"
}
digest() { as_user "$LIVERY" manifest --digest "$@"; }
mounted_digest() { # IMAGE TYPE: as the kernel shows it
	as_root mkdir -p native
	as_root mount -t "$2" -o loop,ro "$1" native || return
	as_root "$LIVERY" manifest --digest native
	as_root umount native
}

fixture --small
ok "unpack" as_user "$LIVERY" unpack "$FIXTURE" rootfs || bail "nothing to go on with"
ok "label" as_user "$LIVERY" label rootfs
tree=$(digest rootfs)
like "$tree" '^[0-9a-f]{64}$' "the tree's digest"
bare=$(digest --drop=xattrs rootfs)
result "$([ "$bare" != "$tree" ]; echo $?)" "the digest without labels is another"
ok "mount" mount_view rootfs view || bail "nothing to go on with"
is "$(digest view)" "$tree" "a view has the same digest"
as_user /usr/bin/python3 .bin/lib/scan.py view >view.list
names=$(wc -l <view.list)
result $((names < 4000)) "it is a real root ($names names)"
strict_umount view

# What the other readers say, which know nothing of livery.
other_reader() { # READER FILE [OPTION of compare...]
	".bin/lib/readers/$1" "$2" >reader.list
	same "$1: as an independent reader has it" view.list reader.list "${@:3}"
}
check() { # TYPE FILE DESCRIPTION: what was made of rootfs in whatever way
	local type=$1 file=$2 what=$3
	like "$OUT" "digest: $tree" "$what: its digest is told"
	is "$(digest "$file")" "$tree" "$what: the image's digest"
	case $type in
	ext?) ok "$what: e2fsck" e2fsck -fn "$file" ;;
	esac
	case $type in
	ext? | squashfs | erofs)
		if have_root; then
			is "$(mounted_digest "$file" "$type")" "$tree" "$what: as the kernel shows it"
		else
			skip "$what: as the kernel shows it" "that needs root"
		fi
		;;
	esac
}

# --- the real root, as each format is made by itself

# No compression: the content of the files is not what is tested.
fast="-- -noI -noD -noF -noX"
for type in ext4 ext2 squashfs erofs tar; do
	options=
	[ $type = squashfs ] && options=$fast
	ok "$type: made" image $type -o out/image rootfs $options
	is "$ERR" "" "$type: without a word"
	case $type in
	ext?) way="from the staging tree, without a view" ;;
	tar) way="as a stream, without a view" ;;
	*) way="through a sealed view" ;;
	esac
	like "$OUT" "^out/image: $type, $names names, $(stat -c %s out/image) bytes, made $way, verified"$'\n' \
		"$type: what was made, and how"
	nothing_else "$type" image
	check $type out/image $type
	case $type in
	squashfs) other_reader $type out/image --mtime=mod32 ;;
	ext4 | erofs | tar) other_reader $type out/image ;;
	esac
	mv out/image "kept.$type"
done
ok "verify" as_user "$LIVERY" verify rootfs kept.ext4 kept.ext2 kept.squashfs kept.erofs kept.tar
like "$OUT" "the images hold exactly these" "says so"
rm -f kept.*

# An initramfs has no attributes.
ok "cpio: made" image cpio -o out/image --drop=xattrs rootfs
nothing_else cpio image
is "$(digest out/image)" "$bare" "cpio: the image's digest"
ok "cpio: verify" as_user "$LIVERY" verify --drop=xattrs rootfs out/image
exits 1 "cpio: verify without --drop" as_user "$LIVERY" verify rootfs out/image
is "$(as_root cpio --quiet -it <out/image | sort | sha256sum)" \
	"$(cd rootfs && find . -printf '%P\n' | sed 's/^$/./' | sort | sha256sum)" "cpio: as cpio lists it"
rm -f out/image

# One command for an ext3 filesystem in a virtual machine's disk.
ok "ext3: a VHD" image ext3 --vhd -o out/root.vhd rootfs
told=$OUT
nothing_else "a VHD" root.vhd
like "$(qemu-img info out/root.vhd)" "file format: vpc" "qemu-img knows it"
exits 2 "a VHD is not verified as it is" as_user "$LIVERY" verify rootfs out/root.vhd
like "$ERR" "VHD.*qemu-img convert -O raw" "and what to do is said"
as_user qemu-img convert -f vpc -O raw out/root.vhd raw
# The size of the disk itself is the one that is indented least; newer versions tell of files too.
is "$(qemu-img info --output=json out/root.vhd | sed -n 's/^    "virtual-size": \([0-9]*\),*$/\1/p')" \
	"$(stat -c %s raw)" "a VHD: no byte more"
OUT=$told check ext3 raw "ext3 from the VHD"
ok "ext3 from the VHD: verify" as_user "$LIVERY" verify rootfs raw
is "$(dumpe2fs -h raw 2>/dev/null | grep -c has_journal)" 1 "ext3 from the VHD: it has a journal"
rm -f out/* raw

# --- the real root, without a view

for type in tar squashfs erofs; do
	options=
	case $type in
	squashfs) options="-- -c gzip -X level=1" ;;
	erofs)
		if ! mkfs.erofs --help 2>&1 | grep -q -e --tar; then
			exits 2 "erofs without FUSE, with an old mkfs.erofs" \
				image erofs --without-fuse -o out/image rootfs
			like "$ERR" "erofs-utils 1.7" "is refused, and the version named"
			nothing_else "erofs"
			continue
		fi
		;;
	esac
	ok "$type without FUSE" image $type --without-fuse -o out/image rootfs $options
	is "$ERR" "" "$type without FUSE: without a word"
	like "$OUT" "made as a stream, without a view, verified" "$type without FUSE: says so"
	nothing_else "$type without FUSE" image
	check $type out/image "$type without FUSE"
	mv out/image "kept.$type"
done
ok "without FUSE: verify" as_user "$LIVERY" verify rootfs kept.*
rm -rf kept.* rootfs rootfs.livery

# --- a small tree with everything that all but cpio keep

as_user .bin/lib/mktar t.tar <<'SPEC'
F = LABEL("a:b:file:s0")
d("./", mode=0o751, uid=3, gid=4, x=LABEL("a:b:root:s0"), mtime=1400000000)
d("etc", x=LABEL("a:b:dir:s0"))
f("etc/a", "a" * 100, x=F)
f("etc/b", b"b" * 100000, uid=4000000000, gid=6, mode=0o6755, x={**F, **CAP(0x400), "user.u": b"1"})
h("etc/b-too", "etc/b")
f("etc/big-value", x={**F, "user.big": b"x" * 3000})
f(b"etc/odd\n\xff " + b"n" * 200, "odd", x=F)
l("etc/link", "a", x=LABEL("a:b:link:s0"))
l("etc/long-link", "t" * 300, x=LABEL("a:b:link:s0"))
c("null", 1, 3, mode=0o666, x=LABEL("a:b:dev:s0"))
b("disk", 259, 100000, mode=0o660, gid=6, x=LABEL("a:b:dev:s0"))
p("fifo", x=LABEL("a:b:dev:s0"))
f("random", bytes((i * i * 7 + i // 256) % 256 for i in range(200000)), x=F)
SPEC
as_user "$LIVERY" unpack t.tar t >/dev/null || bail "nothing to go on with"
tree=$(digest t)
ok "ext4 without FUSE" image ext4 --without-fuse -o out/other t
for type in ext4 ext3 ext2 squashfs erofs tar; do
	ok "$type of everything" image $type -o out/$type t
	[ $type != ext4 ] || ok "ext4 without FUSE: is what is made anyway" cmp out/ext4 out/other
	is "$(digest out/$type)" "$tree" "$type of everything: digest"
	if [ $type != tar ] && have_root; then
		is "$(mounted_digest out/$type $type)" "$tree" "$type of everything: as the kernel shows it"
		disk=$(as_root losetup --find --show --read-only out/$type)
		is "$(as_root "$LIVERY" manifest --digest "$disk")" "$tree" "$type of everything: from its block device"
		as_root losetup --detach "$disk"
	fi
	case $type in
	ext?)
		ok "$type of everything: e2fsck" e2fsck -fn out/$type
		is "$(dumpe2fs -h out/$type 2>/dev/null | grep -c has_journal)" $((${type#ext} > 2)) \
			"$type of everything: its journal"
		;;
	esac
done
ok "verify everything" as_user "$LIVERY" verify t out/*
if have_root; then
	as_root mkdir extracted
	as_root tar -C extracted -xp --same-owner --numeric-owner --xattrs --xattrs-include='*' -f out/tar
	is "$(as_root "$LIVERY" manifest --digest --native extracted)" "$tree" "tar of everything: as GNU tar extracts it"
	as_root rm -rf extracted
fi
rm -f out/*

# mke2fs makes one of its own, and mkfs.erofs 1.5 passes over names that begin so.
as_user .bin/lib/mktar lost.tar <<'SPEC'
d("./", x=LABEL("a:b:root:s0"))
d("lost+found", uid=7, mode=0o711, x=LABEL("a:b:lost:s0"))
f("lost+found/file", "content", x=LABEL("a:b:file:s0"))
SPEC
as_user "$LIVERY" unpack lost.tar lost >/dev/null
for type in ext4 squashfs erofs tar; do
	capture image $type -o out/lost lost
	if [ $type = erofs ] && [ "$status" != 0 ]; then
		like "$ERR" "/lost.found name: expected dir, found nothing" "lost+found in erofs: the loss is told"
		nothing_else "lost+found in erofs"
		continue
	fi
	is "$(digest out/lost)" "$(digest lost)" "lost+found in $type is the tree's own"
	case $type in
	ext?) ok "lost+found in $type: e2fsck" e2fsck -fn out/lost ;;
	esac
	rm -f out/lost
done

# --- no FUSE on this host

if have_root; then
	as_user touch no-fuse && chmod 0 no-fuse
	user=$(as_user id -un)
	hidden() { # COMMAND...: where /dev/fuse cannot be opened
		as_root unshare -m sh -ec 'mount --bind no-fuse /dev/fuse
			exec setpriv --reuid="$0" --regid="$0" --clear-groups "$@"' "$user" \
			env "TMPDIR=$SCRATCH/tmp" "$LIVERY" "$@"
	}
	for type in ext4 squashfs tar; do
		ok "no /dev/fuse: $type" hidden image -t $type -o out/image t
		like "$OUT" "without a view, verified" "no /dev/fuse: $type says how it was made"
		case $type in
		ext4 | tar) is "$ERR" "" "no /dev/fuse: nothing to be told of $type" ;;
		*) like "$ERR" "^livery: without a view, since .*/dev/fuse" "no /dev/fuse: $type says why" ;;
		esac
		is "$(digest out/image)" "$tree" "no /dev/fuse: $type is the same"
		nothing_else "no /dev/fuse" image
	done
	rm -f out/*
	if ! mkfs.erofs --help 2>&1 | grep -q -e --tar; then
		exits 2 "no /dev/fuse: erofs" hidden image -t erofs -o out/image t
		nothing_else "no /dev/fuse: erofs"
	fi
else
	skip "no /dev/fuse" "that needs a private mount namespace"
fi

# --- dm-verity

# root_hash: as it was told.
root_hash() { sed -n 's/^root hash: //p' <<<"$OUT"; }
fails() { # DESCRIPTION COMMAND: its exit status depends on the version
	capture "${@:2}"
	result $((status == 0)) "$1"
}
flip() { # FILE OFFSET
	/usr/bin/python3 -c '
import sys
f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); c = f.read(1)[0]
f.seek(-1, 1); f.write(bytes([c ^ 1]))' "$1" "$2"
}
for type in ext4 squashfs erofs; do
	ok "$type --verity" image $type --verity -o out/image t
	nothing_else "$type --verity" image
	root=$(root_hash) offset=$(sed -n 's/^hash offset: //p' <<<"$OUT")
	like "$root $offset" '^[0-9a-f]{64} [0-9]+$' "$type --verity: root hash and offset are told"
	ok "$type --verity: veritysetup takes it" veritysetup verify --hash-offset="$offset" out/image out/image "$root"
	ok "$type --verity: verify" as_user "$LIVERY" verify t out/image
	for at in 1024 $((offset - 1)); do
		cp out/image flipped
		flip flipped "$at"
		fails "$type --verity: a flipped byte at $at" \
			veritysetup verify --hash-offset="$offset" flipped flipped "$root"
	done
	fails "$type --verity: another root hash" \
		veritysetup verify --hash-offset="$offset" out/image out/image "${root//[0-7]/8}"
	rm -f out/* flipped
done
ok "--hash-file" image squashfs --hash-file out/hash -o out/image t
nothing_else "--hash-file" hash image
root=$(root_hash)
ok "--hash-file: veritysetup takes it" veritysetup verify out/image out/hash "$root"
ok "--hash-file: verify" as_user "$LIVERY" verify t out/image
flip out/hash 4100
fails "--hash-file: a flipped byte in the hash tree" veritysetup verify out/image out/hash "$root"
rm -f out/*
ok "--verity --vhd --json" image ext4 --verity --vhd --json -o out/image t
fields=$(/usr/bin/python3 -c 'import json, sys
v = json.load(sys.stdin)["verity"]
print(v["root_hash"], v["hash_offset"], v["data_blocks"] * 4096 == v["hash_offset"], len(v["salt"]), len(v["uuid"]))' <<<"$OUT")
read -r root offset rest <<<"$fields"
is "$rest" "True 64 36" "--json says all that opening it needs"
as_user qemu-img convert -f vpc -O raw out/image raw
ok "--verity --vhd: veritysetup takes what is in it" veritysetup verify --hash-offset="$offset" raw raw "$root"
ok "--verity --vhd: verify" as_user "$LIVERY" verify t raw
rm -f out/* raw

# --- qcow2

ok "--qcow2" image erofs --qcow2 -o out/disk t
nothing_else "--qcow2" disk
like "$(qemu-img info out/disk)" "file format: qcow2" "qemu-img knows it"
ok "qemu-img check" qemu-img check out/disk
as_user qemu-img convert -f qcow2 -O raw out/disk raw
is "$(digest raw)" "$tree" "what is in it"
rm -f out/* raw

# --- sizes

for size in 16M 33554432 20000K; do
	ok "--size $size" image ext4 --size $size -o out/image t
	is "$(stat -c %s out/image)" "$(numfmt --from=iec $size)" "--size $size: so large"
	ok "--size $size: e2fsck" e2fsck -fn out/image
done
rm -f out/*
as_user bash -c 'mkdir big && head -c 6000000 /dev/urandom >big/file'
as_user bash -c 'echo "/.* a:b:c:s0" >policy'
as_user "$LIVERY" label --policy policy big >/dev/null
for size in 4M 8K; do
	exits 2 "--size $size is too small" image ext4 --size $size -o out/image big
	like "$ERR" "--size is too small" "--size $size: says so"
	nothing_else "--size $size"
done
for size in 0 -1 12X 4097 9999999999G ""; do
	exits 2 "--size '$size'" image ext4 "--size=$size" -o out/image t
	like "$ERR" "--size=$size: not a" "is no size"
done
rm -rf big big.livery

# --- the tools' own options

ok "mke2fs: -O and -L" image ext4 -o out/image t -- -O ^has_journal -L root
is "$(dumpe2fs -h out/image 2>/dev/null | grep -c -e '^Filesystem volume name: *root$' -e has_journal)" 1 \
	"a label, and no journal"
ok "mke2fs: -E beside livery's own" image ext4 -o out/image t -- -E root_owner=77:77,num_backup_sb=1 -m 0
is "$(dumpe2fs -h out/image 2>/dev/null | awk '/^Reserved block count/ { print $4 }')" 0 "is heeded"
is "$(digest out/image)" "$tree" "and what it says of the tree is not"
for comp in xz zstd lz4; do
	ok "mksquashfs: -comp $comp" image squashfs -o out/image t -- -comp $comp
	like "$(unsquashfs -s out/image)" "Compression $comp" "is heeded"
done
ok "mksquashfs: -b" image squashfs -o out/image t -- -b 4096 -no-fragments
like "$(unsquashfs -s out/image)" "Block size 4096" "is heeded"
ok "tar2sqfs: -c" image squashfs --without-fuse -o out/image t -- -c xz
like "$(unsquashfs -s out/image)" "Compression xz" "is heeded"
ok "mkfs.erofs: no options" image erofs -o out/plain t
ok "mkfs.erofs: -z" image erofs -o out/image t -- -zlz4hc
result "$(($(stat -c %s out/image) >= $(stat -c %s out/plain)))" "is heeded"
is "$(digest out/image)" "$tree" "mkfs.erofs: -z: the image's digest"
rm -f out/*

# --- what is said

ok "--json" image tar --json -o $'out/odd\nname' t
/usr/bin/python3 -c 'import json, os, sys
r = json.load(sys.stdin)
print(r["image"], r["type"], r["bytes"] == os.stat(r["image"]).st_size, r["names"], r["way"], r["verified"],
      r["digest"] == sys.argv[1], "verity" in r, sep="|")' "$tree" <<<"$OUT" >json.out
is "$(cat json.out)" $'out/odd\nname|tar|True|13|as a stream, without a view|True|True|False' "all of it"
rm -f out/*
ok "--no-verify" image squashfs --no-verify -o out/image t
like "$OUT" "made through a sealed view, not verified" "says so"
ok "--no-verify --json" image squashfs --no-verify --json -o out/image t
like "$OUT" '"verified": false' "says so"
nothing_else "--no-verify" image
no_sanitizer_report "all"
finish
