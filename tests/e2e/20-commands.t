#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The command line itself, and the commands that look: ls and stat, in a staging tree and
# in a view of it.

# shellcheck disable=SC1083,SC2016,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

# --- help and usage

ok "help" as_user "$LIVERY" help
is "$ERR" "" "help goes to standard output"
listed=$(sed -n 's/^  \([a-z]*\) .*/\1/p' <<<"$OUT")
for command in unpack label why mount umount ls stat chown chmod mknod setfattr status verify; do
	like " ${listed//$'\n'/ } " " $command " "help lists $command"
done
for option in --help -h; do
	ok "livery $option" as_user "$LIVERY" "$option"
	like "$OUT" "^Usage: livery COMMAND" "livery $option prints the usage"
done
for command in $listed; do
	ok "$command --help" as_user "$LIVERY" "$command" --help
	like "$OUT" "^Usage: livery $command .*" "$command --help says how to call it"
	is "$ERR" "" "$command --help goes to standard output"
	by_option=$OUT
	ok "help $command" as_user "$LIVERY" help "$command"
	is "$OUT" "$by_option" "help $command says the same"
	exits 2 "$command: an unknown option" as_user "$LIVERY" "$command" --no-such-option
	like "$ERR" "livery $command: .*--no-such-option" "$command names the option"
	is "$OUT" "" "$command: a mistake goes to standard error"
	[ "$command" = help ] && continue
	exits 2 "$command without operands" as_user "$LIVERY" "$command"
	like "$ERR" "operand is missing" "$command says what is missing"
done
ok "livery --version" as_user "$LIVERY" --version
like "$OUT" "^livery [0-9]" "the version"
exits 2 "nothing to do" as_user "$LIVERY"
like "$ERR" "livery help" "that is answered with a hint"
exits 2 "an unknown command" as_user "$LIVERY" frobnicate
like "$ERR" "no command 'frobnicate'.*livery help" "the command is named"
exits 2 "help for an unknown command" as_user "$LIVERY" help frobnicate
like "$ERR" "frobnicate" "the command is named by help too"
exits 2 "an operand too many" as_user "$LIVERY" umount one two
like "$ERR" "two" "the operand is named"
exits 2 "an option without its value" as_user "$LIVERY" ls --db
like "$ERR" "--db" "the option is named"
exits 2 "output that cannot be written" as_user bash -c "'$LIVERY' help >/dev/full"
like "$ERR" "standard output" "it says so"
ok "completion" as_user bash -c "'$LIVERY' completion bash | bash -n"
ok "completion knows the options" \
	as_user bash -c "'$LIVERY' completion bash | grep -q 'allow-unlabeled'"

# --- a tree to look at

as_user .bin/lib/mktar small.tar <<'END'
bin = LABEL("system_u:object_r:bin_t:s0")
d("./", x=LABEL("system_u:object_r:root_t:s0"))
d("etc", x=LABEL("system_u:object_r:etc_t:s0"))
f("etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\n")
f("etc/group", "root:x:0:\nshadow:x:42:\nwww-data:x:33:\n")
f("etc/shadow", "root:*::::::\n", mode=0o640, gid=42)
d("dev")
c("dev/null", 1, 3, mode=0o666)
b("dev/sda", 8, 0, mode=0o660, gid=6)
b("dev/wide", 4095, 1048575)
p("dev/pipe", mode=0o600, uid=33, gid=33)
d("usr")
d("usr/bin", x=bin)
f("usr/bin/su", "su\n" * 1000, mode=0o4755, x=bin)
f("usr/bin/ping", "ping", mode=0o755, x={**CAP(0x2000), **bin, "user.note": b"a\0b"})
h("usr/bin/ping6", "usr/bin/ping")
d("tmp", mode=0o1777)
d("mail", mode=0o2775, uid=12345, gid=4000000000)
l("lib", "usr/lib", x=bin)
l("nowhere", "/absent/target")
f("acl", x={"system.posix_acl_access": bytes.fromhex("02000000"
  "01000600ffffffff02000400e803000004000400ffffffff10000600ffffffff20000400ffffffff")})
f("odd", mode=0o7644, mtime="-5")
f("new\nline", "n")
f(b"byte\xe9\xff", "b", mtime="1600000000.123456789")
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
ok "mount" mount_view rootfs view || bail "nothing to go on with"

# --- ls against ls(1) in the view, field by field

# One line an entry, blanks squeezed.
coreutils_ls() {
	as_user env -C "$1" ls -lZAn --time-style='+%Y-%m-%d %H:%M' --quoting-style=escape |
		tail -n +2 | tr -s ' ' | sed 's/, /,/; '
}
livery_ls() { as_user "$LIVERY" ls -n "$1" | tr -s ' ' | sed 's/, /,/'; }
for dir in "" etc dev usr/bin mail; do
	is "$(livery_ls "rootfs/$dir")" "$(coreutils_ls "view/$dir")" "ls of /$dir as ls -lZ has it"
	is "$(livery_ls "view/$dir")" "$(livery_ls "rootfs/$dir")" "ls of /$dir in the view"
done
is "$(livery_ls rootfs/usr/bin | awk '{ print $1, $2, $3, $4, $5, $6, $9 }')" \
	"-rwxr-xr-x. 2 0 0 system_u:object_r:bin_t:s0 4 ping
-rwxr-xr-x. 2 0 0 system_u:object_r:bin_t:s0 4 ping6
-rwsr-xr-x. 1 0 0 system_u:object_r:bin_t:s0 3000 su" "what the tar had is there"
is "$(livery_ls rootfs/dev | awk '{ print $1, $2, $3, $4, $5, $6, $9 }')" \
	"crw-rw-rw- 1 0 0 ? 1,3 null
prw------- 1 33 33 ? 0 pipe
brw-rw---- 1 0 6 ? 8,0 sda
brw-r--r-- 1 0 0 ? 4095,1048575 wide" "devices with their numbers, '?' for no label"
like "$(livery_ls rootfs)" "lrwxrwxrwx[.] 1 0 0 system_u:object_r:bin_t:s0 7 [^"$'\n'"]* lib -> usr/lib" \
	"a link with its target"
like "$(livery_ls rootfs)" "-rwSr-Sr-T 1 0 0 " "setuid without execution"
like "$(livery_ls rootfs)" "new\\\\nline" "a newline is written as one"

ok "ls with names" as_user "$LIVERY" ls rootfs/etc
like "$OUT" " root +shadow +\? +13 [^"$'\n'"]* shadow" "names come from the tree's own etc/group"
ok "ls -d" as_user "$LIVERY" ls -d rootfs/dev
like "$OUT" "^drwxr-xr-x .* rootfs/dev$" "ls -d shows the directory itself"
ok "ls of the root" as_user "$LIVERY" ls -dn rootfs
like "$OUT" "^drwxr-xr-x[.] +[0-9]+ 0 +0 +system_u:object_r:root_t:s0 " "the root has its label"
ok "ls of several" as_user "$LIVERY" ls rootfs/dev/null rootfs/etc/shadow
is "$(wc -l <<<"$OUT")" 2 "a line each"
ok "ls of a link" as_user "$LIVERY" ls rootfs/lib
like "$OUT" "^lrwxrwxrwx[.] .* rootfs/lib -> usr/lib$" "the link itself"
exits 2 "ls of what is not there" as_user "$LIVERY" ls rootfs/absent
like "$ERR" "absent" "it is named"
exits 2 "ls outside any tree" as_user "$LIVERY" ls /etc/passwd
like "$ERR" "/etc/passwd.*--staging" "the way out is named"
as_user mkdir -p apart/tree
as_user cp rootfs.livery apart/elsewhere.db
exits 2 "--db alone" as_user "$LIVERY" ls --db apart/elsewhere.db rootfs/etc
like "$ERR" "--staging" "it takes --staging as well"
ok "--staging and --db" as_user "$LIVERY" ls --staging rootfs --db apart/elsewhere.db rootfs/etc
is "$OUT" "$(as_user "$LIVERY" ls rootfs/etc)" "the same answer by another database"
exits 2 "a path outside --staging" as_user "$LIVERY" ls --staging rootfs --db apart/elsewhere.db apart
like "$ERR" "not in the staging tree" "that is said"

# --- JSON

cat >check-json <<'END'
import json, sys
entries = {e["path"]: e for e in json.load(sys.stdin)}
want = {
    "etc/shadow": dict(type="regular file", mode="0640", uid=0, gid=42, links=1, size=13,
                       label=None, recorded=True, mtime=1500000000, mtime_nsec=0),
    "dev/wide": dict(type="block device", mode="0644", major=4095, minor=1048575),
    "usr/bin/ping6": dict(mode="0755", links=2, label="system_u:object_r:bin_t:s0"),
    "usr/bin/su": dict(mode="4755", size=3000),
    "lib": dict(type="symbolic link", target="usr/lib", mode="0777", size=7),
    "new\nline": dict(size=1),
    "byte\ufffd\ufffd": dict(path_hex="62797465e9ff", mtime=1600000000, mtime_nsec=123456789),
    "odd": dict(mtime=-5, mtime_nsec=0, mode="7644"),
    "mail": dict(type="directory", mode="2775", uid=12345, gid=4000000000),
    "": dict(type="directory", label="system_u:object_r:root_t:s0"),
}
paths = [p for p in sys.argv[1:]]
bad = []
for path in paths:
    path = path.replace("@", "\n")
    entry = entries.get(path)
    if entry is None:
        bad.append("no %r in %r" % (path, sorted(entries)))
        continue
    for key in "path type mode uid gid inode links size mtime mtime_nsec label recorded xattrs".split():
        if key not in entry:
            bad.append("%r lacks %s" % (path, key))
    for key, value in want[path].items():
        if entry.get(key) != value:
            bad.append("%r: %s is %r, not %r" % (path, key, entry.get(key), value))
if "usr/bin/ping6" in paths:
    ping = entries["usr/bin/ping6"]["xattrs"]
    expected = {"security.capability": "0100000200200000" + "00" * 12,
                "security.selinux": b"system_u:object_r:bin_t:s0\0".hex(),
                "user.note": "610062"}
    if ping != expected or list(ping) != sorted(ping):
        bad.append("attributes of ping6: %r" % ping)
    if entries["usr/bin/ping6"]["inode"] != entries["usr/bin/ping"]["inode"]:
        bad.append("ping and ping6 have two inodes")
print("\n".join(bad) or "fine")
END
json_of() { as_user "$LIVERY" "$@" | /usr/bin/python3 check-json "${fields[@]}" 2>&1; }
fields=("" etc/shadow dev/wide lib "new@line" $'byte\ufffd\ufffd' odd mail usr/bin/su usr/bin/ping6)
is "$(json_of stat --json rootfs rootfs/{etc/shadow,dev/wide,lib,$'new\nline',$'byte\xe9\xff',odd,mail} \
	rootfs/usr/bin/{su,ping,ping6})" fine "stat --json has everything"
fields=(usr/bin/ping6 usr/bin/su etc/shadow dev/wide lib "new@line" mail)
is "$(json_of ls --json rootfs rootfs/usr/bin rootfs/etc rootfs/dev)" fine "ls --json has everything"
fields=("")
is "$(json_of ls -d --json rootfs)" fine "ls -d --json has the root"
for command in ls stat; do
	exits 2 "$command --json of a path that is not there, behind one that is" \
		as_user "$LIVERY" $command --json rootfs/etc/shadow rootfs/nothing
	is "$(/usr/bin/python3 -c 'import json, sys
print(*[e["path"] for e in json.load(sys.stdin)])' <<<"$OUT" 2>&1)" "etc/shadow" "what it prints is whole"
done
as_user mkdir rootfs/mail/empty
is "$(as_user "$LIVERY" ls --json rootfs/mail/empty | tr -d '\n ')" "[]" \
	"ls --json of an empty directory is an empty list"

# --- stat

ok "stat" as_user "$LIVERY" stat rootfs/usr/bin/ping6
for line in "File: /usr/bin/ping6" "Type: regular file" "Size: 4" "Mode: 0755 -rwxr-xr-x" \
	"Uid: 0 \(root\)" "Gid: 0 \(root\)" "Links: 2" "Label: system_u:object_r:bin_t:s0" \
	"Attribute: security.capability=0x01000002" "Attribute: user.note=0x610062" \
	"Modify: 2017-07-14 0" "Inode: [0-9]+" "Record: yes"; do
	like "$OUT" " *$line" "stat says ${line%%:*}"
done
ok "stat of a device" as_user "$LIVERY" stat rootfs/dev/wide
like "$OUT" "Device: 4095, 1048575" "with its numbers"
ok "stat of a link" as_user "$LIVERY" stat rootfs/lib
like "$OUT" "File: /lib -> usr/lib" "with its target"
ok "stat of what no record knows" as_user "$LIVERY" stat rootfs/mail/empty
like "$OUT" "Record: none" "that is said"
ok "stat -n" as_user "$LIVERY" stat -n rootfs/etc/shadow
like "$OUT" "Gid: 42 \(42\)" "numbers only"

# --- the same by any road to it

as_user ln -s rootfs shortcut
relative() { as_user env -C "$1" "$LIVERY" "${@:2}"; }
for path in usr/bin/ping lib dev/null mail; do
	answer=$(as_user "$LIVERY" stat "rootfs/$path")
	is "$(as_user "$LIVERY" stat "view/$path")" "$answer" "stat of $path in the view"
	is "$(as_user "$LIVERY" stat "$SCRATCH/rootfs/./$path")" "$answer" "$path by an absolute path"
	is "$(relative rootfs stat "$path")" "$answer" "$path from in the staging tree"
	is "$(relative view stat "$path")" "$answer" "$path from in the view"
	is "$(as_user "$LIVERY" stat "shortcut/$path")" "$answer" "$path through a link to the tree"
done
# A link that is in no tree is what it leads to; one in a tree is itself, wherever it leads.
as_user bash -c 'ln -s view to-view; ln -s shortcut twice; ln -s rootfs/usr/bin to-bin
	ln -s rootfs/gone dangling; ln -s apart to-apart; ln -s to-apart circle; ln -sfn circle to-apart'
for link in shortcut shortcut/ twice "$SCRATCH/shortcut" to-view to-view/; do
	is "$(as_user "$LIVERY" ls "$link" 2>&1)" "$(as_user "$LIVERY" ls rootfs)" "ls of the link $link"
	is "$(as_user "$LIVERY" stat "$link" 2>&1)" "$(as_user "$LIVERY" stat rootfs)" "stat of the link $link"
done
is "$(as_user "$LIVERY" status to-view 2>&1)" "$(as_user "$LIVERY" status view 2>&1)" "status of a link to a view"
is "$(as_user "$LIVERY" ls to-bin 2>&1)" "$(as_user "$LIVERY" ls rootfs/usr/bin)" "ls of a link to a directory in the tree"
is "$(as_user "$LIVERY" ls -d --staging shortcut shortcut 2>&1)" "$(as_user "$LIVERY" ls -d rootfs | sed s/rootfs/shortcut/)" \
	"the link as --staging and as a path"
is "$(as_user "$LIVERY" ls -d --staging rootfs --db apart/elsewhere.db to-bin 2>&1)" \
	"$(as_user "$LIVERY" ls -d rootfs/usr/bin | sed s,rootfs/usr/bin,to-bin,)" "a link into --staging"
as_user cp apart/elsewhere.db shortcut.livery
as_user /usr/bin/python3 -c 'import sqlite3
db = sqlite3.connect("shortcut.livery")
db.execute("UPDATE record SET uid = 77")
db.commit()'
is "$(as_user "$LIVERY" stat shortcut 2>&1)" "$(as_user "$LIVERY" stat rootfs)" "a database beside a link is nobody's, as for mount"
as_user rm shortcut.livery
for link in dangling circle; do
	exits 2 "a link that leads nowhere: $link" as_user "$LIVERY" ls "$link"
	like "$ERR" "$SCRATCH/$link: neither it nor" "it is named"
done
as_user ln -s apart/tree to-none
exits 2 "a link to what is no tree" as_user "$LIVERY" stat to-none
like "$ERR" "$SCRATCH/to-none: neither it nor" "the link is named"
is "$(relative rootfs/usr/bin ls -d .)" "$(relative view/usr/bin ls -d .)" "'.' in both"
is "$(relative rootfs/usr/bin stat ..)" "$(as_user "$LIVERY" stat rootfs/usr)" "'..' in the tree"

# --- a database from elsewhere: whatever its labels and names of attributes are

as_user bash -c 'mkdir -p odd/dir && touch odd/label odd/many odd/full odd/dir/x && ln odd/label odd/other'
ok "chown" as_user "$LIVERY" chown --staging odd 0:0 odd/label odd/many odd/full
as_user "$LIVERY" setfattr -n security.selinux -v a:b:c odd/label
as_user /usr/bin/python3 - <<'END'
import sqlite3
db = sqlite3.connect("odd.livery")
db.execute("UPDATE label SET context = ?", (b"a\x1b[31mb\n\xffc",))
def record(name):
    return db.execute("SELECT record FROM name WHERE name = ?", (name,)).fetchone()[0]
for name in (b"user.\xfe", b"user.\xfd", b"user.plain"):
    db.execute("INSERT INTO xattr VALUES (?, ?, ?)", (record(b"label"), name, b"\1"))
for i in range(8000):
    db.execute("INSERT INTO xattr VALUES (?, ?, ?)", (record(b"many"), b"user.%d" % i, b"1"))
for i in range(4096):
    db.execute("INSERT INTO xattr VALUES (?, ?, ?)", (record(b"full"), b"user.%010d" % i, b"1"))
db.commit()
END
ok "ls" as_user "$LIVERY" ls -n odd/label odd/dir
like "$OUT" ' a\\033\[31mb\\n\\377c +0 ' "a label is printed as one column"
is "$(wc -l <<<"$OUT")" 3 "in one line"
ok "ls of an odd directory" as_user bash -c 'mkdir odd/$'"'a\\eb'"' && "$0" ls odd/$'"'a\\eb'"' odd/dir' "$LIVERY"
like "$OUT" 'odd/a\\033b:' "its heading is printable"
ok "stat" as_user "$LIVERY" stat odd/label
like "$OUT" 'Label: a\\033\[31mb\\n\\377c' "in stat too"
ok "stat --json" as_user "$LIVERY" stat --json odd/label
is "$(/usr/bin/python3 -c 'import json, sys
e = json.load(sys.stdin)[0]
e["xattrs"].pop("security.selinux")
print(ascii(e["label"]), e["label_hex"], e["xattrs"], e["xattrs_hex"])' <<<"$OUT")" \
	"'a\\x1b[31mb\\n\\ufffdc' 611b5b33316d620aff63 {'user.plain': '01'} {'757365722efd': '01', '757365722efe': '01'}" \
	"what is no UTF-8 is there in hexadecimal"
cat >memory <<'END'
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
peak=$(as_user /usr/bin/python3 memory "$LIVERY" ls odd/many)
result "$((peak > 300000))" "8,000 attributes take $peak KB of memory"
exits 1 "verify" as_user "$LIVERY" verify --allow-unlabeled odd
like "$(grep ^attribute <<<"$OUT")" "^attribute /many .*user[.][0-9]+ is not shown: .*65536 bytes[^"$'\n'"]*$" "more names than can be listed are told"
ok "mount" mount_view odd odd-view -o allow-unlabeled
is "$(as_user /usr/bin/python3 -c 'import os
names = os.listxattr("odd-view/full")
print(len(names), sum(len(n) + 1 for n in names), os.getxattr("odd-view/full", names[-1]))')" "4096 65536 b'1'" \
	"as many as can be listed are"
exits 1 "umount" as_user "$LIVERY" umount odd-view
printf '/.* x:y:\x1b[31mz:s0\n/other x:y:z:s0\n/dir/x <<none>>\n' >$'odd\epolicy'
capture as_user "$LIVERY" label --policy $'odd\epolicy' odd
is "$(tr -d '\n' <<<"$OUT$ERR" | tr -cd '\000-\037' | wc -c)" 0 "label prints no control character"

# The one finding is the test's own: mail/empty was made under the view.
exits 1 "umount" as_user "$LIVERY" umount view
like "$ERR" "mail" "it tells that mail changed"
finish
