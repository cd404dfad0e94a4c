#!/bin/bash
# SPDX-License-Identifier: MIT
#
# diff-labels: which files change label between two policies, before anything is built.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./")
d("a")
f("a/1", "1")
d("a/sub")
d("a/sub/deep")
f("a/sub/deep/x", "x")
f("a/z", "z")
f("a-b", "sorts before a/")
d("dev")
c("dev/null", 1, 3)
b("dev/sda", 8, 0)
f("first", "one file")
h("second", "first")
l("link", "a/1")
f("odd\nname", "")
f(b"n\xff", "")
d("opt")
f("opt/file", "")
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
all=17 # inodes

# policy NAME LINE...: a file_contexts of one type a line, "u:r:" and ":s0" left out.
policy() {
	printf '%s\n' "${@:2}" | sed -E 's/ ([a-z_]+)$/ u:r:\1:s0/' >"$1"
}
# no_difference DESCRIPTION OLD NEW: exit 0, nothing but the summary.
no_difference() {
	ok "$1" as_user "$LIVERY" diff-labels "$2" "$3" rootfs
	is "$OUT" "$SCRATCH/rootfs: $all inodes, 0 differ: 0 get another label, 0 lose theirs, 0 gain one, 0 have none for another reason" "$1: nothing but a summary"
	ok "$1: --json" as_user "$LIVERY" diff-labels --json "$2" "$3" rootfs
	is "$(tr -d ' \n' <<<"$OUT")" "[]" "$1: an empty list"
}
# differs DESCRIPTION OLD NEW LINE...: exit 1 and these lines, in this order; the summary is
# the caller's to look at.
differs() {
	exits 1 "$1" as_user "$LIVERY" diff-labels "${options[@]}" "$2" "$3" rootfs
	summary=$(tail -n 1 <<<"$OUT")
	is "$(sed '$d' <<<"$OUT")" "$(printf '%s\n' "${@:4}")" "$1: each file that changes, sorted"
}
options=()
sums() { find rootfs rootfs.livery -printf '%p %y %s %T@\n' | sort | cat - rootfs.livery | sha256sum; }
before=$(sums)

# --- what is a difference

policy old '/.* any_t' '/a(/.*)? a_t' '/a/sub(/.*)? sub_t' '/a-b ab_t' '/first first_t' \
	'/second second_t' '/dev/null -c null_t' '/opt/file <<none>>' '/link -l link_t'
no_difference "a policy and itself" old old
policy same '# other text, the same labels' '/.*   any_t' '' '/a/sub(/.+)? sub_t' \
	'/a/sub(/.*)? sub_t' '/a(/[0-9z])? a_t' '/a-[b] ab_t' '/link -l link_t' \
	'/opt/fil[e] <<none>>' '/fir.* first_t' '/second second_t' '/dev/nul. -c null_t'
no_difference "other rules, the same labels" old same

policy new '/.* any_t' '/a(/.*)? a_t' '/a/sub(/.*)? other_t' '/a-b other_t' '/link -l other_t' \
	'/first first_t' '/second second_t' '/dev/null -c null_t' '/opt/file <<none>>'
differs "four kinds of file" old new \
	"/a-b: u:r:ab_t:s0 -> u:r:other_t:s0" \
	"/a/sub: u:r:sub_t:s0 -> u:r:other_t:s0" \
	"/a/sub/deep: u:r:sub_t:s0 -> u:r:other_t:s0" \
	"/a/sub/deep/x: u:r:sub_t:s0 -> u:r:other_t:s0" \
	"/link: u:r:link_t:s0 -> u:r:other_t:s0"
is "$summary" "$SCRATCH/rootfs: $all inodes, 5 differ: 5 get another label, 0 lose theirs, 0 gain one, 0 have none for another reason" "and their number"

policy none_old '/a(/.*)? a_t' '/opt <<none>>' '/opt/file <<none>>' '/link link_t' '/ root_t' \
	'/first first_t'
policy none_new '/a(/.*)? a_t' '/opt any_t' '/link <<none>>' '/a-b ab_t'
differs "no label" none_old none_new \
	"/: u:r:root_t:s0 -> <no match>" \
	"/a-b: <no match> -> u:r:ab_t:s0" \
	"/first: u:r:first_t:s0 -> <no match>" \
	"/link: u:r:link_t:s0 -> <<none>>" \
	"/opt: <<none>> -> u:r:any_t:s0" \
	"/opt/file: <<none>> -> <no match>"
is "$summary" "$SCRATCH/rootfs: $all inodes, 6 differ: 0 get another label, 3 lose theirs, 2 gain one, 1 have none for another reason" "each kind is counted"

options=(-v)
differs "-v" none_old none_new \
	"/: u:r:root_t:s0 -> <no match> (./none_old:5 -> no rule)" \
	"/a-b: <no match> -> u:r:ab_t:s0 (no rule -> ./none_new:4)" \
	"/first: u:r:first_t:s0 -> <no match> (./none_old:6 -> no rule)" \
	"/link: u:r:link_t:s0 -> <<none>> (./none_old:4 -> ./none_new:3)" \
	"/opt: <<none>> -> u:r:any_t:s0 (./none_old:2 -> ./none_new:2)" \
	"/opt/file: <<none>> -> <no match> (./none_old:3 -> no rule)"
options=()

# --- odd names, and JSON

policy odd '/.* any_t' '/odd.* odd_t' '/n[^u]* odd_t'
policy plain '/.* any_t'
differs "odd names" plain odd \
	'/n\377: u:r:any_t:s0 -> u:r:odd_t:s0' '/odd\nname: u:r:any_t:s0 -> u:r:odd_t:s0'
exits 1 "--json" as_user "$LIVERY" diff-labels --json none_old none_new rootfs
cat >fields.py <<'END'
import json, sys
for e in json.load(sys.stdin):
    rules = [e[s]["rule"] and "%(file)s:%(line)d %(regex)s" % e[s]["rule"] for s in ("old", "new")]
    print(e["path"], e.get("path_hex"), e["type"], e["old"]["answer"], e["old"]["label"],
          e["new"]["answer"], e["new"]["label"], *rules, sep="|")
END
is "$(/usr/bin/python3 fields.py <<<"$OUT")" "|None|directory|label|u:r:root_t:s0|unmatched|None|./none_old:5 /|None
a-b|None|regular file|unmatched|None|label|u:r:ab_t:s0|None|./none_new:4 /a-b
first|None|regular file|label|u:r:first_t:s0|unmatched|None|./none_old:6 /first|None
link|None|symbolic link|label|u:r:link_t:s0|excluded|None|./none_old:4 /link|./none_new:3 /link
opt|None|directory|excluded|None|label|u:r:any_t:s0|./none_old:2 /opt|./none_new:2 /opt
opt/file|None|regular file|excluded|None|unmatched|None|./none_old:3 /opt/file|None" \
	"says the same"
exits 1 "--json, odd names" as_user "$LIVERY" diff-labels --json plain odd rootfs
like "$(/usr/bin/python3 fields.py <<<"$OUT")" '\|6eff\|regular file\|label\|u:r:any_t:s0' \
	"a name that is no UTF-8 is there in hexadecimal"

# --- hard links: the bytewise first name decides

policy links_old '/.* any_t' '/first first_t' '/second second_t'
policy links_new '/.* any_t' '/first first_t' '/second changed_t'
no_difference "a rule for another name of a file" links_old links_new
policy links_second '/.* any_t' '/first changed_t' '/second anything_t'
policy links_new '/.* any_t' '/first changed_t' '/second second_t'
differs "a rule for its first name" links_old links_new \
	"/first: u:r:first_t:s0 -> u:r:changed_t:s0"

# --- sets of files, a policy in the tree

mkdir -p set_old set_new/contexts/files
policy set_old/file_contexts '/.* any_t' '/usr/1 usr_t' '/dev/sda -b disk_t'
cp set_old/file_contexts set_new/contexts/files/
no_difference "a directory, and a policy's directory" set_old set_new
echo '/a /usr' >set_new/contexts/files/file_contexts.subs_dist
options=(-v)
differs "a substitution" set_old set_new "/a/1: u:r:any_t:s0 -> u:r:usr_t:s0$(
	) (set_old/file_contexts:1 -> set_new/contexts/files/file_contexts:2)"
rm set_new/contexts/files/file_contexts.subs_dist
policy set_new/contexts/files/file_contexts.homedirs '/opt/[^/]* home_t'
policy set_new/contexts/files/file_contexts.local '/a-b local_t'
differs "companions" set_old set_new \
	"/a-b: u:r:any_t:s0 -> u:r:local_t:s0$(
	) (set_old/file_contexts:1 -> set_new/contexts/files/file_contexts.local:1)" \
	"/opt/file: u:r:any_t:s0 -> u:r:home_t:s0$(
	) (set_old/file_contexts:1 -> set_new/contexts/files/file_contexts.homedirs:1)"
options=()
is "$(sums)" "$before" "tree and database are as before"

# --- types: the database knows devices; without one a placeholder is a regular file

policy dev_old '/.* any_t' '/dev/null -c char_t' '/dev/null -- file_t' '/dev/sda -b block_t'
policy dev_new '/.* any_t' '/dev/null -c other_t' '/dev/null -- place_t' '/dev/sda -b block_t'
differs "devices" dev_old dev_new "/dev/null: u:r:char_t:s0 -> u:r:other_t:s0"
mv rootfs.livery elsewhere
differs "no database" dev_old dev_new "/dev/null: u:r:file_t:s0 -> u:r:place_t:s0"
result "$([ ! -e rootfs.livery ]; echo $?)" "none is made"
options=(--db elsewhere)
differs "--db" dev_old dev_new "/dev/null: u:r:char_t:s0 -> u:r:other_t:s0"
options=()
no_db=$(as_user "$LIVERY" diff-labels links_old links_new rootfs)
like "$no_db" "^/first: u:r:first_t:s0 -> u:r:changed_t:s0" "no database: a hard link is one file"
exits 0 "no database: and its first name decides" \
	as_user "$LIVERY" diff-labels links_new links_second rootfs
mv elsewhere rootfs.livery

# --- errors: exit 2, the thing is named, nothing on standard output

refused() { # DESCRIPTION REGEX ARGUMENT...
	exits 2 "$1" as_user "$LIVERY" diff-labels "${@:3}"
	like "$ERR" "^livery.*$2" "$1: it is named"
	is "$(grep -c . <<<"$ERR")$OUT" 1 "$1: in one line, and nothing else is said"
}
printf '/.* a:b:c:s0\n/etc/(x a:b:d:s0\n' >bad
printf '/.* a:b:c:s0\n/etc -x a:b:d:s0\n' >bad_type
as_user mkdir empty
refused "no old policy" "absent/old: No such file" absent/old new rootfs
refused "no new policy" "absent/new: No such file" old absent/new rootfs
refused "a directory without a policy" "empty: holds no file_contexts" old empty rootfs
refused "a bad rule in the old one" "\./bad:2(:[0-9]+)?: " bad new rootfs
refused "a bad rule in the new one" "\./bad_type:2(:[0-9]+)?: " old bad_type rootfs
refused "a bad rule, --json" "\./bad:2(:[0-9]+)?: " --json old bad rootfs
refused "no tree" "$SCRATCH/absent: No such file" old new absent
refused "a file for a tree" "rootfs.livery" old new rootfs.livery
refused "--db that is not there" "absent.livery: No such file" --db absent.livery old new rootfs
cp rootfs.livery good
head -c 3000 good >rootfs.livery
refused "a damaged database" "rootfs.livery" old new rootfs
cp good rootfs.livery
as_user mkdir -m 0 rootfs/a/closed
refused "a directory that cannot be read" "a/closed" --json old new rootfs
as_user rmdir rootfs/a/closed
exits 2 "an operand too few" as_user "$LIVERY" diff-labels old rootfs
like "$ERR" "OLD-POLICY NEW-POLICY STAGING" "which are needed is said"

# --- the real policy over its own root, against what libselinux says of both

fixture --small
as_user "$LIVERY" unpack "$FIXTURE" real >/dev/null || bail "no real root"
contexts=real/etc/selinux/default/contexts/files
mkdir changed
cp "$contexts"/file_contexts "$contexts"/file_contexts.subs_dist changed/
cp "$contexts"/file_contexts.homedirs changed/ 2>/dev/null
ok "the tree's own policy and a copy" \
	as_user "$LIVERY" diff-labels real/etc/selinux/default changed real
lines=$(wc -l <changed/file_contexts)
sed -i -E -e '\|^/usr/sbin|d' -e 's|:shell_exec_t:|:bin_t:|' \
	-e 's|^(/etc/group.*):s0|\1:s1|' -e 's|^/dev/null\s.*|/dev/null -c <<none>>|' \
	changed/file_contexts
echo '/usr/share/perl[^/]*(/.*)? system_u:object_r:perl_t:s0' >changed/file_contexts.local
result $(($(wc -l <changed/file_contexts) >= lines)) "the copy has fewer rules"
mkdir plain_old
cp "$contexts"/file_contexts* plain_old/
rm -f plain_old/*.bin
cat >expected.py <<'END'
import sys, tarfile
sys.path.insert(0, ".bin/lib")
from policy import opener
MODE = {tarfile.DIRTYPE: 0o40000, tarfile.SYMTYPE: 0o120000, tarfile.CHRTYPE: 0o20000,
        tarfile.BLKTYPE: 0o60000, tarfile.FIFOTYPE: 0o10000}
files = {}
for m in tarfile.open(sys.argv[1]):
    name = b"/" + m.name.encode("utf-8", "surrogateescape")[2:]
    if m.islnk():
        first = b"/" + m.linkname.encode("utf-8", "surrogateescape")[2:]
        files[first][0] = min(files[first][0], name)
    else:
        files[name] = [name, MODE.get(m.type, 0o100000)]
lookups = [opener(b"plain_old/file_contexts"), opener(b"changed/file_contexts")]
for path, mode in sorted(files.values()):
    a, b = (look(path, mode) for look in lookups)
    if a != b:
        print("%s: %s -> %s" % tuple((x or b"<<none>>").decode() for x in (path, a, b)))
END
/usr/bin/python3 expected.py "$FIXTURE" >expected || bail "libselinux does not answer"
exits 1 "the real policy and a changed copy" \
	as_user "$LIVERY" diff-labels "$contexts" changed real
sed '$d' <<<"$OUT" >found
result $(($(wc -l <expected) < 100)) "there is a lot that changes ($(wc -l <expected) files)"
ok "what libselinux says of both policies" diff expected found
like "$(grep '^/dev/null' found)" 'null_device_t:s0 -> <<none>>' "a device among it"
exits 1 "the same in JSON" as_user "$LIVERY" diff-labels --json "$contexts" changed real
is "$(/usr/bin/python3 -c 'import json, sys; print(len(json.load(sys.stdin)))' <<<"$OUT")" \
	"$(wc -l <expected)" "has as many"
no_sanitizer_report "diff-labels"
finish
