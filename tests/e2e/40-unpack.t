#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What unpack reads: every tar and cpio format, compressed or not, headers of three tools for
# attributes; and one archive over another.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

# All that a view shows of a tree, without a mount; links and device numbers included.
contents() {
	as_user /usr/bin/python3 - "$1" "$LIVERY" <<'END'
import hashlib, json, os, subprocess, sys
root, livery = os.fsencode(sys.argv[1]), sys.argv[2]
paths = [root]
for d, dirs, files in os.walk(root):
    paths += [os.path.join(d, n) for n in dirs + files]
out = subprocess.run([livery, "stat", "--json"] + sorted(paths), check=True, capture_output=True)
inodes = {}
for e in json.loads(out.stdout):
    e["inode"] = inodes.setdefault(e["inode"], len(inodes))
    if e["type"] == "regular file":
        e["sha"] = hashlib.sha256(open(os.path.join(root, os.fsencode(e["path"])), "rb").read()).hexdigest()[:8]
    print(json.dumps(e, sort_keys=True))
END
}
fresh() { rm -rf rootfs rootfs.livery; }

# --- formats: a tree that an ordinary user can have, with owners given to tar

as_user bash -c 'umask 022
mkdir -p src/dir/sub src/mode && echo content >src/dir/file && ln src/dir/file src/dir/hard
ln -s ../dir/file src/mode/link && mkfifo src/mode/fifo && : >src/empty && echo x >src/mode/suid
head -c 100000 /dev/urandom >src/dir/sub/random
chmod 4755 src/mode/suid && chmod 1777 src/mode && chmod 600 src/empty
touch -h -d @1234567890 src/mode/link && find src -depth ! -type l -exec touch -d @1234567890 {} +'
tree() { (cd src && find . -printf '%P|%y|%m|%n|%T@|%l\n' | sort); }
of_view() { as_user env -C "$1" find . -printf '%P|%y|%m|%n|%T@|%l\n' | sort; }
source_tree=$(tree)
format() { # DESCRIPTION OWNER COMMAND: writes the archive to standard output
	fresh
	as_user bash -c "cd src && $3" >archive
	exits 0 "$1: unpack" as_user "$LIVERY" unpack archive rootfs
	is "$ERR" "" "$1: without a word"
	mount_view rootfs view || bail "cannot mount"
	is "$(of_view view)" "$source_tree" "$1: everything is there"
	ok "$1: content" as_user bash -c "cd src && find . -type f -exec cmp {} ../view/{} \;"
	is "$(as_user find view -printf '%U:%G\n' | sort -u)" "$2" "$1: owners"
	as_user "$LIVERY" umount view || bail "cannot unmount"
}
me=$(as_user id -u):$(as_user id -g)
for type in ustar oldgnu gnu; do
	format "tar $type" 12:34 "tar --format=$type --numeric-owner --owner=12 --group=34 -cf - ."
done
# The oldest knows no fifo.
source_tree=$(tree | grep -v '|p|') format "tar v7" 12:34 \
	"tar --format=v7 --exclude=./mode/fifo --numeric-owner --owner=12 --group=34 -cf - ."
format "tar pax" 4000000000:4000000001 \
	"tar --format=pax --pax-option=delete=atime,delete=ctime --owner=u:4000000000 --group=g:4000000001 -cf - ."
format "tar gnu, large owners" 4000000000:4000000001 "tar --format=gnu --owner=u:4000000000 --group=g:4000000001 -cf - ."
for type in newc odc crc; do
	format "cpio $type" "$me" "find . -depth -print0 | cpio --quiet -0 -o -H $type"
done
for packer in gzip bzip2 xz "zstd -q"; do
	format "tar, $packer" 1:2 "tar --numeric-owner --owner=1 --group=2 -cf - . | $packer -c"
done
format "cpio newc, gzip" "$me" "find . -print0 | cpio --quiet -0 -o -H newc | gzip -c"
fresh
ok "standard input" bash -c "exec '${e2e_user[0]}' ${e2e_user[*]:1} '$LIVERY' unpack - rootfs <archive"
is "$(as_user "$LIVERY" ls rootfs | wc -l)" 3 "has the tree"
fresh
ok "a pipe" eval 'cat archive | as_user "$LIVERY" unpack - rootfs'
fresh
as_user bash -c 'tar -C src -cf archive-as-user . && cat archive-as-user | "$0" unpack - rootfs >/dev/null' "$LIVERY"
is "$(as_user "$LIVERY" ls rootfs | wc -l)" 3 "a pipe, from the user's own tar"

# --- names that need an extension, in each format that has one

as_user bash -c $'mkdir -p "long/$(printf "d%.0s" {1..150})/$(printf "e%.0s" {1..150})" && cd long/d*/e* &&
	echo x >"$(printf "f%.0s" {1..255})" && ln -s "$(printf "t%.0s" {1..300})" link && echo y >$\'odd\\n\\xff\''
for type in gnu pax; do
	fresh
	as_user tar -C long --format=$type -cf long.tar .
	ok "long names, $type" as_user "$LIVERY" unpack long.tar rootfs
	is "$(cd rootfs && find . -printf '%p %s %l\n' -type l | sort | sha256sum)" \
		"$(cd long && find . -printf '%p %s %l\n' -type l | sort | sha256sum)" "long names, $type: all there"
	ok "long names, $type: recorded" as_user "$LIVERY" status rootfs
done

# --- sparse files

as_user /usr/bin/python3 -c '
with open("src/sparse", "wb") as f:
    f.seek(300 << 20); f.write(b"x" * 5000); f.seek(900 << 20); f.write(b"end"); f.truncate(1 << 30)'
for sparse in "gnu" "posix --sparse-version=0.0" "posix --sparse-version=0.1" "posix --sparse-version=1.0"; do
	fresh
	as_user tar -C src --format=$sparse -S -cf sparse.tar sparse
	ok "sparse, $sparse" as_user "$LIVERY" unpack sparse.tar rootfs
	is "$(stat -c %s rootfs/sparse)" 1073741824 "sparse, $sparse: its size"
	result "$(($(du -k rootfs/sparse | cut -f1) > 100))" "sparse, $sparse: stays sparse"
	is "$(as_user "$LIVERY" ls rootfs/sparse | awk '{ print $6 }')" 1073741824 "sparse, $sparse: as shown"
	is "$(/usr/bin/python3 -c '
f = open("rootfs/sparse", "rb")
f.seek((300 << 20) - 1); print(f.read(5002) == b"\0" + b"x" * 5000 + b"\0", end=" ")
f.seek((900 << 20) - 1); print(f.read(5) == b"\0end\0")')" "True True" "sparse, $sparse: its content"
done

# --- attributes, in the headers of three tools

as_user .bin/lib/mktar attrs.tar <<'END'
import base64
label = b"system_u:object_r:x_t:s0"
d("./")
f("rht", pax={"RHT.security.selinux": label})
f("rht-nul", pax={"RHT.security.selinux": label + b"\0"})
f("schily", x={"security.selinux": label, "user.a": b"1", "user.nl": b"a\nb=c"})
f("schily-nul", x={"security.selinux": label + b"\0", "security.ima": b"\0\1\2"})
f("libarchive", pax={"LIBARCHIVE.xattr.user.b": base64.b64encode(b"\0\xff").rstrip(b"="),
                     "LIBARCHIVE.xattr.security.selinux": base64.b64encode(label + b"\0")})
f("cap", x=CAP(0x400))
f("acl", mode=0o664, pax={"SCHILY.acl.access": b"user::rw-,user:joe:r--:1000,group::r--,mask::rw-,other::r--"})
d("acl-dir", pax={"SCHILY.acl.default": b"user::rwx,group::r-x,group:staff:rwx:50,mask::rwx,other::---"})
f("acl-raw", mode=0o664, x={"system.posix_acl_access": bytes.fromhex("02000000"
  "01000600ffffffff02000400e803000004000400ffffffff10000600ffffffff20000400ffffffff")})
f("acl-none", pax={"SCHILY.acl.access": b"user::rw-,group::r--,other::r--"})
l("link", "rht", x={"security.selinux": label})
f("hidden", x={"trusted.overlay.opaque": b"y"})
END
fresh
ok "attributes" as_user "$LIVERY" unpack attrs.tar rootfs
like "$ERR" "hidden: .*no view can show" "what no view can show is told"
is "$(wc -l <<<"$ERR")" 1 "and nothing else"
for path in rht rht-nul schily schily-nul libarchive link; do
	like "$(as_user "$LIVERY" stat --json "rootfs/$path")" '"label": "system_u:object_r:x_t:s0"' "$path: the label"
done
attrs() { as_user "$LIVERY" stat --json "rootfs/$1" | /usr/bin/python3 -c 'import json, sys
print(*("%s=%s" % i for i in json.load(sys.stdin)[0]["xattrs"].items() if i[0] != "security.selinux"))'; }
is "$(attrs schily)" "user.a=31 user.nl=610a623d63" "SCHILY"
is "$(attrs schily-nul)" "security.ima=000102" "SCHILY, bytes"
is "$(attrs libarchive)" "user.b=00ff" "LIBARCHIVE"
is "$(attrs cap)" "security.capability=0100000200040000000000000000000000000000" "a capability"
acl=system.posix_acl_access=0200000001000600ffffffff02000400e803000004000400ffffffff10000600ffffffff20000400ffffffff
is "$(attrs acl)" "$acl" "an ACL as text"
is "$(attrs acl-raw)" "$acl" "an ACL as bytes"
is "$(attrs acl-dir)" \
	"system.posix_acl_default=0200000001000700ffffffff04000500ffffffff080007003200000010000700ffffffff20000000ffffffff" \
	"a default ACL"
is "$(attrs acl-none)" "" "an ACL that says no more than the mode"
is "$(as_user "$LIVERY" ls rootfs/acl | cut -c1-10)" "-rw-rw-r--" "the mode with an ACL"
ok "mount" mount_view rootfs view -o allow-unlabeled
is "$(as_user getfacl -cnp view/acl | tr '\n' ' ')" \
	"user::rw- user:1000:r-- group::r-- mask::rw- other::r--  " "getfacl reads it"
like "$(as_user getcap view/cap)" "cap_net_bind_service[=+]e?p" "getcap reads it"
strict_umount view
is "$(/usr/bin/python3 -c '
import sqlite3
db = sqlite3.connect("rootfs.livery")
print(db.execute("SELECT count(*) FROM label").fetchone()[0])')" 1 "each label is stored once"

if have_root; then
	# What GNU tar writes of a tree that root has, attributes included.
	as_root bash -c 'mkdir native && cd native && echo x >f && chown 5:6 f && chmod 2755 f &&
		setcap cap_net_raw+ep f && setfattr -n security.selinux -v 0x613a623a633a733000 f &&
		setfacl -m u:77:rw f && mknod c c 5 1 && mknod b b 7 300 && mkfifo p &&
		setfattr -h -n security.selinux -v 0x613a623a6465763a733000 c' || diag "the host gives no such attributes"
	as_root tar -C native --xattrs --xattrs-include='*' --acls --selinux -cf native.tar .
	chmod 644 native.tar
	fresh
	ok "GNU tar with --selinux --acls --xattrs" as_user "$LIVERY" unpack native.tar rootfs
	mount_view rootfs view -o allow-unlabeled
	list() { "${@:2}" bash -c "cd $1 && find . -mindepth 1 -printf '%P %y %m %U:%G %s\n' | sort &&
		stat -c '%n %t,%T' b c && getfattr -h -d -m- -e hex b c f p"; }
	is "$(list view as_user)" "$(list native as_root)" "is as the native tree"
	strict_umount view
else
	skip "GNU tar with --selinux --acls --xattrs" "that needs root"
fi

# --- one archive over another

as_user .bin/lib/mktar base.tar <<'END'
d("./", uid=1)
d("usr")
d("usr/lib", mode=0o711, uid=3, x={"user.old": b"1"})
f("usr/lib/old", "old", uid=4)
l("lib", "usr/lib")
f("replaced", "first", uid=5, x={"user.gone": b"1"})
f("linked", "linked")
h("linked-too", "linked")
d("becomes-file")
f("becomes-file-2", "")
c("dev", 1, 3)
d("link-to-be")
END
as_user .bin/lib/mktar layer.tar <<'END'
d("./", uid=2)
d("lib", mode=0o755)
f("lib/new", "new", uid=6)
f("lib/old", "newer", uid=7)
f("replaced", "second", uid=8)
f("linked", "alone", uid=9)
f("becomes-file", "now a file")
d("becomes-file-2")
f("becomes-file-2/inside", "in")
b("dev", 8, 1)
d("usr/lib", mode=0o755, uid=10, x={"user.new": b"2"})
d("missing/parents/made")
END
fresh
ok "the first archive" as_user "$LIVERY" unpack base.tar rootfs
ok "another over it" as_user "$LIVERY" unpack layer.tar rootfs
ok "the tree is whole" as_user "$LIVERY" status rootfs
shown() { as_user "$LIVERY" ls -dn "rootfs/$1" | awk '{ print $1, $2, $3, $6 $7 }' | cut -d- -f1-5; }
is "$(as_user readlink rootfs/lib)" "usr/lib" "a directory does not replace a link that leads to one"
is "$(cat rootfs/usr/lib/new rootfs/usr/lib/old)" "newnewer" "and what is in it follows the link"
owner() { as_user "$LIVERY" stat --json "rootfs/$1" | grep -o '"uid": [0-9]*' | tr -dc 0-9; }
is "$(owner "") $(owner usr/lib) $(owner usr/lib/new) $(owner usr/lib/old) $(owner replaced) $(owner linked)" \
	"2 10 6 7 8 9" "the later owners count"
is "$(attrs replaced)$(attrs usr/lib)" "user.new=32" "nothing of the old attributes stays"
is "$(cat rootfs/linked rootfs/linked-too)" "alonelinked" "a file that is replaced leaves its other names alone"
is "$(owner linked-too)" 0 "with their owner"
is "$(cat rootfs/becomes-file rootfs/becomes-file-2/inside)" "now a filein" "types may change"
like "$(as_user "$LIVERY" ls rootfs/dev)" "^brw.* 8, 1 " "so may devices"
is "$(as_user "$LIVERY" ls -dn rootfs/missing | cut -c1-10) $(owner missing/parents)" "drwxr-xr-x 0" \
	"directories without an entry are made as 0755 and 0:0"
before=$(contents rootfs)
ok "the same once more" as_user "$LIVERY" unpack layer.tar rootfs
is "$(contents rootfs)" "$before" "changes nothing"
as_user .bin/lib/mktar over-full.tar <<'END'
f("usr", "a file")
END
exits 2 "a file in place of a full directory" as_user "$LIVERY" unpack over-full.tar rootfs
like "$ERR" "usr: .*[Nn]ot empty" "is refused by name"
is "$(cat rootfs/usr/lib/new)" "new" "and what is in it stays"
as_user .bin/lib/mktar twice.tar <<'END'
d("d")
f("d/in", "in")
f("d", "a file")
l("d", "elsewhere")
f("linked", "linked")
h("linked", "./linked")
d("dir", mtime=1000)
l("dir", "d", mtime=2000)
d("was", mtime=1000)
f("was", "is", mtime=2000)
f("last", "last", uid=3)
END
fresh
exits 2 "a full directory under another name's entries" as_user "$LIVERY" unpack twice.tar rootfs
is "$(grep -c "livery: d: cannot replace" <<<"$ERR")" 2 "each entry is refused by name"
like "$ERR" "2 of 11 entries were refused" "and counted; a hard link to itself is not"
ok "the tree is complete" as_user "$LIVERY" status rootfs
is "$(cat rootfs/d/in rootfs/linked rootfs/last) $(owner last)" "inlinkedlast 3" "with all that follows"
is "$(stat -c %Y rootfs/dir rootfs/was | tr '\n' ' ')" "2000 2000 " "a link gets no time of a directory"
as_user .bin/lib/mktar times.tar <<'END'
d("d", mtime="20000000000")
f("d/far", mtime="20000000000")
l("d/past", "far", mtime="-5000000000")
f("d/now", mtime="1700000000.25")
END
fresh
ok "times of other centuries" as_user "$LIVERY" unpack times.tar rootfs
while read -r path seconds; do
	kept=$(stat -c %Y "rootfs/$path")
	said=$(grep -c "livery: $path: its time is one that .* cannot keep" <<<"$ERR")
	is "$said" "$([ "$kept" = "$seconds" ]; echo $?)" "$path: told where another one is kept"
done <<<"d 20000000000
d/far 20000000000
d/past -5000000000
d/now 1700000000"
as_user bash -c 'mkdir plain && echo x >plain/f && ln plain/f plain/g && tar -C plain -cf r.tar f g &&
	tar -C plain -rf r.tar f g'
fresh
ok "an archive that was added to" as_user "$LIVERY" unpack r.tar rootfs
is "$(stat -c %h rootfs/f)" 2 "has its hard links"
as_user .bin/lib/mktar big.tar <<'END'
f("dir/named", x={"user.big": b"x" * 65537})
END
fresh
exits 2 "a value that is too long" as_user "$LIVERY" unpack big.tar rootfs
like "$ERR" "dir/named: attribute user.big: .*65536" "names the entry"
for label in "<<none>>" 'a:b:\x1b[31mc'; do
	as_user .bin/lib/mktar label.tar <<<"f('dir/named', pax={'RHT.security.selinux': b'$label'})"
	fresh
	exits 2 "the label $label" as_user "$LIVERY" unpack label.tar rootfs
	like "$ERR" "dir/named: its label: " "names the entry"
done
for name in SCHILY.xattr.user. LIBARCHIVE.xattr.security. SCHILY.xattr.trusted.; do
	as_user .bin/lib/mktar label.tar <<<"f('dir/named', pax={'$name': b'eA'})"
	fresh
	exits 2 "the attribute $name" as_user "$LIVERY" unpack label.tar rootfs
	like "$ERR" "dir/named: its attribute ${name#*xattr.} has no name behind the dot" "names the entry"
done

# An existing directory without a database, and the user's own umask.
rm -rf rootfs rootfs.livery
as_user bash -c 'mkdir rootfs && echo mine >rootfs/mine'
ok "into a directory that is there" as_user bash -c "umask 077; exec '$LIVERY' unpack base.tar rootfs"
exits 1 "status" as_user "$LIVERY" status rootfs
is "$OUT" "unrecorded /mine" "tells what the archive did not bring"
is "$(stat -c %a rootfs/usr rootfs/replaced | tr '\n' ' ')" "755 644 " "the umask does not count"
no_sanitizer_report "all"
finish
