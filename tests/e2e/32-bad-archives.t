#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Archives that are none, that are cut off, that would write elsewhere, and names of every
# kind: refused by name, nothing made outside the tree, no half-made tree unsaid.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar good.tar <<'END'
d("./")
d("etc")
f("etc/passwd", "root:x:0:0::/:\n")
f("etc/keep", "old", uid=7)
END
as_user mkdir empty outside
as_user bash -c 'echo safe >outside/safe'
mktar() { as_user .bin/lib/mktar "$1"; }
state() {
	{
		[ -e rootfs.livery ] && sha256sum rootfs.livery
		[ -e rootfs ] && find rootfs -printf '%p %y %s %T@ %l\n' | sort
		find outside -printf '%p %y %s %T@ %l\n' | sort
	} | sha256sum
}
restart() { rm -rf rootfs rootfs.livery; }

# --- what is no archive: nothing is made, and nothing that is there is touched

as_user bash -c 'echo "just a text" >text.tar; : >nothing.tar; head -c 100000 /dev/urandom >random.tar
	head -c 10240 /dev/zero >zeros.tar; gzip -c good.tar | head -c 20 >cut.tar.gz
	gzip -c text.tar >text.gz; head -c 300 good.tar >header.tar; mkdir dir.tar
	cp good.tar closed.tar; chmod 0 closed.tar'
for archive in text.tar nothing.tar random.tar zeros.tar cut.tar.gz text.gz header.tar dir.tar closed.tar \
	absent.tar; do
	restart
	before=$(state)
	exits 2 "$archive" as_user "$LIVERY" unpack "$archive" rootfs
	like "$ERR" "$archive" "$archive: it is named"
	is "$(wc -l <<<"$ERR")" 1 "$archive: in one line"
	is "$(state)" "$before" "$archive: no tree and no database was made"
	restart
	as_user "$LIVERY" unpack good.tar rootfs >/dev/null
	before=$(state)
	exits 2 "$archive over a tree" as_user "$LIVERY" unpack "$archive" rootfs
	is "$(state)" "$before" "$archive: the tree and its database are as before"
	ok "$archive: the tree can be used" as_user "$LIVERY" ls rootfs
done
restart
exits 2 "standard input that is empty" as_user "$LIVERY" unpack - rootfs
like "$ERR" "standard input|the archive" "it is named"

# --- archives that break off: said, and refused until unpack has come to its end

incomplete() { # DESCRIPTION ARCHIVE: what every command says until the whole archive is there
	local command
	for command in "mount rootfs empty" "label --policy policy rootfs" "verify rootfs" \
		"status rootfs" "chown 0:0 rootfs/etc" "ls rootfs"; do
		exits 2 "$1: ${command%% *} afterwards" as_user "$LIVERY" $command
		like "$ERR" "rootfs.livery: .*unpack.* did not come to its end, so the tree is incomplete" \
			"$1: ${command%% *} says why"
	done
	ok "$1: unpack again" as_user "$LIVERY" unpack "$2" rootfs
	ok "$1: the tree is whole" as_user "$LIVERY" status rootfs
	is "$(as_user cat rootfs/etc/last)" "last" "$1: with its content"
}
printf '/.* a:b:c:s0\n' >policy
mktar long.tar <<'END'
d("./")
d("etc")
f("etc/first", "1", uid=9)
import random
f("etc/keep", random.Random(1).randbytes(3000000))
f("etc/last", "last")
END
as_user gzip -k long.tar
for cut in "long.tar 3000" "long.tar 51000" "long.tar.gz 2000000"; do
	restart
	as_user head -c "${cut#* }" "${cut% *}" >cut.tar
	exits 2 "an archive cut off: $cut" as_user "$LIVERY" unpack cut.tar rootfs
	like "$ERR" "rootfs is incomplete: unpack again, or remove it and .*rootfs.livery" "it says what to do"
	incomplete "$cut" "${cut% *}"
done
for way in "gz gzip" "bz2 bzip2 -1" "xz xz -0" "zst zstd -q --check"; do
	as_user bash -c "${way#* } -c long.tar >bad.${way%% *}
		printf XXXX | dd of=bad.${way%% *} bs=1 seek=2000000 conv=notrunc status=none"
	restart
	exits 2 "a bad checksum (${way%% *})" as_user "$LIVERY" unpack "bad.${way%% *}" rootfs
done
as_user bash -c 'cat good.tar | tr "\0" "\0" >sum.tar; printf X | dd of=sum.tar bs=1 seek=1100 conv=notrunc status=none'
restart
exits 2 "a damaged header" as_user "$LIVERY" unpack sum.tar rootfs
incomplete "damaged header" long.tar

# An end that is missing is that of a pipe whose writer died between two files; two archives
# in a row are what an initramfs often is, and libarchive stops at the first one's end.
as_user /usr/bin/python3 -c 'whole = open("long.tar", "rb").read().rstrip(b"\0")
open("endless.tar", "wb").write(whole + bytes(-len(whole) % 512))'
as_user bash -c 'mkdir in && echo x >in/x && (cd in && echo x | cpio --quiet -o -H newc) >one.cpio
	cat long.tar good.tar >two.tar; cat one.cpio one.cpio >two.cpio; gzip -c one.cpio | cat one.cpio - >twoz.cpio
	gzip -k good.tar one.cpio; cat long.tar.gz good.tar.gz >two.tar.gz; (cat long.tar; echo more) >more.tar
	head -c 51200 /dev/zero | cat long.tar - >padded.tar'
for archive in "endless.tar its end is missing" "two.tar something follows" "two.tar.gz something follows" \
	"more.tar something follows" "two.cpio something follows" "twoz.cpio something follows"; do
	restart
	exits 2 "${archive%% *}" as_user "$LIVERY" unpack "${archive%% *}" rootfs
	like "$ERR" "${archive%% *}: .*${archive#* }.*rootfs is incomplete" "says that ${archive#* }"
	restart
	exits 2 "${archive%% *} from a pipe" as_user bash -c "cat ${archive%% *} | '$LIVERY' unpack - rootfs"
	like "$ERR" "standard input: .*${archive#* }" "the same"
done
restart
as_user "$LIVERY" unpack two.tar rootfs 2>/dev/null
incomplete "an archive that is followed by another" long.tar
restart
ok "zeros behind the end" as_user "$LIVERY" unpack padded.tar rootfs

# --- names that would leave the tree

restart
mktar leave.tar <<'END'
d("./")
f("../x", "evil")
f("a/../../x", "evil")
f("..", "evil")
d("../d")
d("good")
l("good/up", "../../outside")
f("good/up/through-link", "evil")
l("absolute", "/tmp")
f("absolute/through-absolute", "evil")
l("etc", "good")
f("etc/fine", "fine")
h("hard", "../outside/safe")
h("hard2", "good/up/safe")
h("hard3", "not-there")
h("hard4", "/etc/passwd")
l("loop", "loop")
f("loop/x", "evil")
l("self/one", "two")
l("self/two", "one")
f("self/one/x", "evil")
f("file", "f")
f("file/below", "evil")
f("last", "last")
END
before=$(find outside -printf '%p %y %s %T@ %n\n' | sort)
exits 2 "names that leave the tree" as_user "$LIVERY" unpack leave.tar rootfs
for name in '\.\./x' 'a/\.\./\.\./x' '\.\.' '\.\./d' good/up/through-link absolute/through-absolute \
	hard hard2 hard3 hard4 loop/x self/one/x file/below; do
	like "$ERR" "livery: $name: " "$name is named"
done
like "$ERR" "13 of [0-9]+ entries were refused" "all are counted"
is "$(find outside -printf '%p %y %s %T@ %n\n' | sort)" "$before" "nothing was made outside"
result "$(! [ -e x ] && ! [ -e d ] && ! [ -e /tmp/through-absolute ]; echo $?)" "neither above nor elsewhere"
is "$(as_user cat rootfs/good/fine rootfs/last)" "finelast" "all others are there, also through a link in the tree"
ok "the tree is whole" as_user "$LIVERY" status rootfs
is "$(as_user readlink rootfs/good/up rootfs/absolute)" "../../outside
/tmp" "links may point anywhere; they are only not followed"
restart
mktar absolute.tar <<'END'
f("/abs/file", "a")
f("//abs//twice", "b")
f("./././abs/dots", "c")
END
ok "absolute names" as_user "$LIVERY" unpack absolute.tar rootfs
is "$(cat rootfs/abs/{file,twice,dots})" "abc" "are taken from the tree's root"
result "$(! [ -e /abs ]; echo $?)" "not from the host's"

# A link under a name that the next entry goes through, made by an earlier archive.
restart
as_user "$LIVERY" unpack good.tar rootfs >/dev/null
as_user bash -c 'rm -r rootfs/etc && ln -s ../outside rootfs/etc'
ok "a directory that became a link out of the tree" as_user "$LIVERY" unpack good.tar rootfs
result "$([ -d rootfs/etc ] && ! [ -L rootfs/etc ]; echo $?)" "is a directory again"
is "$(find outside -printf '%p %y %s %T@ %n\n' | sort)" "$before" "nothing was made there"

# --- numbers out of range

bad_entry() { # DESCRIPTION REGEX SPEC
	restart
	mktar bad.tar <<<"$3"
	exits 2 "$1" as_user "$LIVERY" unpack bad.tar rootfs
	like "$ERR" "$2" "$1: it is named"
}
bad_entry "an owner out of range" "f: .*owner 4294967295:0" 'f("f", "", uid=4294967295)'
bad_entry "a group out of range" "f: .*99999999999" 'f("f", "", gid=99999999999)'
bad_entry "a negative owner" "f: .*-1" 'f("f", "", uid=-1)'
bad_entry "a device number out of range" "f: .*(device|4096|major)" 'c("f", 4096, 1)'
bad_entry "a minor out of range" "f: .*(device|1048576|minor)" 'c("f", 1, 1048576)'
bad_entry "a capability that is none" "f: .*security.capability" 'f("f", "", x={"security.capability": b"x"})'
bad_entry "a label that is none" "f: .*label" 'f("f", "", x={"security.selinux": b"a\0b"})'
bad_entry "a label too long" "f: .*label" 'f("f", "", x={"security.selinux": b"a" * 5000})'
bad_entry "a link without a target" "f: .*target" 'l("f", "")'
bad_entry "a name too long" "255 bytes" 'f("n" * 256, "")'
bad_entry "a name in the middle too long" "255 bytes" 'f("a/" + "n" * 256 + "/b", "")'
bad_entry "a target too long" "f: .*File name too long" 'l("f", "t" * 5000)'

# --- names of every kind, through unpack, label, view and tar

restart
mktar names.tar <<'END'
d("./")
names = [b"new\nline", b"\xff" * 255, b"n" * 255, b"\xc3\xa4\xe2\x82\xac", b"\x01\x7f\x1b[31m", b" blank ", b"-rf",
         b"back\\slash", b"a\tb", b"quote'\"", b"[*?]", b"...", b"=", b"%s%n"]
for n in names:
    d(b"d" + n[:254], uid=3)
    f(b"d" + n[:254] + b"/" + n, n, uid=5, x={"user.name": n})
l(b"link\n\xfe", b"to\n\xfd")
deep = "/".join(["p" * 200] * 25)
f(deep + "/bottom", "deep", uid=11)
h("linked", deep + "/bottom")
f("/".join(["q"] * 3000) + "/bottom", "deeper", uid=12)
END
ok "odd and deep names: unpack" as_user "$LIVERY" unpack names.tar rootfs
ok "odd and deep names: label" as_user "$LIVERY" label --policy policy rootfs
like "$OUT" " 3057 inodes, 3057 changed, 0 unmatched" "each is labeled"
ok "odd and deep names: status" as_user "$LIVERY" status rootfs
ok "odd and deep names: verify" as_user "$LIVERY" verify rootfs
ok "odd and deep names: chown -R" as_user "$LIVERY" chown -R 21:22 rootfs/q
ok "odd and deep names: ls" as_user bash -c "'$LIVERY' ls rootfs/d* >/dev/null"
ok "odd and deep names: mount" mount_view rootfs view
cat >walk.py <<'END'
import os, sys
found = {}
def walk(fd, path):
    for name in sorted(os.listdir(b"/proc/self/fd/%d" % fd)):
        st = os.stat(name, dir_fd=fd, follow_symlinks=False)
        found[path + b"/" + name] = st
        if st.st_mode & 0o170000 == 0o040000:
            down = os.open(name, os.O_RDONLY, dir_fd=fd)
            walk(down, path + b"/" + name)
            os.close(down)
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
sys.setrecursionlimit(10000)
walk(os.open(sys.argv[1], os.O_RDONLY), b"")
q = b"/q" * 3000 + b"/bottom"
p = (b"/" + b"p" * 200) * 25 + b"/bottom"
print(len(found), found[q].st_uid, found[q].st_gid, found[p].st_uid, found[p].st_nlink,
      found[p].st_ino == found[b"/linked"].st_ino, sum(st.st_uid == 5 for st in found.values()))
END
is "$(as_user /usr/bin/python3 walk.py view)" "3057 21 22 11 2 True 14" "odd and deep names: all in the view"
as_user bash -c 'tar -C view --numeric-owner --xattrs --xattrs-include="*" -cf names.out . 2>tar.err'
is "$(cat tar.err)" "" "odd and deep names: tar takes them all"
is "$(tar -tf names.out | wc -l)" 3058 "odd and deep names: all in the tar"
strict_umount view
exits 2 "a message about an odd name" as_user "$LIVERY" stat $'rootfs/dnew\nline/\x1b[31m\xff'
like "$ERR" 'dnew\\nline/\\033\[31m\\377' "stays one printable line"
is "$(wc -l <<<"$ERR")" 1 "really one"
no_sanitizer_report "all"
finish
