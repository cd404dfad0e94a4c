#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A wrong image is caught: in an image of each format one thing is changed by other means
# than livery's, and verify names exactly that. ext is changed with debugfs, the others byte
# by byte (tests/lib/alter). cpio keeps no attributes, so it is made and verified with
# --drop=xattrs, and nothing is changed in it that it does not have.

# shellcheck disable=SC2154,SC2001 # the library's variables; sed on many lines
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

# --- a small tree with everything

as_user .bin/lib/mktar tree.tar <<'EOF'
def at(mtime, name, **x):
    return {"mtime": "%.9f" % (1600000000 + mtime), "x": {**LABEL("u:object_r:%s_t:s0" % name), **x}}
d("./", **at(.000000512, "root"))
d("bin", **at(1, "bin"))
l("bin/sh", "tool", **at(2, "sh"))
f("bin/tool", "#!" + 900 * "tool content ", mode=0o4755, **at(3, "tool", **CAP(0x400)))
h("bin/tool-2", "bin/tool")
d("dev", gid=5, mode=0o1777, **at(4, "dev"))
c("dev/console", 5, 1, mode=0o600, **at(5, "console"))
p("dev/fifo", mode=0o622, **at(6, "fifo"))
b("dev/sda", 8, 17, gid=6, mode=0o660, **at(7, "sda"))
d("etc", uid=3, **at(8.5, "etc"))
f("etc/conf", "one line of content\n", uid=10, gid=20, mode=0o640, **at(9.125, "conf", **{"user.note": b"first"}))
f("etc/empty", mtime="1600000010.000000001", x=LABEL("u:object_r:empty_t:s0"))
f("large", bytes(8192) + b"L" * 20000 + b"MARK" + bytes(5000), uid=70000, gid=4000000000,
  mtime="1600000011.999999999", x=LABEL("u:object_r:large_t:s0"))
f("twin-a", "twin", **at(12, "twin"))
f("twin-b", "twin", **at(12, "twin"))
EOF
plant() { # ARCHIVE STAGING: unpacked, and a node and its label by the commands for these
	as_user "$LIVERY" unpack "$1" "$2" >unpack.log &&
		as_user "$LIVERY" mknod -m 620 "$2/dev/tty" c 4 64 &&
		as_user "$LIVERY" setfattr -n security.selinux -v u:object_r:tty_t:s0 "$2/dev/tty" &&
		as_user touch -d @1600000013.5 "$2/dev/tty" && as_user touch -d @1600000004 "$2/dev" &&
		as_user touch -d @1600000020 "$2"
}
ok "the tree" plant tree.tar tree || bail "nothing to go on with"
cp tree.livery tree.backup

formats=(ext2 ext3 ext4 squashfs erofs tar cpio)
options() { # FORMAT: what comes with it
	[ "$1" != cpio ] || echo "--drop=xattrs"
}
make() { # FORMAT OUT STAGING: with metadata that alter can read
	local drop tool=()
	mapfile -t drop < <(options "$1")
	[ "$1" != squashfs ] || tool=(-- -noI -noX -noD -noF)
	as_user "$LIVERY" image -t "$1" -o "$2" "${drop[@]}" "$3" "${tool[@]}"
}
verify() { # FORMAT ARGUMENT...
	local drop
	mapfile -t drop < <(options "$1")
	capture as_user "$LIVERY" verify "${drop[@]}" "${@:2}"
}
for format in "${formats[@]}"; do
	ok "$format: an image" make "$format" "right.$format" tree || bail "nothing to go on with"
	verify "$format" tree "right.$format"
	is "$status $ERR" "0 " "$format: it is right"
	like "$OUT" "^$SCRATCH/tree: 16 names, .*; the images hold exactly these$" "$format: and verify says so"
done

# --- one change, one line

alter() { .bin/lib/alter "$@"; }
debugfs_do() { # IMAGE COMMAND: which exits 0 also where it failed
	local said
	said=$(debugfs -w -R "$2" "$1" 2>&1 | grep -v -e '^debugfs [0-9]' -e '^Allocated inode')
	[ -z "$said" ] || { diag "$2: $said"; return 1; }
}
in_ext() { # IMAGE CHANGE
	case $2 in
	owner) debugfs_do "$1" "sif /etc/conf uid 20" ;;
	group) debugfs_do "$1" "sif /large gid 4000000001" ;;
	mode) debugfs_do "$1" "sif /bin/tool mode 0100755" ;;
	# From 1.47.1 on the first one clears the fraction: 0.125 s in units of a quarter ns.
	time) debugfs_do "$1" "sif /etc/conf mtime @1600000010" &&
		debugfs_do "$1" "sif /etc/conf mtime_extra 500000000" ;;
	device) debugfs_do "$1" "sif /dev/sda block[0] 0x812" ;;
	node) debugfs_do "$1" "sif /dev/tty block[0] 0x441" ;;
	label) debugfs_do "$1" "ea_set /etc/conf security.selinux u:object_r:conf_u:s0\\000" ;;
	attribute) debugfs_do "$1" "ea_set /etc/conf user.note firsT" ;;
	# The first bytes of a target that is kept in the inode.
	target) debugfs_do "$1" "sif /bin/sh block[0] 0x6c6f7574" ;;
	content) alter "$1" bytes - LLMARK LLMARk ;;
	link) debugfs_do "$1" "unlink /twin-b" && debugfs_do "$1" "ln /twin-a /twin-b" ;;
	unlink) debugfs_do "$1" "unlink /bin/tool-2" && debugfs_do "$1" "write right.tool /bin/tool-2" ;;
	missing) debugfs_do "$1" "unlink /twin-b" ;;
	extra) debugfs_do "$1" "write tree.tar /extra" ;;
	extra-name) debugfs_do "$1" "ln /etc/conf /bin/also" ;;
	esac
}
in_others() { # IMAGE CHANGE
	case $2 in
	owner) alter "$1" uid etc/conf 20 ;;
	group) alter "$1" gid etc/conf 5 ;;
	mode) alter "$1" mode bin/tool 755 ;;
	time) alter "$1" time etc/conf 1600000010 ;;
	device) alter "$1" device dev/sda 8,18 ;;
	node) alter "$1" device dev/tty 4,65 ;;
	label) alter "$1" bytes - conf_t conf_u ;;
	attribute) alter "$1" bytes - first firsT ;;
	target) alter "$1" target bin/sh tuol ;;
	content) alter "$1" bytes - LLMARK LLMARk ;;
	link) alter "$1" link twin-b twin-a ;;
	missing) alter "$1" remove twin-b ;;
	extra) alter "$1" add twin-b extra ;;
	esac
}
original=$(sha256sum <tree/large | cut -d' ' -f1)
changed=$(sed s/LLMARK/LLMARk/ tree/large | sha256sum | cut -d' ' -f1)
fraction() { # FORMAT: what alter and debugfs leave of a time below the second
	case $1 in
	squashfs | cpio) echo 000000000 ;;
	*) echo 125000000 ;;
	esac
}
line() { # FORMAT CHANGE: what verify says
	case $2 in
	owner) echo "/etc/conf uid: expected 10, found 20" ;;
	group) case $1 in
		ext*) echo "/large gid: expected 4000000000, found 4000000001" ;;
		*) echo "/etc/conf gid: expected 20, found 5" ;;
		esac ;;
	mode) echo "/bin/tool mode: expected 4755, found 0755" ;;
	time) echo "/etc/conf time: expected 1600000009.125000000, found 1600000010.$(fraction "$1")" ;;
	device) echo "/dev/sda device: expected 8,17, found 8,18" ;;
	node) echo "/dev/tty device: expected 4,64, found 4,65" ;;
	label) echo "/etc/conf label: expected u:object_r:conf_t:s0, found u:object_r:conf_u:s0" ;;
	attribute) echo "/etc/conf attribute user.note: expected first, found firsT" ;;
	target) echo "/bin/sh target: expected tool, found tuol" ;;
	content) echo "/large content: expected sha256 $original, found sha256 $changed" ;;
	link) echo "/twin-b link: expected a file of its own, found a hard link of /twin-a" ;;
	missing) echo "/twin-b name: expected file, found nothing" ;;
	extra) echo "/extra name: expected nothing, found file" ;;
	extra-name) echo "/bin/also name: expected nothing, found file" ;;
	esac
}
# A name less or more in a squashfs or an erofs: an image of a tree that has it so.
for change in missing extra; do
	cp tree.tar "$change.tar"
	in_others "$change.tar" "$change"
	plant "$change.tar" "$change" || bail "nothing to go on with"
done
changes=(owner group mode time device node label attribute target content link missing extra)
for format in "${formats[@]}"; do
	for change in "${changes[@]}"; do
		case $format-$change in
		cpio-label | cpio-attribute) continue ;;
		esac
		wrong=$change.$format
		case $format-$change in
		ext*) cp "right.$format" "$wrong" && in_ext "$wrong" "$change" ;;
		squashfs-missing | squashfs-extra | erofs-missing | erofs-extra)
			make "$format" "$wrong" "$change" >make.log 2>&1 ;;
		tar-label)
			# It is there for two kinds of readers.
			cp "right.$format" "$wrong" && sed -i s/conf_t/conf_u/g "$wrong" ;;
		*) cp "right.$format" "$wrong" && in_others "$wrong" "$change" ;;
		esac || diag "$format: $change: the image could not be changed"
		verify "$format" tree "$wrong"
		is "$status $OUT$ERR" "1 $wrong: $(line "$format" "$change")" "$format: $change"
	done
done

# A further name of a file that comes before the others, wherever the reader begins.
for format in ext2 ext4; do
	cp "right.$format" "extra-name.$format"
	in_ext "extra-name.$format" extra-name
	verify "$format" tree "extra-name.$format"
	is "$status $OUT$ERR" "1 extra-name.$format: $(line "$format" extra-name)" "$format: a further name"
done

# A hard link that is a file of its own: named as this, with what else is not the same.
cp tree/bin/tool right.tool
cp right.ext4 unlink.ext4
in_ext unlink.ext4 unlink
verify ext4 tree unlink.ext4
like "$status $OUT" "^1 unlink.ext4: /bin/tool-2 link: expected a hard link of /bin/tool, found a file of its own" \
	"a hard link that is a copy"
result "$([[ $OUT == *"/bin/tool "* ]]; echo $((!$?)))" "the other name is fine"

# --- several differences, several images

for format in ext4 squashfs erofs tar; do
	cp "owner.$format" two.$format
	case $format in
	ext4) in_ext two.$format device ;;
	*) in_others two.$format device ;;
	esac
	verify $format tree two.$format
	is "$status $OUT" "1 two.$format: $(line $format device)
two.$format: $(line $format owner)" "$format: two differences, two lines, in the tree's order"
done
verify any tree right.ext4 mode.squashfs right.tar owner.erofs
is "$status $OUT$ERR" "1 mode.squashfs: $(line squashfs mode)
owner.erofs: $(line erofs owner)" "of several images, those that are wrong are named"
verify any tree right.ext2 right.ext3 right.ext4 right.squashfs right.erofs right.tar
is "$status $ERR" "0 " "several that are right"
cp mode.ext4 $'odd\nname'
verify any tree $'odd\nname'
is "$(wc -l <<<"$OUT")" 1 "an image with a newline in its name: one line"
like "$OUT" '^odd\\.*name: /bin/tool mode: ' "it is quoted"

# --- JSON

fields() { # prints FINDING|IMAGE|PATH|FIELD|EXPECTED|FOUND of each
	/usr/bin/python3 -c '
import json, sys
for f in json.load(sys.stdin):
    assert sorted(f) == ["expected", "field", "finding", "found", "image", "path"], f
    print("|".join(f[k] for k in ("finding", "image", "path", "field", "expected", "found")))' <<<"$OUT"
}
for format in ext4 squashfs erofs tar; do
	verify $format --json tree owner.$format
	is "$status $(fields)" "1 difference|owner.$format|etc/conf|uid|10|20" "$format: --json"
done
verify any --json tree label.ext4 link.tar
is "$status $(fields)" "1 difference|label.ext4|etc/conf|label|u:object_r:conf_t:s0|u:object_r:conf_u:s0
difference|link.tar|twin-b|link|a file of its own|a hard link of /twin-a" "--json of two images"
verify any --json tree right.ext4
is "$status $(/usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin))' <<<"$OUT")" "0 []" \
	"--json of a right one"

# --- the tree is what counts

as_user "$LIVERY" chown 11 tree/etc/conf
verify any tree right.ext4 right.squashfs right.erofs right.tar
is "$status $OUT" "1 $(for f in ext4 squashfs erofs tar; do
	echo "right.$f: /etc/conf uid: expected 11, found 10"; done)" "an owner that was changed since"
cp tree.backup tree.livery
as_user "$LIVERY" setfattr -x user.note tree/etc/conf
verify any tree right.tar
is "$status $OUT" "1 right.tar: /etc/conf attribute user.note: expected nothing, found first" "an attribute more"
cp tree.backup tree.livery
verify any tree right.ext4 right.squashfs right.erofs right.tar
is "$status $ERR" "0 " "all are right again"

# --- labels without NUL, an attribute that is dropped, times that are capped

ok "a label without NUL: ext4" debugfs_do right.ext4 "ea_set /etc/conf security.selinux u:object_r:conf_t:s0"
verify any tree right.ext4
is "$status $OUT$ERR" "0 $SCRATCH/tree: 16 names, all recorded, labeled and readable; the images hold exactly these" \
	"is the same label"
# GNU tar's own header for labels has none; the other one is taken out by its name.
cp right.tar rht.tar
sed -i 's/SCHILY\.xattr\.security\.selinux/SCHILY.devnotes_of_no_meaning/' rht.tar
is "$(grep -c -a 'SCHILY.xattr.security.selinux' rht.tar)" 0 "a tar with RHT.security.selinux only"
verify tar tree rht.tar
is "$status $ERR" "0 " "it is right"

verify any --drop=labels tree right.tar
is "$status $(grep -c ' label: expected nothing, found u:object_r:' <<<"$OUT") $(wc -l <<<"$OUT")" "1 15 15" \
	"labels that should not be there, one line for each inode"
ok "an image without labels" as_user "$LIVERY" image -t erofs --drop=labels -o dropped.erofs tree
verify any --drop=labels tree dropped.erofs
is "$status $ERR" "0 " "it is right with --drop"
verify any tree dropped.erofs
is "$status $(grep -c ' label: expected u:object_r:.*, found nothing' <<<"$OUT") $(wc -l <<<"$OUT")" "1 15 15" \
	"and has no label without it"

for format in ext4 squashfs erofs tar; do
	ok "$format: times capped" as_user env SOURCE_DATE_EPOCH=1600000009 \
		"$LIVERY" image -t $format -o capped.$format tree
	capture as_user env SOURCE_DATE_EPOCH=1600000009 "$LIVERY" verify tree capped.$format
	is "$status $ERR" "0 " "$format: right under the same SOURCE_DATE_EPOCH"
	verify any tree capped.$format
	is "$status $(grep -vc '^[^ ]*: /[^ ]* time: expected 16[0-9.]*, found 1600000009.000000000$' <<<"$OUT")" "1 0" \
		"$format: without it, times differ and nothing else"
	like "$OUT" "capped.$format: /etc/empty time: expected 1600000010.0000000" "$format: one of them"
done

# The newest time of the tree is what tools are told for the filesystem's own.
as_user touch -d @1600000030.75 tree/large
for format in ext4 squashfs erofs; do
	ok "$format: the newest time has a fraction" make $format newest.$format tree
done
no_sanitizer_report "all"
finish
