#!/bin/bash
# SPDX-License-Identifier: MIT
#
# livery why: which rule gives a path its label, what lost against it and for what reason,
# and whether the database agrees.

# shellcheck disable=SC1091,SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user mkdir policy
as_user tee policy/file_contexts >/dev/null <<'END'
/basetwin		u:r:basetwin_base_t:s0
/usr	-d	u:r:usr_t:s0
/usr/.*		u:r:usr_t:s0
/usr/bin/.*	--	u:r:bin_t:s0
/usr/bin/tool	--	u:r:tool_exec_t:s0
/usr/bin/to.*		u:r:to_t:s0
/usr/bin/tool	-d	u:r:tool_dir_t:s0
/usr/bin/.*	-s	u:r:bin_sock_t:s0
/dev/[^/]*	-b	u:r:disk_t:s0
/dev/null	-c	u:r:null_device_t:s0
/proc/.*		<<none>>
/twin		u:r:twin_first_t:s0
/twin		u:r:twin_second_t:s0
/links/a	--	u:r:link_a_t:s0
/links/b	--	u:r:link_b_t:s0
/links/c?c	--	u:r:link_a_t:s0
/deep/er/st/.*		<<none>>
/deep/.*		u:r:deep_t:s0
/odd/.*		u:r:odd_t:s0
/lib		u:r:lib_link_t:s0
/odd/d\.t		u:r:dot_t:s0
END
printf '%s\n' '/usr/local/.* u:r:local_t:s0' '/usr/bin/[l]ocaltool u:r:local_tool_t:s0' \
	'/basetwin u:r:basetwin_local_t:s0' >policy/file_contexts.local
echo '/opt/bin /usr/bin' >policy/file_contexts.subs_dist
printf '%s\n' '/alias /opt/bin' '/two /usr/bin' '/two /deep' >policy/file_contexts.subs

as_user .bin/lib/mktar small.tar <<'END'
d("./")
d("usr")
d("usr/bin")
f("usr/bin/tool", "tool")
f("usr/bin/toy", "toy")
f("usr/bin/true", "true")
f("usr/bin/localtool", "x")
l("lib", "usr/lib")
l("away", "/absent/target")
d("dev")
c("dev/null", 1, 3)
b("dev/sda", 8, 0)
d("proc")
f("proc/file")
f("twin")
f("basetwin")
d("links")
f("links/a", "a")
h("links/b", "links/a")
h("links/c", "links/a")
f("single")
d("deep")
d("deep/er")
d("deep/er/st")
f("deep/er/st/x")
d("odd")
f("odd/new\nl\x1bine")
f(b"odd/byte\xff")
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
as_user "$LIVERY" label --policy policy --allow-unlabeled rootfs >/dev/null ||
	bail "nothing to go on with"

why() { as_user "$LIVERY" why --policy policy "$@"; }
line() { echo "policy/file_contexts:$1"; }

# --- a rule, and what lost

ok "why" why rootfs/usr/bin/tool
is "$OUT" "/usr/bin/tool: u:r:tool_exec_t:s0
  rule      $(line 5): /usr/bin/tool  --  u:r:tool_exec_t:s0
  database  agrees
  type      regular file
  lost      $(line 8): /usr/bin/.*  -s  u:r:bin_sock_t:s0
              is for sockets only
            $(line 7): /usr/bin/tool  -d  u:r:tool_dir_t:s0
              is for directories only
            $(line 6): /usr/bin/to.*  u:r:to_t:s0
              an exact path counts before any expression
            $(line 4): /usr/bin/.*  --  u:r:bin_t:s0
              an exact path counts before any expression
            $(line 3): /usr/.*  u:r:usr_t:s0
              an exact path counts before any expression" "an exact path, and all that lost"
is "$ERR" "" "nothing on standard error"
ok "why of an expression" why rootfs/usr/bin/toy
is "$(head -n 2 <<<"$OUT")" "/usr/bin/toy: u:r:to_t:s0
  rule      $(line 6): /usr/bin/to.*  u:r:to_t:s0" "the last expression counts"
like "$OUT" "lost .*$(line 8).*sockets only.*
 +$(line 4): /usr/bin/.\*  --  u:r:bin_t:s0
 +a later rule counts
 +$(line 3): " "those before it lost"
ok "why of a rule in .local" why rootfs/usr/bin/localtool
is "$(sed -n 2p <<<"$OUT")" \
	"  rule      policy/file_contexts.local:2: /usr/bin/[l]ocaltool  u:r:local_tool_t:s0" \
	"the file is named"
ok "why of several" why rootfs/usr/bin/tool rootfs/usr rootfs/dev/null rootfs/dev/sda
is "$(grep -v '^ ' <<<"$OUT")" "/usr/bin/tool: u:r:tool_exec_t:s0

/usr: u:r:usr_t:s0

/dev/null: u:r:null_device_t:s0

/dev/sda: u:r:disk_t:s0" "in their order, with an empty line between them"
like "$OUT" "
  type      directory
" "a directory"
like "$OUT" "$(line 10): /dev/null  -c  u:r:null_device_t:s0
  database  agrees
  type      character device
  lost      $(line 9): /dev/\[\^/\]\*  -b  u:r:disk_t:s0
              is for block devices only" "a device is one by its record"
ok "why of a link" why rootfs/lib
like "$OUT" "^/lib: u:r:lib_link_t:s0
.*
  type      symbolic link" "the link itself"
ok "why of a link that leads nowhere" why rootfs/away
like "$OUT" "^/away: no label \(no rule matches\)
  rule      none matches
  database  agrees: no label
  type      symbolic link$" "and no rule for it"
ok "why of the root" why rootfs
like "$OUT" "^/: no label " "the root"
ok "why of what is excluded" why rootfs/proc/file
is "$OUT" "/proc/file: no label (the policy says <<none>>)
  rule      $(line 11): /proc/.*  <<none>>
  database  agrees: no label, recorded as excluded by <<none>>
  type      regular file" "is said so"

ok "why of what matches for other types only" why --type f rootfs/dev/null
is "$OUT" "/dev/null: no label (no rule matches)
  rule      none matches
  database  u:r:null_device_t:s0 (as a character device)
  type      regular file, as --type says; in the tree it is a character device
  lost      $(line 10): /dev/null  -c  u:r:null_device_t:s0
              is for character devices only
            $(line 9): /dev/[^/]*  -b  u:r:disk_t:s0
              is for block devices only" "they are listed"
ok "an expression with a backslash" why --type f rootfs/odd/d.t
like "$OUT" "rule      $(line 21): /odd/d\\\\[.]t  u:r:dot_t:s0" "is shown as it stands in the file"

# --- substitutions and a prefix

ok "a substitution" why --staging rootfs --type f rootfs/opt/bin/toy
is "$(head -n 5 <<<"$OUT")" "/opt/bin/toy: u:r:to_t:s0
  rule      $(line 6): /usr/bin/to.*  u:r:to_t:s0
  type      regular file, as --type says; nothing is there
  key       /usr/bin/toy, which the rules are held against
            policy/file_contexts.subs_dist:1: /opt/bin -> /usr/bin" "its line and the key"
ok "two of them" why --staging rootfs --type f rootfs/alias/toy
is "$(sed -n 4,6p <<<"$OUT")" "  key       /usr/bin/toy, which the rules are held against
            policy/file_contexts.subs:1: /alias -> /opt/bin
            policy/file_contexts.subs_dist:1: /opt/bin -> /usr/bin" \
	"in the order in which they were applied"
exits 1 "a prefix" why --prefix /usr/bin/ rootfs/single
is "$OUT" "/single: u:r:bin_t:s0
  rule      $(line 4): /usr/bin/.*  --  u:r:bin_t:s0
  database  DIFFERS: no label
  type      regular file
  key       /usr/bin/single, which the rules are held against
            --prefix=/usr/bin
  lost      $(line 8): /usr/bin/.*  -s  u:r:bin_sock_t:s0
              is for sockets only
            $(line 3): /usr/.*  u:r:usr_t:s0
              a later rule counts" "stands before the path"
exits 1 "the root with a prefix" why --prefix=/usr rootfs
like "$OUT" "^/: u:r:usr_t:s0
.* -d .*
  key       /usr, " "is the prefix"
exits 2 "a prefix that is not absolute is refused" why --prefix usr rootfs

# --- hard links

ok "the name that decides" why rootfs/links/a
is "$OUT" "/links/a: u:r:link_a_t:s0
  rule      $(line 14): /links/a  --  u:r:link_a_t:s0
  database  agrees
  type      regular file
  names     /links/a (decides)
            /links/b (conflict: the policy says u:r:link_b_t:s0, $(line 15))
            /links/c" "and the others"
ok "one that conflicts" why rootfs/links/b
is "$OUT" "/links/b: u:r:link_a_t:s0
  rule      $(line 14): /links/a  --  u:r:link_a_t:s0
            asked for /links/a, the first of this file's names, which decides
  conflict  for this name the policy says u:r:link_b_t:s0
            $(line 15): /links/b  --  u:r:link_b_t:s0
  database  agrees
  type      regular file
  names     /links/a (decides)
            /links/b (conflict: the policy says u:r:link_b_t:s0, $(line 15))
            /links/c" "is told by the first and by its own rule"
ok "one that agrees by another rule" why rootfs/links/c
like "$OUT" "the first of this file's names, which decides
  own rule  $(line 16): /links/c\?c  --  u:r:link_a_t:s0
  database  agrees" "has both rules"
as_user ln rootfs/single outside
ok "a link that leads out of the tree" why rootfs/single
like "$OUT" "^/single: .*type      regular file$" "is one name"
as_user ln rootfs/single rootfs/Another
exits 0 "a link without a record" why rootfs/single
like "$OUT" "asked for /Another, the first" "is a name too: the tree counts"
as_user ln rootfs/links/a rootfs/links-z
exits 1 "a name beside the directory of another" why rootfs/links/a
like "$OUT" "^/links/a: no label .*names     /links-z \(decides\)" "comes bytewise, not as a walk has it"
as_user rm rootfs/Another rootfs/links-z outside

# --- versions

exits 1 "two rules for one path" why --semantics 3.4 rootfs/twin
is "$(head -n 1 <<<"$OUT")" "/twin: u:r:twin_second_t:s0" "3.4 takes the last"
like "$OUT" "
  lost      $(line 12): /twin  u:r:twin_first_t:s0
              a later rule counts
" "and says so"
ok "the same for 3.8" why --semantics 3.8 rootfs/twin
is "$(head -n 1 <<<"$OUT")" "/twin: u:r:twin_first_t:s0" "3.8 takes the first"
like "$OUT" "
  lost      $(line 13): /twin  u:r:twin_second_t:s0
              the same exact path has another rule, which libselinux 3.8 prefers
" "and says so"
like "$OUT" "versions.*libselinux 3[.0-9, ]*: u:r:twin_(first|second)_t:s0, policy/file_contexts:1[23]
 +libselinux 3[.0-9, ]*: u:r:twin_(first|second)_t:s0, policy/file_contexts:1[23]" \
	"the versions are listed"
like "$OUT" "libselinux ([.0-9]+, )*3[.]4: u:r:twin_second_t:s0, $(line 13)" "3.4 with its answer"
like "$OUT" "libselinux ([.0-9]+, )*3[.]8(, [.0-9]+)*: u:r:twin_first_t:s0, $(line 12)" "3.8 with its"
capture why --semantics 3.11 rootfs/basetwin
like "$OUT" "^/basetwin: u:r:basetwin_local_t:s0" "3.11 lets .local override an exact rule"
capture why --semantics=3.8.1 rootfs/basetwin
like "$OUT" "^/basetwin: u:r:basetwin_base_t:s0" "3.8 does not"
capture why --semantics 3.8 rootfs/deep/er/st/x
is "$(head -n 1 <<<"$OUT")" "/deep/er/st/x: no label (the policy says <<none>>)" "3.8 ends at <<none>>"
like "$OUT" "
  lost      $(line 18): /deep/.\*  u:r:deep_t:s0
              libselinux 3.8 does not come to ask this rule
" "and does not ask the rule behind it"
capture why --semantics 3.4 rootfs/deep/er/st/x
is "$(head -n 1 <<<"$OUT")" "/deep/er/st/x: u:r:deep_t:s0" "3.4 does"
ok "two substitutions of one directory" why --type f --semantics 3.4 rootfs/two/toy
like "$OUT" "
            policy/file_contexts.subs:3: /two -> /deep
" "3.4 takes the last"
like "$OUT" "libselinux ([.0-9]+, )*3[.]4: u:r:deep_t:s0, $(line 18)" "and labels by it"
like "$OUT" "libselinux ([.0-9]+, )*3[.]8: u:r:to_t:s0, $(line 6)" "3.8 takes the first"
ok "no version matters" why rootfs/usr/bin/tool
result "$(grep -c versions <<<"$OUT")" "then none is listed"
exits 2 "an unknown version" why --semantics 4 rootfs/twin
like "$ERR" "3.4, 3.8 or 3.11" "the versions are named"
ok "another engine" why --engine libselinux rootfs/usr/bin/tool
like "$OUT" "^/usr/bin/tool: u:r:tool_exec_t:s0
  rule      $(line 5): .*
  lost      not known: --engine=libselinux tells only which rule counts$" "says what it cannot say"
exits 2 "an unknown engine is refused" why --engine magic rootfs/twin
exits 2 "the installed library has one version" why --engine libselinux --semantics 3.4 rootfs/twin

# --- where the database differs

exits 1 "another label" as_user bash -c '"$0" setfattr -n security.selinux -v u:r:other_t:s0 \
	rootfs/usr/bin/tool rootfs/proc/file rootfs/single &&
	"$0" why --policy policy rootfs/usr/bin/tool' "$LIVERY"
is "$(head -n 3 <<<"$OUT")" "/usr/bin/tool: u:r:tool_exec_t:s0
  rule      $(line 5): /usr/bin/tool  --  u:r:tool_exec_t:s0
  database  DIFFERS: u:r:other_t:s0" "both labels are told"
exits 1 "a label that no rule gives" why rootfs/single
like "$OUT" "^/single: no label \(no rule matches\).*database  DIFFERS: u:r:other_t:s0" "differs"
ok "a label on what is excluded" why rootfs/proc/file
like "$OUT" "database  agrees: u:r:other_t:s0 \(<<none>> leaves a label as it is\)" "agrees"
exits 1 "one that differs among several" why rootfs/usr/bin/tool rootfs/usr
ok "no label" as_user "$LIVERY" setfattr -x security.selinux rootfs/proc/file
exits 1 "no label on what is excluded" why rootfs/proc/file
like "$OUT" "database  DIFFERS: no label" "is not marked"
as_user mkdir rootfs/usr/new
exits 1 "a file without a record" why rootfs/usr/new
like "$OUT" "database  DIFFERS: no record of it, and so no label" "is told as such"
ok "a label is removed" as_user "$LIVERY" setfattr -x security.selinux rootfs/single
ok "the tree is labeled anew" as_user "$LIVERY" label --policy policy --allow-unlabeled rootfs
ok "then they agree" why rootfs/usr/new rootfs/usr/bin/tool rootfs/proc/file

# --- what is not there

exits 2 "a path that does not exist" why rootfs/usr/bin/absent
like "$ERR" "/usr/bin/absent: not in the staging tree $SCRATCH/rootfs; say --type" "needs --type"
for type in f:regular\ file file:regular\ file d:directory dir:directory l:symbolic\ link \
	link:symbolic\ link c:character\ device char:character\ device b:block\ device \
	block:block\ device p:fifo fifo:fifo s:socket socket:socket; do
	ok "--type ${type%:*}" why --type "${type%:*}" rootfs/usr/bin/tomorrow/and/more
	like "$OUT" "^/usr/bin/tomorrow/and/more: u:r:(to|bin_sock)_t:s0.*type      ${type#*:}, as" "a ${type#*:}"
done
like "$(why --type s rootfs/usr/bin/absent)" "absent: u:r:bin_sock_t:s0" "the rule for sockets"
result "$(why --type s rootfs/usr/bin/absent | grep -c database)" "nothing is said of the database"
ok "another type" why --type d rootfs/usr/bin/tool
is "$(head -n 4 <<<"$OUT")" "/usr/bin/tool: u:r:tool_dir_t:s0
  rule      $(line 7): /usr/bin/tool  -d  u:r:tool_dir_t:s0
  database  u:r:tool_exec_t:s0 (as a regular file)
  type      directory, as --type says; in the tree it is a regular file" "is answered and told"
ok "the file's own type" why --type=file rootfs/usr/bin/tool
like "$OUT" "database  agrees
  type      regular file
" "is as if not given"
exits 2 "an unknown type" why --type x rootfs/usr
like "$ERR" "--type is f .*not 'x'" "the types are named"
exits 2 "a path below a file" why --type f rootfs/usr/bin/tool/x
like "$ERR" "/usr/bin/tool/x: .* no directory" "cannot be"
exits 2 "a path below a link that leads out" why --type f rootfs/away/x
like "$ERR" "no directory but a file or a symbolic link" "is refused"
as_user ln -s "$SCRATCH/policy" rootfs/out
exits 2 "a path behind such a link" why rootfs/out/file_contexts
like "$ERR" "$SCRATCH/policy/file_contexts.*rootfs/out is a symbolic link" "the link is named"
exits 2 "'..' in what is not there is refused" why --type f rootfs/new/../usr
ok "slashes and dots" why --type d rootfs//usr/./absent//deeper/./
like "$OUT" "^/usr/absent/deeper: u:r:usr_t:s0" "mean nothing"
exits 2 "a path in no tree" why /absent/path
like "$ERR" "/absent.*--staging" "the way out is named"
exits 2 "a path outside of --staging" why --staging rootfs policy
like "$ERR" "not in the staging tree" "is refused"

# --- without a database, and in a view

as_user mkdir -p bare/usr/bin
as_user touch bare/usr/bin/tool
exits 2 "a tree without a database" why bare/usr/bin/tool
like "$ERR" "--staging" "is not found by itself"
ok "with --staging" why --staging bare bare/usr/bin/tool
like "$OUT" "^/usr/bin/tool: u:r:tool_exec_t:s0.*
  database  there is none
" "it is"
is "$(echo bare*)" bare "and gets none"
exits 2 "a database that is not there" why --staging bare --db absent.db bare/usr/bin/tool
like "$ERR" "absent.db" "is named"
ok "another database" why --staging rootfs --db rootfs.livery rootfs/usr/bin/tool
is "$(sed -n 3p <<<"$OUT")" "  database  agrees" "is read"
exits 2 "no policy" as_user "$LIVERY" why rootfs/usr
like "$ERR" "--policy" "is told"
printf '/( u:r:bad_t:s0\n' | as_user tee bad_contexts >/dev/null
exits 2 "a bad policy" as_user "$LIVERY" why --policy bad_contexts rootfs/usr
like "$ERR" "bad_contexts:1" "its line is named"
as_user mkdir -p rootfs/etc/selinux/small/contexts
as_user cp -r policy rootfs/etc/selinux/small/contexts/files
ok "the tree's own policy" as_user "$LIVERY" why rootfs/usr/bin/tool
like "$OUT" "rule      $SCRATCH/rootfs/etc/selinux/small/contexts/files/file_contexts:5:" "is found"
as_user rm -r rootfs/etc
expected=$(why rootfs/links/b rootfs/usr/bin/tool rootfs/dev/null)
ok "mount" mount_view rootfs view
ok "why in a tree that is mounted" why rootfs/links/b rootfs/usr/bin/tool rootfs/dev/null
is "$OUT" "$expected" "answers as before"
ok "why in the view" why view/links/b view/usr/bin/tool view/dev/null
is "$OUT" "$expected" "answers the same"
ok "what is not there, in the view" why --type p view/usr/bin/absent/deeper
like "$OUT" "^/usr/bin/absent/deeper: u:r:usr_t:s0" "is answered too"
strict_umount view

# --- names, contexts and files of the policy with odd bytes

ok "odd names" why rootfs/odd/$'new\nl\eine' rootfs/odd/$'byte\xff'
is "$(grep '^/' <<<"$OUT")" '/odd/new\nl\033ine: u:r:odd_t:s0
/odd/byte\377: u:r:odd_t:s0' "are printable"
as_user mkdir $'p\eol'
printf '/usr/bin/t\x1b?.* u:\x1b[31mr:t:s0\n' | as_user tee $'p\eol/file_contexts' >/dev/null
printf '/q\x1bx /usr/bin\n' | as_user tee $'p\eol/file_contexts.subs' >/dev/null
exits 1 "an odd policy" as_user "$LIVERY" why --policy $'p\eol' rootfs/usr/bin/tool
ok "odd substitutions" as_user "$LIVERY" why --policy $'p\eol' --type f rootfs/$'q\ex/tool'
both=$OUT
exits 1 "an odd policy again" as_user "$LIVERY" why --policy $'p\eol' rootfs/usr/bin/tool
is "$(printf %s "$both$OUT$ERR" | tr -d '\n' | tr -cd '\000-\037' | wc -c)" 0 \
	"no control character is printed"
like "$both" 'q\\033x -> /usr/bin' "a substitution is printable"

# --- JSON

cat >check-json <<'END'
import json, sys

def check(got, path, **want):
    entry = got[path]
    for key, value in want.items():
        if entry[key] != value:
            sys.exit("%r: %s is %r, not %r" % (path, key, entry[key], value))

rule = lambda line, regex, type, context, file="policy/file_contexts": dict(
    file=file, line=line, regex=regex, type=type, context=context)
entries = json.load(sys.stdin)
got = {e["path"]: e for e in entries}
tool = rule(5, "/usr/bin/tool", "--", "u:r:tool_exec_t:s0")
check(got, "usr/bin/tool", type="regular file", type_in_tree="regular file", answer="label",
      label="u:r:tool_exec_t:s0", rule=tool, differs=False, conflict=False, names=[],
      database={"state": "label", "label": "u:r:tool_exec_t:s0"}, decided_by="usr/bin/tool",
      target="/usr/bin/tool", key="/usr/bin/tool", substitutions=[], version_dependent=False,
      versions=[dict(version=v, answer="label", label="u:r:tool_exec_t:s0", rule=tool)
                for v in ("3.11", "3.8", "3.4")])
exact = "an exact path counts before any expression"
want = [(5, "wins", "counts"), (8, "other type", "is for sockets only"),
        (7, "other type", "is for directories only"), (6, "inexact", exact),
        (4, "inexact", exact), (3, "inexact", exact)]
if [(m["line"], m["verdict"], m["reason"]) for m in got["usr/bin/tool"]["matches"]] != want:
    sys.exit("matches are %r" % got["usr/bin/tool"]["matches"])
first, second, third = (rule(line, "/links/" + name, "--", "u:r:link_%s_t:s0" % label)
                        for line, name, label in ((14, "a", "a"), (15, "b", "b"), (16, "c?c", "a")))
name = lambda path, decides, conflict, rule: dict(path=path, decides=decides, conflict=conflict,
                                                  answer="label", label=rule["context"], rule=rule)
check(got, "links/b", label="u:r:link_a_t:s0", rule=first, decided_by="links/a", conflict=True,
      names=[name("links/a", True, False, first), name("links/b", False, True, second),
             name("links/c", False, False, third)])
check(got, "twin", version_dependent=True)
versions = {v["version"]: v["rule"]["line"] for v in got["twin"]["versions"]}
if versions["3.4"] != 13 or versions["3.8"] != 12:
    sys.exit("versions are %r" % versions)
check(got, "proc/file", answer="excluded", label=None, differs=False,
      rule=rule(11, "/proc/.*", None, "<<none>>"), database={"state": "excluded", "label": None})
check(got, "away", answer="unmatched", label=None, rule=None, differs=False, matches=[],
      type="symbolic link", database={"state": "no label", "label": None})
check(got, "odd/new\nl\x1bine", key="/odd/new\nl\x1bine")
check(got, "odd/byte\ufffd", path_hex=b"odd/byte\xff".hex())
if list(got)[0] != "usr/bin/tool" or len(entries) != 7:
    sys.exit("the order is %r" % list(got))
END
why --json rootfs/usr/bin/tool rootfs/links/b rootfs/twin rootfs/proc/file rootfs/away \
	rootfs/odd/$'new\nl\eine' rootfs/odd/$'byte\xff' >out.json
ok "--json" bash -c '/usr/bin/python3 check-json <out.json'
json() { # KEY...: their values, a line an object
	/usr/bin/python3 -c 'import json, sys
for e in json.load(sys.stdin): print(*(json.dumps(e[k]) for k in sys.argv[1:]))' "$@"
}
is "$(why --json --type f rootfs/alias/toy |
	json type_in_tree differs database target key substitutions)" \
	'null null {"state": "no file", "label": null} "/alias/toy" "/usr/bin/toy" [{"file": "policy/file_contexts.subs", "line": 1, "from": "/alias", "to": "/opt/bin"}, {"file": "policy/file_contexts.subs_dist", "line": 1, "from": "/opt/bin", "to": "/usr/bin"}]' \
	"substitutions in JSON"
is "$(why --json --prefix=/usr --type d rootfs/bin/tool rootfs/usr/bin/tool |
	json path type type_in_tree label differs target)" \
	'"bin/tool" "directory" null "u:r:tool_dir_t:s0" null "/usr/bin/tool"
"usr/bin/tool" "directory" "regular file" "u:r:usr_t:s0" null "/usr/usr/bin/tool"' "types in JSON"
is "$(why --json --staging bare bare/usr/bin | json database differs)" \
	'{"state": "no database", "label": null} null' "no database in JSON"
is "$(why --json --engine libselinux rootfs/twin | json versions)" null "what is not known in JSON"
exits 1 "a difference in JSON" why --json --prefix /usr rootfs/single
is "$(json differs database <<<"$OUT")" 'true {"state": "no label", "label": null}' "is true"
exits 2 "an error behind an answer" why --json rootfs/usr rootfs/absent
is "$(json path <<<"$OUT")" '"usr"' "the array is whole"
exits 2 "an error at once" why --json rootfs/absent
is "$OUT" "[]" "the array is whole too"
no_sanitizer_report "all of it"
finish
