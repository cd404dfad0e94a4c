#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What label does beside labeling a whole tree: paths, dry runs, parts left alone, a prefix,
# coverage, labels that depend on the version, and labels checked by a binary policy.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar tree.tar <<'END'
d("./")
d("etc")
f("etc/passwd", "root:x:0:0::/root:/bin/sh\n", uid=7)
f("etc/new\nline", "n")
d("etc/sub")
f("etc/sub/deep", "d")
d("opt")
f("opt/link", "l")
h("etc/zlink", "opt/link")
d("srv")
f("srv/one", "1")
h("srv/two", "srv/one")
h("etc/three", "srv/one")
d("usr")
d("usr/bin")
f("usr/bin/ls", "ls")
l("usr/bin/dir", "ls")
f("usr/bin-x", "x")
END
cat >policy <<'END'
/.*			u:r:default:s0
/etc(/.*)?		u:r:etc:s0
/etc/sub/deep	--	u:r:deep:s0
/opt(/.*)?		u:r:opt:s0
/srv(/.*)?		u:r:srv:s0
/usr/bin(/.*)?		u:r:bin:s0
/usr/bin/dir	-l	u:r:link:s0
END
sed 's/:s0/:s1/' policy >policy2

# labels TREE [DB]: "PATH LABEL" of all that is recorded with a label, sorted.
labels() {
	sqlite3 -readonly "${2-$1.livery}" "
		WITH RECURSIVE t(id, path) AS (SELECT 1, '' UNION ALL
			SELECT n.record, t.path || '/' || CAST(n.name AS TEXT)
			FROM name AS n JOIN t ON n.parent = t.id)
		SELECT replace(path, char(10), '\\n') || ' ' || CAST(context AS TEXT)
		FROM t JOIN record AS r USING (id) JOIN label AS l ON l.id = r.label" |
		sed 's/^ / \//; s/^ //' | LC_ALL=C sort
}
note() { sqlite3 -readonly "$1.livery" "SELECT value FROM note WHERE key = 'labeled'"; }
digest() { sha256sum <"$1" | cut -c1-16; }
label_of() { labels "$1" | sed -n "s|^$2 ||p"; }
# fresh: the tree with its records, without labels.
fresh() {
	as_user rm -rf rootfs rootfs.livery
	as_user "$LIVERY" unpack tree.tar rootfs >/dev/null || bail "unpack failed"
}
label() { as_user "$LIVERY" label "$@"; }
sorted() { LC_ALL=C sort <<<"$1"; }

# --- a dry run says what the real one does, and changes nothing

fresh
before=$(digest rootfs.livery)
ok "dry run" label -n --policy policy rootfs
planned=$OUT
is "$(digest rootfs.livery)" "$before" "the database is as before"
is "$(grep -c '^Would relabel ' <<<"$OUT")" 15 "a line each file"
like "$OUT" "Would relabel /etc/passwd from <no label> to u:r:etc:s0"$'\n' "old and new"
like "$OUT" "Would relabel / from <no label> to u:r:default:s0"$'\n' "the root"
like "$OUT" 'Would relabel /etc/new\\nline from' "a newline is written as one"
like "$OUT" "rootfs: 15 inodes, 15 would change, 0 unmatched" "the summary"
ok "with -v" label -v --policy policy rootfs
is "$(sed 's/15 changed/15 would change/; s/^Relabeled/Would relabel/' <<<"$OUT")" "$planned" \
	"the real run does the same"
is "$(note rootfs)" all "all is labeled"
before=$(digest rootfs.livery) time=$(stat -c %y rootfs.livery)
ok "again" label -v --policy policy rootfs
is "$OUT" "$(grep -v '^Would' <<<"$planned" | sed 's/15 would change/0 changed/')" "nothing is to do"
is "$(digest rootfs.livery) $(stat -c %y rootfs.livery)" "$before $time" "and nothing was written"
ok "a dry run with another policy" label --dry-run --policy policy2 rootfs
like "$OUT" "Would relabel /etc/passwd from u:r:etc:s0 to u:r:etc:s1"$'\n' "the old label is named"
ok "verify" as_user "$LIVERY" verify rootfs

as_user cp -r rootfs bare
ok "dry run of a tree without a database" label -n --policy policy bare
result "$([ ! -e bare.livery ]; echo $?)" "none is made"
like "$OUT" "Would relabel /etc/passwd from <no label> to u:r:etc:s0"$'\n' "it says what it would do"
ok "dry run with --db of one that is not there" label -n --policy policy --db other.db bare
result "$([ ! -e other.db ]; echo $?)" "none is made"
ok "a tree that cannot be written" as_user chmod a-w rootfs.livery
ok "dry run of it" label -n --policy policy2 rootfs
as_user chmod u+w rootfs.livery
ok "JSON" label -n --json --policy policy2 rootfs
cat >check-json <<'END'
import json, sys
found = json.load(sys.stdin)
relabel = {f["path"]: f for f in found if f["finding"] == "relabel"}
assert relabel["etc/passwd"] == {"finding": "relabel", "path": "etc/passwd",
    "from": "u:r:etc:s0", "to": "u:r:etc:s1"}, relabel["etc/passwd"]
assert len(relabel) == 15 and "etc/new\nline" in relabel
assert found[-1]["finding"] == "summary" and found[-1]["changed"] == 15, found[-1]
assert found[-1]["dry_run"] is True
conflict = [f for f in found if f["finding"] == "conflict"]
assert {f["path"]: f["link"] for f in conflict} == {"opt/link": "etc/zlink",
    "srv/one": "etc/three", "srv/two": "etc/three"}, conflict
END
is "$(/usr/bin/python3 check-json <.out 2>&1)" "" "it can be read, and says the same"

# --- paths

fresh
ok "one path" label -v --policy policy rootfs/etc/passwd
is "$OUT" "Relabeled /etc/passwd from <no label> to u:r:etc:s0
$SCRATCH/rootfs: 1 inodes, 1 changed, 0 unmatched, 0 excluded by <<none>>, 0 hard-link conflicts" \
	"only it is labeled"
is "$(labels rootfs)" "/etc/passwd u:r:etc:s0" "in the database too"
is "$(note rootfs)" "" "that is not all"
ok "a directory" label --policy policy rootfs/usr/bin
is "$(labels rootfs | tail -1)" "/usr/bin u:r:bin:s0" "without what is in it"
ok "a directory with -r" label -r --policy policy rootfs/usr/bin
is "$(labels rootfs)" "/etc/passwd u:r:etc:s0
/usr/bin u:r:bin:s0
/usr/bin/dir u:r:link:s0
/usr/bin/ls u:r:bin:s0" "with all that is in it, and nothing beside it"
ok "several, some of them twice" label --recursive --policy policy \
	rootfs/usr/bin rootfs/usr rootfs/usr/bin/ls rootfs/usr
like "$OUT" ": 5 inodes, 2 changed" "each file counts once"
ok "a path from within the tree" as_user env -C rootfs/usr "$LIVERY" label --policy ../../policy2 .
is "$(label_of rootfs /usr)" u:r:default:s1 "the directory that we are in"

fresh
ok "a further name of a file" label -v --policy policy rootfs/srv/two
is "$OUT" "conflict /srv/two would be u:r:srv:s0, but it is a hard link of /etc/three, whose name comes first and decides
Relabeled /etc/three from <no label> to u:r:etc:s0
$SCRATCH/rootfs: 1 inodes, 1 changed, 0 unmatched, 0 excluded by <<none>>, 1 hard-link conflicts" \
	"its bytewise first path decides, though only another was named"
is "$(labels rootfs)" "/etc/three u:r:etc:s0
/srv/one u:r:etc:s0
/srv/two u:r:etc:s0" "for all of its names"
as_user ln rootfs/opt/link rootfs/etc/alink
ok "a name that is not recorded" label --policy policy rootfs/opt/link
is "$(label_of rootfs /etc/alink)" u:r:etc:s0 "its file's further name is recorded with it"
ok "status" as_user "$LIVERY" status rootfs

fresh
ok "all by -r on all there is" label -r --policy policy rootfs/{etc,opt,srv,usr}
ok "the tree by --staging" label -n --policy policy --staging rootfs rootfs
is "$(grep ^Would <<<"$OUT")" "Would relabel / from <no label> to u:r:default:s0" "only the root is left"
ok "the tree by --db" label --policy policy --db rootfs.livery rootfs
is "$(note rootfs)" all "now it is all"
ok "a part by another policy" label -r --policy policy2 rootfs/etc
is "$(note rootfs)" all "what was labeled stays so"
printf '/x u:r:x:s0\n' >nothing
exits 1 "a part that no rule matches" label --policy nothing rootfs/etc
is "$OUT" "unmatched /etc
$SCRATCH/rootfs: 1 inodes, 0 changed, 1 unmatched, 0 excluded by <<none>>, 0 hard-link conflicts" "is said"
is "$(label_of rootfs /etc) $(note rootfs)" "u:r:etc:s1 all" "it keeps its label"
ok "--allow-unlabeled" label --allow-unlabeled --policy nothing rootfs/etc
exits 1 "all that no rule matches" label --policy nothing rootfs
is "$(note rootfs)" "" "the whole is not as the policy has it"

as_user "$LIVERY" unpack tree.tar other >/dev/null
ok "two trees" label --policy policy rootfs/etc/passwd other other/etc
is "$(label_of rootfs /etc/passwd) $(labels other | wc -l)" "u:r:etc:s0 18" "both are labeled"
is "$(wc -l <<<"$(grep inodes, <<<"$OUT")")" 2 "a summary each"
ok "a link to a tree" as_user ln -s rootfs link
ok "is the tree" label --policy policy link
like "$OUT" "$SCRATCH/rootfs: 15 inodes" "with its own database"
as_user ln -s rootfs/etc link-in
ok "a link into the tree" label --policy policy link-in
result "$([ -e rootfs/etc.livery ]; echo $((1 - $?)))" "is a part of it, and no tree of its own"
exits 2 "a path in no tree" label --policy policy policy2
like "$ERR" "policy2: neither it nor a directory above it has a database" "is said"
exits 2 "a path outside the tree" label --policy policy --staging rootfs other
like "$ERR" "other: not in the staging tree" "is said"
exits 2 "a path that is not there" label --policy policy rootfs/etc/absent
like "$ERR" "etc/absent" "is named"
exits 2 "a good path and a bad one" label --policy policy2 rootfs/usr/bin/ls rootfs/etc/absent
is "$(label_of rootfs /usr/bin/ls)" u:r:bin:s0 "none is changed"

# What was moved is not taken for new.
as_user mv rootfs/etc/passwd rootfs/etc/moved
exits 2 "a file that was moved" label --policy policy rootfs/etc/moved
like "$ERR" "1 files were moved" "is not given a record of its own"
exits 2 "nor by the whole tree" label --policy policy rootfs
exits 2 "nor by a dry run" label -n --policy policy rootfs
ok "others can be labeled" label --policy policy2 rootfs/usr/bin/ls
as_user mv rootfs/etc/moved rootfs/etc/passwd
ok "moved back" label --policy policy rootfs/etc/passwd
as_user touch rootfs/etc/brand-new
ok "a file that is new" label --policy policy rootfs/etc/brand-new
is "$(label_of rootfs /etc/brand-new)" u:r:etc:s0 "gets a record"
as_user rm rootfs/usr/bin-x
as_user touch rootfs/etc/another
ok "one that is new while another is gone" label --policy policy rootfs

# --- a new database that nothing comes of

as_user cp -r bare bare2
exits 2 "a path that is not there, in a tree that gets its database" \
	label --policy policy --staging bare2 bare2/absent
result "$([ ! -e bare2.livery ]; echo $?)" "no database is left behind"
ok "one that is" label --policy policy --staging bare2 bare2/etc/passwd
is "$(labels bare2)" "/etc/passwd u:r:etc:s0" "a database is made"

# --- parts that are left alone

fresh
ok "--exclude" label -v --policy policy --exclude /usr/bin --exclude etc//sub/ --exclude /none rootfs
like "$OUT" "left alone /usr/bin: 3 names"$'\n'"left alone /etc/sub: 2 names"$'\n'"left alone /none: 0 names"$'\n' \
	"they are counted and said"
is "$(labels rootfs | grep -c -e '^/usr/bin[ /]' -e '^/etc/sub')" 0 "nothing in them is labeled"
is "$(label_of rootfs /usr/bin-x) $(label_of rootfs /etc/passwd)" "u:r:default:s0 u:r:etc:s0" "the rest is"
is "$(note rootfs)" "" "that is not all"
ok "one that is not there" label --policy policy --exclude none rootfs
is "$(note rootfs)" all "is no part"
fresh
ok "a file with a name in such a part" label --policy policy --exclude /srv rootfs
like "$OUT" "left /etc/three, a hard link of /srv/one, which is to be left alone"$'\n' "is left alone, and said"
like "$OUT" ", 1 names left alone for a hard link" "and counted"
is "$(labels rootfs | grep -c -e /srv -e three)" 0 "as are its names"
ok "a path in such a part" label --policy policy --exclude etc rootfs/etc/passwd
like "$OUT" "left alone /etc: 1 names"$'\n'".*: 0 inodes, 0 changed" "is left alone"
ok "JSON" label --json --policy policy --exclude /srv rootfs
is "$(/usr/bin/python3 -c '
import json, sys
found = {f["finding"]: f for f in json.load(sys.stdin)}
print(found["left-alone"], found["left"], found["summary"]["left"])' <.out)" \
	"{'finding': 'left-alone', 'path': 'srv', 'names': 3} {'finding': 'left', 'path': 'etc/three', 'link': 'srv/one'} 1" \
	"can be read"
exits 2 "--exclude with .." label --policy policy --exclude /etc/../usr rootfs
like "$ERR" "without '\.\.'" "is refused"

# --- a tree that will be below another root

fresh
sed 's|^/|/target/root/|; s|^/target/root/\.\*|/target/root(/.*)?|' policy >below
ok "--prefix" label --policy below --prefix /target//root/ rootfs
below=$(labels rootfs)
fresh
sed 's|^/\.\*|/(.*)?|' policy >above
ok "without" label --policy above rootfs
is "$below" "$(labels rootfs)" "gives the labels of paths below it"
exits 1 "without it, nothing matches" label --policy below rootfs
ok "--prefix, with dots" label --policy below --prefix /./target/root/. rootfs
like "$OUT" " 0 changed" "is the same one"
exits 2 "one that goes up" label --policy policy --prefix /target/../root rootfs
like "$ERR" "--prefix: /target/../root: .*without '..'" "is refused"
exits 2 "a relative one" label --policy policy --prefix target rootfs
like "$ERR" "--prefix is an absolute path" "is refused"

# --- coverage

cat >covered <<'END'
/.*			u:r:default:s0
/etc(/.*)?		u:r:etc:s0
/etc/passwd	--	u:r:passwd:s0
/etc/passwd	-d	u:r:wrong:s0
/etc/pass.*	--	u:r:later:s0
/usr/lib(/.*)?		u:r:lib:s0
/srv/(one|two)	--	u:r:overruled:s0
/srv(/.*)?		u:r:srv:s0
END
fresh
ok "coverage" label -n --coverage --policy covered rootfs
is "$(grep ^unused <<<"$OUT" | sed "s|$SCRATCH/||")" "unused ./covered:4 /etc/passwd -d u:r:wrong:s0
unused ./covered:6 /usr/lib(/.*)? u:r:lib:s0" "rules that matched nothing; those that were overruled did"
is "$(sorted "$(grep ^catch-all <<<"$OUT" | cut -d' ' -f1-3)")" "catch-all / u:r:default:s0
catch-all /opt u:r:default:s0
catch-all /usr u:r:default:s0
catch-all /usr/bin u:r:default:s0
catch-all /usr/bin-x u:r:default:s0
catch-all /usr/bin/dir u:r:default:s0
catch-all /usr/bin/ls u:r:default:s0" "files that only the catch-all matched"
like "$OUT" "catch-all /opt u:r:default:s0 \(./covered:1\)" "with the rule"
like "$OUT" ", 2 rules unused, 7 inodes matched by the catch-all alone" "both are counted"
result "$([ -z "$(labels rootfs)" ]; echo $?)" "a dry run all the same"
ok "coverage of a real run" label --coverage --json --policy covered rootfs
is "$(/usr/bin/python3 -c '
import json, sys
found = json.load(sys.stdin)
print([(f["line"], f["regex"], f.get("type"), f["context"]) for f in found if f["finding"] == "unused"])
print(sorted(f["path"] for f in found if f["finding"] == "catch-all"))
print(found[-1]["unused"], found[-1]["catch_all"], found[-1]["changed"])' <.out)" \
	"[(4, '/etc/passwd', '-d', 'u:r:wrong:s0'), (6, '/usr/lib(/.*)?', None, 'u:r:lib:s0')]
['', 'opt', 'usr', 'usr/bin', 'usr/bin-x', 'usr/bin/dir', 'usr/bin/ls']
2 7 15" "JSON says the same"
ok "coverage of a part" label -n -r --coverage --policy covered rootfs/etc
like "$OUT" "unused ./covered:8 " "what matched nothing in it"

# --- labels that depend on the version of libselinux

mkdir versions
printf '/.* u:r:default:s0\n/etc/passwd -- u:r:first:s0\n' >versions/file_contexts
printf '/etc/passwd -- u:r:second:s0\n' >versions/file_contexts.local
ok "versions" label --policy versions rootfs
line=$(grep ^version <<<"$OUT")
is "$line" "version /etc/passwd: u:r:second:s0 (3.11), u:r:first:s0 (3.8)" "the file, and what each version says"
like "$OUT" ", 1 that depend on the version of libselinux" "it is counted"
is "$(label_of rootfs /etc/passwd)" u:r:second:s0 "the newest counts"
ok "--semantics" label --semantics=3.8 --policy versions rootfs
is "$(grep ^version <<<"$OUT")" \
	"version /etc/passwd: u:r:first:s0 (3.8), u:r:second:s0 (3.11), u:r:second:s0 (3.4)" "another counts"
is "$(label_of rootfs /etc/passwd)" u:r:first:s0 "its label is stored"
ok "JSON" label -n --json --policy versions rootfs/etc/passwd
like "$OUT" '"versions": [{]"3.11": "u:r:second:s0", "3.8": "u:r:first:s0"[}]' "says it"
printf '/.* u:r:default:s0\n/etc/three -- u:r:first:s0\n' >versions/file_contexts
printf '/etc/three -- u:r:second:s0\n' >versions/file_contexts.local
ok "of a file with several names" label -n --policy versions rootfs/srv/two
like "$OUT" "^version /etc/three: " "the path that decides"
ok "--engine=libselinux" label -n --engine=libselinux --policy policy rootfs
exits 2 "coverage by it" label -n --coverage --engine=libselinux --policy policy rootfs
like "$ERR" "--engine=matcher" "is more than it tells"
exits 2 "no such engine" label --engine=grep --policy policy rootfs

# --- labels that the binary policy must know

fixture --small
as_user mkdir real
as_user tar -C real -xf "$FIXTURE" ./etc/selinux
cat >valid <<'END'
/.*		system_u:object_r:default_t:s0
/etc(/.*)?	system_u:object_r:etc_t:s0
/etc/secret	system_u:object_r:no_such_type_t:s0
/usr(/.*)?	<<none>>
END
as_user cp -r rootfs checked
as_user cp -r real/etc/selinux checked/etc/
ok "all labels are known" label --policy valid checked
is "$(label_of checked /etc/passwd)" system_u:object_r:etc_t:s0 "a rule that nothing uses may be wrong"
before=$(digest checked.livery)
as_user touch checked/etc/secret
exits 2 "a label that the tree's policy does not know" label -v --policy valid checked
is "$(grep -c Relabeled <<<"$OUT")" 0 "nothing is said to have been done"
like "$ERR" "valid:3: the policy does not know system_u:object_r:no_such_type_t:s0, which /etc/secret would get" \
	"the rule, the label and a file are named"
is "$(digest checked.livery)" "$before" "nothing is written"
exits 2 "by a dry run too" label -n --policy valid checked
exits 2 "JSON" label -n --json --policy valid checked
is "$(/usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["finding"])' <.out)" excluded \
	"is whole all the same"
ok "a part without it" label --policy valid checked/etc/passwd
ok "--no-check" label --no-check --policy valid checked
is "$(label_of checked /etc/secret)" system_u:object_r:no_such_type_t:s0 "it is taken as it is"
ok "no policy in the tree" label --policy valid rootfs
binary=$(find real/etc/selinux/default/policy -name 'policy.*')
as_user touch rootfs/etc/secret
exits 2 "--check" label --policy valid --check "$binary" rootfs
like "$ERR" "no_such_type_t" "an unknown label"
as_user cp -r bare bare3
as_user touch bare3/etc/secret
exits 2 "in a tree without a database" label --policy valid --check "$binary" bare3
result "$([ ! -e bare3.livery ]; echo $?)" "none is left behind"
exits 2 "--check of what is no policy" label --policy valid --check policy rootfs
like "$ERR" "policy" "is named"
exits 2 "--check of what is not there" label --policy valid --check absent rootfs
like "$ERR" "absent" "is named"
exits 2 "--check and --no-check" label --policy valid --check "$binary" --no-check rootfs
like "$ERR" "not both" "is a contradiction"

# --- what is odd in a policy

as_user mkdir odd
printf '/.* u:r:all_t:s0\n/etc/x -- u:r:x_t:s0\n/etc/x u:r:y_t:s0\n' | as_user tee twins >/dev/null
ok "a rule that stands twice" label --policy twins odd
is "$ERR" "livery: warning: ./twins:3: '/etc/x' stands in line 2 already; libselinux refuses that where it validates the policy" \
	"is warned of"
no_sanitizer_report "all"
finish
