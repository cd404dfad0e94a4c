#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Damaged and hostile images: verify ends soon, with exit status 2 and one line that names the
# image, or with 1 where a reader could still be given what the image says. Every byte of an
# image may be a stranger's.

# shellcheck disable=SC2154,SC2001 # the library's variables; sed on many lines
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar tree.tar <<'EOF'
def at(mtime, name, **x):
    return {"mtime": "%.9f" % (150000000 + mtime), "x": {**LABEL("u:object_r:%s_t:s0" % name), **x}}
d("./", **at(1.5, "root"))
d("bin", **at(2, "bin"))
l("bin/sh", "tool", **at(3, "sh"))
f("bin/tool", 100 * "tool content ", mode=0o4755, **at(4, "tool", **CAP(0x400)))
h("bin/tool-2", "bin/tool")
d("dev", **at(5, "dev"))
c("dev/console", 5, 1, mode=0o600, **at(6, "console"))
p("dev/fifo", mode=0o622, **at(7, "fifo"))
d("etc", uid=3, **at(8, "etc"))
f("etc/conf", "one line of content\n", uid=10, gid=20, mode=0o640, **at(9.125, "conf", **{"user.note": b"first"}))
f("etc/empty", **at(10, "empty"))
f("large", bytes(8192) + b"L" * 500, uid=70000, mtime="150000011.25", x=LABEL("u:object_r:large_t:s0"))
f("twin-a", "twin", **at(12, "twin"))
f("twin-b", "twin", **at(12, "twin"))
EOF
ok "the tree" as_user "$LIVERY" unpack tree.tar tree || bail "nothing to go on with"
formats=(ext2 ext3 ext4 squashfs erofs tar cpio)
for format in "${formats[@]}"; do
	options=() tool=()
	[ "$format" != cpio ] || options=(--drop=xattrs)
	[ "$format" != squashfs ] || tool=(-- -noI -noX -noD -noF)
	ok "$format: an image" as_user "$LIVERY" image -t "$format" -o "right.$format" "${options[@]}" tree "${tool[@]}" ||
		bail "nothing to go on with"
done

# --- cut off, one field of a header overwritten, a few bits turned over

for format in "${formats[@]}"; do
	options=()
	[ "$format" != cpio ] || options=(--drop=xattrs)
	capture as_user .bin/lib/damage "$LIVERY" tree "right.$format" "${options[@]}"
	like "$OUT$ERR" "^[0-9]{2,} runs, 0 not as expected$" "$format: damaged in many ways"
done

# --- helpers

quickly() { E2E_TIMEOUT=30 as_user "$@"; }
refused() { # DESCRIPTION REGEX IMAGE [OPTION...]
	capture quickly "$LIVERY" verify "${@:4}" tree "$3"
	is "$status $OUT" "2 " "$1: refused" || diag "$ERR"
	like "$ERR" "^livery: [^"$'\n'"]*$" "$1: in one line"
	like "$ERR" "$2" "$1: says why"
}
differs() { # DESCRIPTION LINES IMAGE: these differences, the image's name left out
	capture quickly "$LIVERY" verify tree "$3"
	is "$status $(sed 's/^[^ ]* //' <<<"$OUT")$ERR" "1 $2" "$1"
}
alter() { .bin/lib/alter "$@"; }
altered() { # FORMAT CHANGE...: a copy, altered.FORMAT
	cp "right.$1" "altered.$1" && alter "altered.$1" "${@:2}"
}
mktar() { # a tar that begins as the right one does; with what is read
	{ cat tar.head && cat; } | as_user .bin/lib/mktar "$1"
}
cat >tar.head <<'EOF'
d("./", mtime="150000001.5", x=LABEL("u:object_r:root_t:s0"))
EOF

# --- what is no image

as_user bash -c ': >empty; head -c 300000 /dev/urandom >random; echo "just a text" >text; head -c 100000 /dev/zero >zeros
	mkdir directory; mkfifo fifo; ln -s nowhere dangling; ln -s round round; cp right.tar closed; chmod 0 closed
	printf hsqs >short.squashfs; gzip -c text >text.gz; head -c 40 random | gzip -c >random.gz; echo x >$'"'new\\nline'"
refused "an empty file" "livery: empty: it is empty" empty
refused "random bytes" "livery: random: " random
refused "a text" "livery: text: " text
refused "zeros" "livery: zeros: " zeros
refused "a compressed text" "livery: text.gz: " text.gz
refused "compressed random bytes" "livery: random.gz: " random.gz
refused "four bytes of a squashfs" "livery: short.squashfs: " short.squashfs
refused "a directory" "livery: directory: not a file that could be an image" directory
refused "a fifo" "livery: fifo: not a file that could be an image" fifo
refused "/dev/null" "livery: /dev/null: not a file that could be an image" /dev/null
refused "/dev/zero" "livery: /dev/zero: not a file that could be an image" /dev/zero
refused "no file" "absent: No such file or directory" absent
refused "a dangling link" "dangling: No such file or directory" dangling
refused "a link to itself" "round: Too many levels of symbolic links" round
refused "a file below a file" "text/x: Not a directory" text/x
refused "a file that may not be read" "closed: Permission denied" closed
refused "a name with a newline" 'new.*line.*: ' $'new\nline'
refused "no name" "No such file or directory" ""
for order in "random right.tar" "right.tar random"; do
	# shellcheck disable=SC2086 # two words
	capture quickly "$LIVERY" verify tree $order
	like "$status $OUT$ERR" "^2 livery: random: " "one that is right and one that is not: $order"
done
capture quickly "$LIVERY" verify --json tree random
is "$status $OUT" "2 []" "--json: an empty list, and the exit status"

# --- compressed archives

as_user gzip -nk right.tar
ok "a compressed tar" as_user "$LIVERY" verify tree right.tar.gz
size=$(stat -c %s right.tar.gz)
for cut in 1 2 10 18 $((size / 2)) $((size - 8)) $((size - 1)); do
	head -c "$cut" right.tar.gz >cut.tar.gz
	refused "tar.gz: the first $cut bytes" "livery: cut.tar.gz: " cut.tar.gz
done
for at in 2 $((size / 2)) $((size - 8)) $((size - 4)); do
	cp right.tar.gz flip.tar.gz
	printf '\252' | dd of=flip.tar.gz bs=1 seek="$at" conv=notrunc status=none
	refused "tar.gz: byte $at is another" "livery: flip.tar.gz: " flip.tar.gz
done
cat right.tar.gz text >more.tar.gz
refused "tar.gz: with more behind it" "livery: more.tar.gz: " more.tar.gz
cat right.tar text >more.tar
refused "tar: with more behind it" "livery: more.tar: " more.tar
gzip -nc right.tar.gz >twice.gz
refused "tar.gz.gz" "livery: twice.gz: " twice.gz

# --- disks

for disk in vhd qcow2; do
	ok "$disk: made" as_user "$LIVERY" image -t ext4 --$disk -o disk.$disk tree
	refused "$disk" "livery: disk.$disk: it is a (VHD|qcow2) disk.*qemu-img convert -O raw" disk.$disk
	ok "$disk: made raw, as the message says" as_user qemu-img convert -O raw disk.$disk raw
	ok "$disk: it is right then" as_user "$LIVERY" verify tree raw
done

# --- directories

debugfs_do() { # FORMAT COMMAND...: in a copy, altered.FORMAT
	local format=$1 command
	cp "right.$format" "altered.$format"
	for command in "${@:2}"; do
		debugfs -w -R "$command" "altered.$format" >debugfs.log 2>&1
	done
}
for format in ext2 ext4; do
	debugfs_do $format "ln /etc /etc/round"
	refused "$format: a directory in itself" "altered.$format: .*/etc/round" altered.$format
	debugfs_do $format "ln / /etc/up"
	refused "$format: the root in a directory" "altered.$format: " altered.$format
	debugfs_do $format "ln /bin /etc/bin"
	refused "$format: a directory with two names" "altered.$format: " altered.$format
	debugfs_do $format "sif /etc mode 0100755"
	refused "$format: a directory that is a file" "altered.$format: " altered.$format
	debugfs_do $format "sif /etc/conf mode 040755"
	refused "$format: a file that is a directory" "altered.$format: " altered.$format
	debugfs_do $format "clri /etc/conf"
	refused "$format: an inode that is free" "altered.$format: /etc/conf" altered.$format
	debugfs_do $format "sif /etc/conf block[2] 0xffffffff" "sif /etc/conf block[0] 0xffffffff" \
		"sif /etc/conf block[5] 0xffffffff"
	refused "$format: content behind the end" "altered.$format: " altered.$format
done
for format in squashfs erofs; do
	altered $format link etc/conf etc
	refused "$format: a directory in itself" "livery: altered.$format: " altered.$format
	altered $format link bin etc
	refused "$format: a directory with two names" "livery: altered.$format: " altered.$format
done

# --- names

for format in squashfs erofs; do
	while read -r old new; do
		altered $format name "$old" "$new"
		refused "$format: the name $new" "livery: altered.$format: " altered.$format
	done <<-'EOF'
		bin/sh ..
		bin/tool-2 ../../
		bin/tool-2 /tool-
		etc/empty a/../
		twin-b twin-a
	EOF
	altered $format name etc/empty $'empt\n'
	differs "$format: a newline in a name" '/etc/empt\n name: expected nothing, found file
/etc/empty name: expected file, found nothing' altered.$format
done
# As ext has it: the length of a name, the type of its inode, the name. The last one is cut
# short, by bytes that are 0.
for name in a/../x twin-a twin; do
	for format in ext2 ext4; do
		cp right.$format altered.$format
		/usr/bin/python3 - altered.$format "$name" <<-'EOF'
			import sys
			image, name = sys.argv[1], sys.argv[2].encode().ljust(6, b"\0")
			with open(image, "rb") as file:
			    data = file.read()
			assert data.count(b"\6\1twin-b") == 1
			with open(image, "wb") as file:
			    file.write(data.replace(b"\6\1twin-b", b"\6\1" + name))
		EOF
		refused "$format: the name $name" "livery: altered.$format: " altered.$format
	done
done

tar_refused() { # DESCRIPTION REGEX; the rest of the tar is read
	mktar bad.tar
	refused "tar: $1" "livery: bad.tar: $2" bad.tar
}
tar_refused "a name that goes up" "" <<<'f("../x")'
tar_refused "a name that goes up later" "" <<<'f("a/../../x")'
tar_refused ".." "" <<<'d("..")'
tar_refused "a name in itself" "" <<<'d("bin/."); f("bin/./x")'
tar_refused "a name twice" ".*/a" <<<'f("a"); f("a")'
tar_refused "a name twice, one absolute" ".*/a" <<<'f("a"); f("/a")'
tar_refused "a newline in a name that is there twice" '.*n\\nl' <<<'f("n\nl"); f("n\nl")'
tar_refused "an escape sequence in one" '.*e[^[:cntrl:]]*l' <<<'f("e\033[31ml"); f("e\033[31ml")'
tar_refused "a name below a file" ".*/a" <<<'f("a"); f("a/b")'
tar_refused "a name below a link" ".*/a" <<<'l("a", "/tmp"); f("a/b")'
tar_refused "a parent that is missing" ".*/a" <<<'f("a/b")'
tar_refused "a link to nothing" ".*/a" <<<'h("a", "absent")'
tar_refused "a link to itself" ".*/a" <<<'h("a", "a")'
tar_refused "a link to what comes later" ".*/a" <<<'h("a", "b"); f("b")'
tar_refused "a further name of a directory" ".*" <<<'d("a"); h("b", "a")'
tar_refused "a name of 300 bytes" "" <<<'f("n" * 300)'
tar_refused "a path of 200,000 bytes" "" <<<'d("a/" * 100000)'
tar_refused "a link without a target" ".*/a" <<<'l("a", "")'
tar_refused "a target of 5,000 bytes" ".*target" <<<'l("a", "t" * 5000)'
tar_refused "an owner that is none" ".*/a" <<<'f("a", pax={"uid": b"4294967295"})'
tar_refused "a device that is none" ".*/a" <<<'c("a", 4096, 0)'
tar_refused "two attributes of one name" ".*/a" \
	<<<'f("a", x=LABEL("a:b:c:s0"), pax={"RHT.security.selinux": b"d:e:f:s0"})'
tar_refused "a header of 2 MiB" "" <<<'f("a", pax={"comment": b"c" * (2 << 20)})'
as_user bash -c "cat tar.head; echo 'end = False'" | as_user .bin/lib/mktar bad.tar
refused "tar: no end" "livery: bad.tar: " bad.tar
echo 'd("etc")' | as_user .bin/lib/mktar bad.tar
refused "tar: no root" "livery: bad.tar: " bad.tar
mktar absolute.tar <<<'f("/a")'
capture quickly "$LIVERY" verify tree absolute.tar
is "$status $(grep /a <<<"$OUT")" "1 absolute.tar: /a name: expected nothing, found file" \
	"tar: an absolute name is one below the root"
mktar newline.tar <<<'f("n\nl\033[31m")'
capture quickly "$LIVERY" verify tree newline.tar
is "$status $(grep -c . <<<"$OUT")" "1 14" "tar: names of every kind, one line each"
result "$(! grep -q $'\033' <<<"$OUT"; echo $?)" "and no escape sequence reaches the terminal"

# --- much out of little

for size in 1099511627776 9223372036854775807; do
	for format in squashfs erofs; do
		altered $format size large $size
		refused "$format: a file that claims $size bytes" "livery: altered.$format: " altered.$format
	done
	for format in ext2 ext4; do
		debugfs_do $format "sif /large size $size"
		case $format-$size in
		*-1099511627776) differs "$format: a file of 1 TiB that are holes" \
			"/large size: expected 8692, found $size" altered.$format ;;
		*) capture quickly "$LIVERY" verify tree altered.$format
			like "$status $OUT$ERR" "^[12] (livery: )?altered.$format: " "$format: one of $size bytes" ;;
		esac
	done
done
# GNU tar's sparse format 1.0: the map is in the content.
mktar bomb.tar <<'EOF'
sparse = {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.name": b"large",
          "GNU.sparse.realsize": b"1099511627776"}
f("GNUSparseFile.0/large", b"1\n1099511627776\n0\n".ljust(512, b"\0"), pax=sparse)
EOF
capture quickly "$LIVERY" verify tree bomb.tar
is "$status $(grep "large size" <<<"$OUT")" "1 bomb.tar: /large size: expected 8692, found 1099511627776" \
	"tar: a sparse file of 1 TiB"
# The size that is expected, and a map that does not keep to it.
mktar bomb.tar <<'EOF'
sparse = {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.name": b"large",
          "GNU.sparse.realsize": b"8692"}
f("GNUSparseFile.0/large", b"1\n1099511627776\n4\n".ljust(512, b"\0") + b"data", pax=sparse)
EOF
refused "tar: a sparse map behind the end" "livery: bomb.tar: .*large" bomb.tar

# Deflate can repeat: after a full flush, what follows does not depend on what was before.
as_user /usr/bin/python3 - <<'EOF'
import gzip, struct, subprocess, zlib
HEAD = b"\x1f\x8b\x08" + bytes(7)
def bomb(name, first, mebibytes):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    with open(name, "wb") as out:
        out.write(HEAD + head + piece * mebibytes)
def header(name, size):
    h = bytearray(512)
    for at, value in ((0, name), (100, b"0000644\0"), (108, b"0000000\0"), (116, b"0000000\0"),
                      (124, b"%011o\0" % size), (136, b"14000000000\0"), (148, b" " * 8), (156, b"0"),
                      (257, b"ustar\00000")):
        h[at:at + len(value)] = value
    h[148:155] = b"%06o\0" % sum(h)
    return bytes(h)
bomb("zeros.gz", b"", 256)
bomb("file.tar.gz", header(b"large", 1 << 28), 256)
bomb("name.tar.gz", header(b"./PaxHeaders", 8 << 30).replace(b"0ustar", b"xustar"), 256)
EOF
cat >measured <<'EOF'
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
with open(sys.argv[1], "w") as out:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=out)
sys.exit(status)
EOF
for bomb in zeros.gz file.tar.gz name.tar.gz; do
	result "$(($(stat -c %s $bomb) > 500000))" "$bomb is small"
	capture quickly /usr/bin/python3 measured kib "$LIVERY" verify tree $bomb
	like "$status $ERR" "^2 livery: $bomb: " "$bomb: 256 MiB of zeros are refused"
	result "$(($(cat kib) > 50000))" "$bomb: no memory for it ($(cat kib) KiB)"
done

# A tar with 5,000 names that nobody asked for.
mktar many.tar <<<'[f("%d" % i) for i in range(5000)]'
capture quickly "$LIVERY" verify tree many.tar
is "$status $(grep -c 'expected nothing, found file$' <<<"$OUT")" "1 5000" "tar: many names, each named"
no_sanitizer_report "all"
finish
