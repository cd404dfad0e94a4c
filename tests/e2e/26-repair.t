#!/bin/bash
# SPDX-License-Identifier: MIT
#
# status --repair: records follow their files, whatever was moved where and in whichever
# order, and nothing else changes; until then label refuses to take a moved file for a new one.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./", uid=100)
d("etc", uid=101)
f("etc/keep", "k", uid=102)
d("dev", uid=103)
c("dev/null", 1, 3, uid=104)
d("a", uid=105)
f("a/1", "1", uid=106, mode=0o4711, x={**LABEL("a:b:one:s0"), **CAP(0x400)})
f("a/2", "2", uid=107)
h("a/2-again", "a/2")
d("a/sub", uid=108)
f("a/sub/x", "x", uid=109)
l("a/link", "1", uid=110)
d("d", uid=111)
END
printf '/.* a:b:c:s0\n' >policy
# Each record that the tree shows: path, owner, links, label.
shown() {
	as_user bash -c 'cd rootfs && find . -mindepth 1 -print0 | sort -z | xargs -0 "$0" stat --json .' \
		"$LIVERY" | /usr/bin/python3 -c 'import json, sys
for e in json.load(sys.stdin):
    print(e["path"] or "/", e["uid"], e["links"], e["recorded"])'
}
# dump WHAT: all tables; data: records and attributes only.
dump() {
	/usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect("file:rootfs.livery?mode=ro", uri=True)
for table in ["record", "xattr"] + ["name", "label", "note"] * (sys.argv[1] == "all"):
    for row in db.execute("SELECT * FROM " + table + " ORDER BY 1, 2"):
        print(table, row)' "$1"
}
# done_about FINDINGS: what --repair says of them.
done_about() {
	sed -e '/^unrecorded/s/$/ (recorded)/' -e '/^gone/s/$/ (dropped from the database)/' \
		-e '/^replaced/s/$/ (its record replaced)/' -e '/^moved/s/$/ (its record follows)/' \
		-e '/^split/s/$/ (given a copy of the record)/' <<<"$1"
}
# repair DESCRIPTION COMMANDS FOUND EXPECTED: after COMMANDS in the tree, status finds FOUND,
# --repair says what it did about each, and the lines of EXPECTED are among what is shown. Where all was
# only moved, every record is as it was.
repair() {
	local line
	rm -rf rootfs rootfs.livery
	as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
	as_user bash -c "cd rootfs && $2" "$LIVERY" >/dev/null
	exits 1 "$1: status" as_user "$LIVERY" status rootfs
	is "$(sort <<<"$OUT")" "$3" "$1: what it finds"
	dump data >before
	ok "$1: status --repair" as_user "$LIVERY" status --repair rootfs
	is "$(sort <<<"$OUT")" \
		"$(sort <<<"$(done_about "$3")"$'\n'"$SCRATCH/rootfs: the database follows the tree in all of these")" \
		"$1: what is repaired"
	ok "$1: status afterwards" as_user "$LIVERY" status rootfs
	grep -qv ^moved <<<"$3" || is "$(dump data)" "$(cat before)" "$1: no record is another"
	dump all >before
	ok "$1: status --repair again" as_user "$LIVERY" status --repair rootfs
	is "$OUT" "$SCRATCH/rootfs: the database and the tree agree" "$1: nothing is left to do"
	is "$(dump all)" "$(cat before)" "$1: nothing is done"
	ok "$1: verify --allow-unlabeled" as_user "$LIVERY" verify --allow-unlabeled rootfs
	shown >now
	while read -r line; do
		result "$(grep -qxF "$line True" now; echo $?)" "$1: $line" || diag "$(cat now)"
	done <<<"$4"
	ok "$1: label works" as_user "$LIVERY" label --policy policy rootfs
	ok "$1: verify" as_user "$LIVERY" verify rootfs
}
repair "moved files" 'mv a/1 etc/one; mv dev/null dev/zero; mv a/link link' \
	"moved /a/1 -> /etc/one
moved /a/link -> /link
moved /dev/null -> /dev/zero" \
	"etc/one 106 1
dev/zero 104 1
link 110 1
etc 101 2"
is "$(as_user "$LIVERY" stat --json rootfs/etc/one | grep -c '"mode": "4711".*security.capability')" 1 \
	"mode and attributes come along"
like "$(as_user "$LIVERY" ls rootfs/dev)" "^crw.* 1, 3 .* zero" "a device stays one"
repair "a moved directory" 'mv a b' \
	"moved /a -> /b
moved /a/1 -> /b/1
moved /a/2 -> /b/2
moved /a/2-again -> /b/2-again
moved /a/link -> /b/link
moved /a/sub -> /b/sub
moved /a/sub/x -> /b/sub/x" \
	"b 105 3
b/1 106 1
b/2 107 2
b/2-again 107 2
b/sub 108 2
b/sub/x 109 1"
repair "a moved directory, and a file moved in it" 'mv a/sub b; mv b/x b/y' \
	"moved /a/sub -> /b
moved /a/sub/x -> /b/y" \
	"b 108 2
b/y 109 1"
repair "a file moved into a moved directory" 'mv d new; mv etc/keep new/keep' \
	"moved /d -> /new
moved /etc/keep -> /new/keep" \
	"new 111 2
new/keep 102 1"
repair "a file moved into a moved directory that sorts behind it" 'mv dev zdev; mv a/1 zdev/1' \
	"moved /a/1 -> /zdev/1
moved /dev -> /zdev
moved /dev/null -> /zdev/null" \
	"zdev 103 2
zdev/null 104 1
zdev/1 106 1"
repair "a directory moved into another that was in it" 'mv a/sub top; mv a top/a' \
	"moved /a -> /top/a
moved /a/1 -> /top/a/1
moved /a/2 -> /top/a/2
moved /a/2-again -> /top/a/2-again
moved /a/link -> /top/a/link
moved /a/sub -> /top
moved /a/sub/x -> /top/x" \
	"top 108 3
top/x 109 1
top/a 105 2
top/a/1 106 1
top/a/2 107 2"
repair "a chain of directories, each moved into the next" 'mv a d; mv d dev; mv dev etc' \
	"moved /a -> /etc/dev/d/a
moved /a/1 -> /etc/dev/d/a/1
moved /a/2 -> /etc/dev/d/a/2
moved /a/2-again -> /etc/dev/d/a/2-again
moved /a/link -> /etc/dev/d/a/link
moved /a/sub -> /etc/dev/d/a/sub
moved /a/sub/x -> /etc/dev/d/a/sub/x
moved /d -> /etc/dev/d
moved /dev -> /etc/dev
moved /dev/null -> /etc/dev/null" \
	"etc/dev/d/a/sub/x 109 1
etc/dev/d/a/sub 108 2
etc/dev/d/a/2 107 2
etc/dev/d/a 105 3
etc/dev/d 111 3
etc/dev 103 3
etc/dev/null 104 1"
repair "names swapped in a moved directory" \
	'mv a b; mv b/1 b/0; mv b/2 b/1; mv b/0 b/2; mv b/sub/x b/sub/y' \
	"moved /a -> /b
moved /a/1 -> /b/2
moved /a/2 -> /b/1
moved /a/2-again -> /b/2-again
moved /a/link -> /b/link
moved /a/sub -> /b/sub
moved /a/sub/x -> /b/sub/y" \
	"b/1 107 2
b/2 106 1
b/2-again 107 2
b/sub/y 109 1"
repair "a file made anew in a moved directory" \
	'mv a b; rm b/1; touch b/1; mkdir b/new; mv b/sub/x b/new; rmdir b/sub; mkdir b/sub; touch b/sub/x' \
	"moved /a -> /b
moved /a/1 -> /b/1
moved /a/2 -> /b/2
moved /a/2-again -> /b/2-again
moved /a/link -> /b/link
moved /a/sub -> /b/sub
moved /a/sub/x -> /b/new/x
unrecorded /b/new
unrecorded /b/sub/x" \
	"b/1 106 1
b/sub 108 2
b/new/x 109 1
b/new 0 2
b/sub/x 0 1"
repair "a link in the place of a moved directory" \
	'mv a d; ln -s d/a a; mv dev/null null; mkdir dev/null' \
	"moved /a -> /d/a
moved /a/1 -> /d/a/1
moved /a/2 -> /d/a/2
moved /a/2-again -> /d/a/2-again
moved /a/link -> /d/a/link
moved /a/sub -> /d/a/sub
moved /a/sub/x -> /d/a/sub/x
moved /dev/null -> /null
replaced /a
replaced /dev/null" \
	"d/a 105 3
d/a/1 106 1
d/a/2 107 2
d/a/sub/x 109 1
null 104 1
a 0 1
dev/null 0 2"
repair "moved over a name of another type" 'rm -r a/sub; mv etc/keep a/sub; rm a/1; mv d a/1' \
	"moved /d -> /a/1
moved /etc/keep -> /a/sub
replaced /a/1
replaced /a/sub" \
	"a/1 111 2
a/sub 102 1"
repair "a moved device whose placeholder has content" 'mv dev/null dev/zero; echo x >dev/zero' \
	"gone /dev/null
unrecorded /dev/zero" \
	"dev/zero 0 1"
repair "moved into new directories" 'mkdir -p new/er; mv a/1 new/er/1' \
	"moved /a/1 -> /new/er/1
unrecorded /new
unrecorded /new/er" \
	"new/er/1 106 1
new 0 3
new/er 0 2"
repair "one name of a hard link" 'mv a/2 etc/two' \
	"moved /a/2 -> /etc/two" \
	"etc/two 107 2
a/2-again 107 2"
repair "all names of a hard link" 'mv a/2 etc/two; mv a/2-again etc/three' \
	"moved /a/2 -> /etc/three
moved /a/2-again -> /etc/two" \
	"etc/two 107 2
etc/three 107 2"
repair "a hard link moved, and a new one beside it" 'mv a/2 z; ln z b; ln z a/0' \
	"moved /a/2 -> /a/0
unrecorded /b
unrecorded /z" \
	"z 107 4
b 107 4
a/0 107 4
a/2-again 107 4"
repair "a hard link moved, and a copy in its place" \
	'mv a/2-again z; cp a/2 a/2-again; mv a/2 a/3; ln a/2-again a/2-more' \
	"moved /a/2 -> /a/3
unrecorded /a/2-more
unrecorded /z" \
	"z 107 2
a/3 107 2
a/2-again 107 2
a/2-more 107 2"
repair "gone" 'rm a/1 a/2; rm -r a/sub' \
	"gone /a/1
gone /a/2
gone /a/sub
gone /a/sub/x" \
	"a 105 2
a/2-again 107 1"
repair "new" 'touch new; mkdir dir; ln a/2 dir/2; ln new dir/new' \
	"unrecorded /dir
unrecorded /dir/2
unrecorded /dir/new
unrecorded /new" \
	"new 0 2
dir/new 0 2
dir/2 107 3
a/2 107 3
dir 0 2"
repair "replaced" 'rm a/1; mkdir a/1; touch a/1/in; echo x >dev/null' \
	"replaced /a/1
replaced /dev/null
unrecorded /a/1/in" \
	"a/1 0 2
a/1/in 0 1
dev/null 0 1"
repair "split" 'cp a/2 ../copy; rm a/2-again; mv ../copy a/2-again' \
	"split /a/2-again" \
	"a/2 107 1
a/2-again 107 1"

repair "moved after it was split" 'cp a/2 ../copy; mv ../copy a/2-again; "$0" status --repair .
	mv a/2 etc/2; mv a/2-again etc/3' \
	"moved /a/2 -> /etc/2
moved /a/2-again -> /etc/3" \
	"etc/2 107 1
etc/3 107 1"

# --- some paths only

# names: what the database has, by path: record, and all that it says.
names() {
	/usr/bin/python3 -c 'import sqlite3
db = sqlite3.connect("file:rootfs.livery?mode=ro", uri=True)
records = {r[0]: r for r in db.execute("SELECT * FROM record")}
xattrs = {}
for x in db.execute("SELECT * FROM xattr ORDER BY 1, 2"):
    xattrs.setdefault(x[0], []).append(x[1:])
children = {}
for parent, name, record in db.execute("SELECT * FROM name ORDER BY 1, 2"):
    children.setdefault(parent, []).append((name.decode(), record))
def show(path, record):
    print(path, *records[record], *xattrs.get(record, []))
    for name, child in children.get(record, []):
        show(path + "/" + name, child)
show("", 1)
print(len(records), "records")'
}
# some DESCRIPTION COMMANDS PATHS DONE LEFT SHOWN [OPERANDS]: after COMMANDS, --repair of PATHS
# does DONE, leaves LEFT to be found, and shows the lines SHOWN; and what the database says
# of names outside of PATHS and DONE is as it was, but for LEFT. --repair of all then settles
# LEFT. OPERANDS: what to say in place of "rootfs PATHS".
some() {
	local line
	rm -rf rootfs rootfs.livery
	as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
	as_user bash -c "cd rootfs && $2" "$LIVERY" >/dev/null
	names >before
	capture as_user "$LIVERY" status rootfs
	cp .out all
	exits 1 "$1: status $3" as_user "$LIVERY" status ${7:-rootfs $3}
	result "$(grep -qvxFf all .out; echo $((!$?)))" "$1: tells a part of all"
	ok "$1: status --repair $3" as_user "$LIVERY" status --repair ${7:-rootfs $3}
	is "$(sort <<<"$OUT")" \
		"$(sort <<<"$(done_about "$4")"$'\n'"$SCRATCH/rootfs: the database follows the tree in all of these")" \
		"$1: what is repaired"
	names >after
	/usr/bin/python3 -c 'import sys
paths = []
for line in sys.argv[1].splitlines():
    paths += [p for p in line.split()[1:] if p != "->"]
def rest(file):
    return [l for l in open(file) if not any(l.split()[0] == p for p in paths) and
        not l.endswith("records\n")]
before, after = rest("before"), rest("after")
for line in set(before) ^ set(after):
    print("# " + ("-" if line in before else "+"), line, end="", file=sys.stderr)
sys.exit(before != after)' "$4"
	result $? "$1: all other names have the records that they had"
	capture as_user "$LIVERY" status rootfs
	is "$(grep -v "agree$" <<<"$OUT" | sort)" "$5" "$1: what is left elsewhere"
	shown >now
	while read -r line; do
		result "$(grep -qxF "$line" now; echo $?)" "$1: $line" || diag "$(cat now)"
	done <<<"$6"
	ok "$1: the database is sound" as_user /usr/bin/python3 -c 'import sqlite3
db = sqlite3.connect("file:rootfs.livery?mode=ro", uri=True)
assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
assert not db.execute("SELECT id FROM record WHERE id != 1 AND id NOT IN (SELECT record FROM name)").fetchall()'
	ok "$1: status --repair of all" as_user "$LIVERY" status --repair rootfs
	ok "$1: verify --allow-unlabeled" as_user "$LIVERY" verify --allow-unlabeled rootfs
}
some "one new file of two" 'touch new newer; mkdir dir' "new" \
	"unrecorded /new" \
	"unrecorded /dir
unrecorded /newer" \
	"new 0 1 True
newer 0 1 False"
some "a new file in new directories" 'mkdir -p a/x/y; touch a/x/y/z a/x/other; rm d -r' "/a/x/y/z" \
	"unrecorded /a/x
unrecorded /a/x/y
unrecorded /a/x/y/z" \
	"gone /d
unrecorded /a/x/other" \
	"a/x/y/z 0 1 True
a/x/other 0 1 False"
some "gone, and gone elsewhere" 'rm a/1 etc/keep; rm -r a/sub' "a/sub etc" \
	"gone /a/sub
gone /a/sub/x
gone /etc/keep" \
	"gone /a/1" \
	"a 105 2 True"
some "one name of a hard link gone" 'rm a/2 a/1' "a/2" \
	"gone /a/2" \
	"gone /a/1" \
	"a/2-again 107 1 True"
some "moved, by the old name" 'mv a/1 etc/one; mv etc/keep keep' "a" \
	"moved /a/1 -> /etc/one" \
	"moved /etc/keep -> /keep" \
	"etc/one 106 1 True
keep 0 1 False"
some "moved, by the new name" 'mv a/1 etc/one; mv d dd' "etc/one" \
	"moved /a/1 -> /etc/one" \
	"moved /d -> /dd" \
	"etc/one 106 1 True"
some "moved into a new directory" 'mkdir new; mv a/1 new; touch new/x' "a/1" \
	"moved /a/1 -> /new/1
unrecorded /new" \
	"unrecorded /new/x" \
	"new/1 106 1 True
new 0 2 True"
some "one file of a moved directory" 'mv a b; mv d e' "b/1" \
	"moved /a -> /b
moved /a/1 -> /b/1
moved /a/2 -> /b/2
moved /a/2-again -> /b/2-again
moved /a/link -> /b/link
moved /a/sub -> /b/sub
moved /a/sub/x -> /b/sub/x" \
	"moved /d -> /e" \
	"b/sub/x 109 1 True
b 105 3 True"
some "a chain, by one end" 'mv a d; mv d dev; mv dev etc; rm etc/keep' "d" \
	"moved /d -> /etc/dev/d
moved /dev -> /etc/dev
moved /dev/null -> /etc/dev/null" \
	"gone /etc/keep
moved /a -> /etc/dev/d/a
moved /a/1 -> /etc/dev/d/a/1
moved /a/2 -> /etc/dev/d/a/2
moved /a/2-again -> /etc/dev/d/a/2-again
moved /a/link -> /etc/dev/d/a/link
moved /a/sub -> /etc/dev/d/a/sub
moved /a/sub/x -> /etc/dev/d/a/sub/x" \
	"etc/dev/d 111 3 True
etc/dev/null 104 1 True
etc/dev/d/a/1 0 1 False"
some "moved over what moved away itself" 'mv a/sub z; mv z/x y; mv etc/keep a/sub; rm d -r' "etc/keep" \
	"moved /a/sub -> /z
moved /a/sub/x -> /y
moved /etc/keep -> /a/sub
replaced /a/sub" \
	"gone /d" \
	"a/sub 102 1 True
z 108 2 True
y 109 1 True"
some "replaced" 'rm a/1; mkdir a/1; touch a/1/in; echo x >dev/null' "a/1" \
	"replaced /a/1
unrecorded /a/1/in" \
	"replaced /dev/null" \
	"a/1 0 2 True
a/1/in 0 1 True"
some "a directory replaced, its file moved" 'mv a/sub/x y; rmdir a/sub; touch a/sub; rm d -r' "a/sub" \
	"moved /a/sub/x -> /y
replaced /a/sub" \
	"gone /d" \
	"a/sub 0 1 True
y 109 1 True"
some "split" 'cp a/2 ../copy; rm a/2-again; mv ../copy a/2-again; rm a/1' "a/2-again" \
	"split /a/2-again" \
	"gone /a/1" \
	"a/2 107 1 True
a/2-again 107 1 True"
some "a link to what was split" 'cp a/2 ../copy; rm a/2-again; mv ../copy a/2-again; ln a/2-again z; rm a/1' "z" \
	"split /a/2-again
unrecorded /z" \
	"gone /a/1" \
	"a/2 107 1 True
a/2-again 107 2 True
z 107 2 True"
some "a path in the tree" 'touch new a/new' "a/new" \
	"unrecorded /a/new" "unrecorded /new" "a/new 0 1 True" rootfs/a/new
some "paths in the tree" 'touch new a/new; rm etc/keep' "a/new etc" \
	"gone /etc/keep
unrecorded /a/new" "unrecorded /new" "a/new 0 1 True" "rootfs/a/new rootfs/etc"

rm -rf rootfs rootfs.livery
as_user "$LIVERY" unpack small.tar rootfs >/dev/null
as_user touch rootfs/new rootfs/a/new
before=$(sha256sum rootfs.livery)
for path in absent a/absent new/absent rootfs/new; do
	exits 2 "status of $path" as_user "$LIVERY" status rootfs new $path
	like "$ERR" "/$path: neither in the tree" "which is nowhere, is an error"
	exits 2 "status --repair of $path" as_user "$LIVERY" status --repair rootfs new $path
	is "$OUT" "" "says nothing"
done
is "$(sha256sum rootfs.livery)" "$before" "the database is as before"
mkdir -p other/etc && as_user "$LIVERY" chown --staging=other 0 other 2>/dev/null
exits 2 "paths of two trees" as_user "$LIVERY" status rootfs/a other/etc
ok "status of a path without drift" as_user "$LIVERY" status rootfs /etc
for path in ./a a/. /./a//./new ././/; do
	exits 1 "status of $path" as_user "$LIVERY" status rootfs "$path"
	like "$OUT" "^unrecorded /a/new" "is what is there"
done
for path in ../rootfs/a etc/../a a/..; do
	exits 2 "status of $path" as_user "$LIVERY" status rootfs "$path"
	like "$ERR" "$path: say the path without '..'" "is refused"
done
ok "the same with --db" as_user "$LIVERY" status --db=rootfs.livery rootfs etc
exits 1 "status of the root" as_user "$LIVERY" status rootfs /
is "$OUT" "$(as_user "$LIVERY" status rootfs)" "is that of the tree"
ok "status --repair --json a" as_user "$LIVERY" status --repair --json rootfs a
is "$OUT" '[{"finding": "unrecorded", "path": "a/new", "text": "recorded"}]' "says what it did"
ok "again" as_user "$LIVERY" status --repair --json rootfs a
is "$OUT" "[]" "has nothing to do"

# What was not moved is shown as before, but for being recorded.
rm -rf rootfs rootfs.livery
as_user "$LIVERY" unpack small.tar rootfs >/dev/null
as_user bash -c 'cd rootfs && cp a/2 ../copy && mv ../copy a/2-again && rm a/1 && mkdir -m 2711 a/1 &&
	echo x >dev/null && mkdir -p new/er && echo x >new/x && chmod 4750 new/x && ln new/x new/y &&
	ln -s x new/link'
attributes() {
	as_user bash -c 'find rootfs -mindepth 1 -print0 | sort -z | xargs -0 "$0" stat --json' "$LIVERY" |
		/usr/bin/python3 -c 'import json, sys
for e in json.load(sys.stdin):
    del e["inode"], e["links"], e["recorded"]
    print(e)'
}
before=$(attributes)
ok "status --repair of what was not moved" as_user "$LIVERY" status --repair rootfs
is "$(attributes)" "$before" "all is shown as before"
ok "label" as_user "$LIVERY" label --policy policy rootfs

# A directory with two names, and one in itself: verify says so, repair makes a tree of it.
rm -rf rootfs rootfs.livery
as_user "$LIVERY" unpack small.tar rootfs >/dev/null
as_user mkdir -p rootfs/other/sub
as_user /usr/bin/python3 -c 'import sqlite3
db = sqlite3.connect("rootfs.livery")
(a,), (d,) = (db.execute("SELECT record FROM name WHERE parent = 1 AND name = ?", (n,)).fetchone()
    for n in (b"a", b"d"))
db.execute("INSERT INTO name VALUES (1, ?, ?)", (b"other", a))
db.execute("INSERT INTO name VALUES (?, ?, ?)", (d, b"loop", d))
db.execute("INSERT INTO name VALUES (?, ?, ?)", (d, b"top", 1))
db.commit()'
as_user rmdir rootfs/d
exits 1 "verify with a damaged database" as_user "$LIVERY" verify --allow-unlabeled rootfs
like "$OUT" "database /.*several names" "it says so"
ok "status --repair" as_user "$LIVERY" status --repair rootfs
ok "verify" as_user "$LIVERY" verify --allow-unlabeled rootfs
shown >now
is "$(grep -xE '(a|other)(/sub)? .*' now)" "a 105 3 True
a/sub 108 2 True
other 105 3 True
other/sub 108 2 True" "each has what it showed"

# --- label before that

rm -rf rootfs rootfs.livery
as_user "$LIVERY" unpack small.tar rootfs >/dev/null
as_user mv rootfs/a/1 rootfs/one
before=$(sha256sum rootfs.livery)
exits 2 "label of a tree with moved files" as_user "$LIVERY" label --policy policy rootfs
like "$ERR" "rootfs: 1 files were moved.*livery status --repair" "says how many, and what to do"
is "$(sha256sum rootfs.livery)" "$before" "the database is as before"
exits 1 "status --json" as_user "$LIVERY" status --json rootfs
ok "status --repair --json" as_user "$LIVERY" status --repair --json rootfs
is "$OUT" '[{"finding": "moved", "path": "a/1", "to": "one", "text": "its record follows"}]' \
	"says the same as JSON"
ok "status --repair of what is whole" as_user "$LIVERY" status --repair rootfs
before=$(sha256sum rootfs.livery)
mount_view rootfs view
as_user touch rootfs/new
exits 1 "status of the view" as_user "$LIVERY" status view
is "$OUT" "unrecorded /new" "is that of its tree"
ok "status of a path in the view" as_user "$LIVERY" status view/etc
exits 2 "status --repair under a sealed view" as_user "$LIVERY" status --repair rootfs
like "$ERR" "a sealed view shows this database" "is refused"
is "$(sha256sum rootfs.livery)" "$before" "the database is as before"
as_user "$LIVERY" umount view 2>/dev/null
no_sanitizer_report "all"
finish
