#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The commands that change records: chown, chmod, mknod, setfattr; and that they leave
# everything alone while a sealed view is up.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./")
d("etc")
f("etc/passwd", "root:x:0:0::/root:/bin/sh\nmail:x:8:12::/var/mail:/bin/sh\n7:x:77:78::/:\n"
  "broken\nworse:x:nine:9\n")
f("etc/group", "root:x:0:\nshadow:x:42:\nmail:x:12:\n")
f("etc/shadow", "secret", mode=0o640)
d("usr")
d("usr/bin")
f("usr/bin/a", "a", mode=0o755)
d("srv")
h("srv/a-again", "usr/bin/a")
f("srv/file", "f", mode=0o600)
l("srv/to-shadow", "../etc/shadow")
l("srv/to-etc", "/etc")
d("srv/sub", mode=0o2755)
c("srv/sub/null", 1, 3)
f(b"srv/sub/\xff\nname", "x")
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"

owner() { as_user "$LIVERY" stat --json "rootfs/$1" | grep -o '"uid": [0-9]*, "gid": [0-9]*' | tr -dc '0-9,' | tr , :; }
mode() { as_user "$LIVERY" stat --json "rootfs/$1" | sed -n 's/.*"mode": "\([0-7]*\)".*/\1/p'; }
attr() { # PATH NAME: its value in hexadecimal
	as_user "$LIVERY" stat --json "rootfs/$1" |
		/usr/bin/python3 -c 'import json, sys
print(json.load(sys.stdin)[0]["xattrs"].get(sys.argv[1], "none"))' "$2"
}

# --- chown

chown_is() { # OWNER PATH EXPECTED
	ok "chown $1 $2" as_user "$LIVERY" chown "$1" "rootfs/$2"
	is "$(owner "$2")" "$3" "that makes it $3"
}
chown_is root:shadow etc/shadow 0:42
chown_is mail etc/shadow 8:42
chown_is :mail etc/shadow 8:12
chown_is mail: etc/shadow 8:12
chown_is 1000:4294967294 etc/shadow 1000:4294967294
chown_is 0:shadow etc/shadow 0:42
chown_is 7 etc/shadow 77:42
chown_is 0 etc/shadow 0:42
before=$(owner etc/shadow)
chown_fails() { # OWNER REGEX
	exits 2 "chown $1" as_user "$LIVERY" chown "$1" rootfs/etc/shadow
	like "$ERR" "$2" "says what is wrong with it"
	is "$(owner etc/shadow)" "$before" "and changes nothing"
}
chown_fails nobody "no user 'nobody'.*etc/passwd"
chown_fails root:nogroup "no group 'nogroup'.*etc/group"
chown_fails mail:nobody "no group 'nobody'"
chown_fails 4294967295 "4294967295"
chown_fails 0:4294967296 "4294967296"
chown_fails -1 "-1"
chown_fails : "':'"
chown_fails 0: "'0:': the login group"
chown_fails worse "no user 'worse'"
is "$(as_user stat -c %U:%a rootfs/etc/shadow)" "$(as_user id -un):644" \
	"the staging file itself belongs to the user"
exits 2 "chown of what is not there" as_user "$LIVERY" chown 0:0 rootfs/etc/gone
like "$ERR" "etc/gone" "it is named"

ok "chown of a link" as_user "$LIVERY" chown 5:5 rootfs/srv/to-shadow
is "$(owner srv/to-shadow) $(owner etc/shadow)" "5:5 0:42" "changes the link itself"
ok "chown of one name of a file" as_user "$LIVERY" chown 6:6 rootfs/srv/a-again
is "$(owner usr/bin/a)" "6:6" "changes all its names"
ok "chown -R" as_user "$LIVERY" chown -R mail:shadow rootfs/srv
for path in srv srv/a-again srv/file srv/to-shadow srv/to-etc srv/sub srv/sub/null usr/bin/a \
	$'srv/sub/\xff\nname'; do
	is "$(owner "$path")" "8:42" "chown -R reaches ${path@Q}"
done
for path in etc etc/shadow usr usr/bin; do
	like "$(owner "$path")" "^0:(0|42)$" "chown -R leaves $path alone"
done
ok "chown of several" as_user "$LIVERY" chown 0:0 rootfs/srv/file rootfs/srv/sub
is "$(owner srv/file) $(owner srv/sub)" "0:0 0:0" "all of them"

# Hard links that nobody recorded share the record that one of them gets.
as_user bash -c 'echo new >rootfs/srv/new && ln rootfs/srv/new rootfs/etc/new-too'
ok "chown of an unrecorded hard link" as_user "$LIVERY" chown 9:9 rootfs/srv/new
is "$(owner etc/new-too)" "9:9" "changes the other name too"
as_user bash -c 'mkdir -p rootfs/deep/er && echo x >rootfs/deep/er/file'
ok "chown in a directory that is not recorded" as_user "$LIVERY" chown 9:9 rootfs/deep/er/file
is "$(owner deep/er/file) $(owner deep/er) $(owner deep)" "9:9 0:0 0:0" "only the file changes"
# Hard links to files outside of the tree too, as cp -al makes them.
as_user bash -c 'mkdir rootfs/al && for i in {1..50}; do echo $i >rootfs/al/$i; done && cp -al rootfs/al al &&
	cp -al rootfs/al/1 rootfs/al/one'
ok "chown of many hard links" as_user bash -c '"$0" chown 9:10 rootfs/al/*' "$LIVERY"
is "$(as_user "$LIVERY" ls -n rootfs/al | awk '{ print $3, $4 }' | sort | uniq -c | tr -s ' ')" " 51 9 10" "all of them"
is "$(as_user "$LIVERY" stat rootfs/al/1 | grep Inode)" "$(as_user "$LIVERY" stat rootfs/al/one | grep Inode)" \
	"two names of one file have one record"
exits 2 "chown of several of which one is missing" as_user "$LIVERY" chown 0:0 rootfs/al/1 rootfs/al/gone
is "$(owner al/1)" "9:10" "changes none"
exits 2 "chown of several of which one is in no tree" as_user "$LIVERY" chown 0:0 rootfs/al/1 al/1
is "$(owner al/1)" "9:10" "changes none either"
as_user rm -r al
ok "chown of the root" as_user "$LIVERY" chown 3:4 rootfs
is "$(owner "")" "3:4" "it has an owner too"
as_user ln -s rootfs shortcut
ok "chown of a link to the tree" as_user "$LIVERY" chown 5:6 shortcut
is "$(owner "")" "5:6" "changes the root"
ok "chown of such a link, and of one in the tree" as_user bash -c '
	ln -s . rootfs/deep/here && "$0" chown 3:4 rootfs/deep/here shortcut' "$LIVERY"
is "$(owner "") $(owner deep/here) $(owner deep)" "3:4 3:4 0:0" "a link in the tree is changed itself"
exits 2 "mknod in the place of the link" as_user "$LIVERY" mknod shortcut c 1 3
like "$ERR" "exists" "finds what it leads to"

# Numbers need no names, wherever they might come from.
as_user bash -c 'mv rootfs/etc etc-away && ln -s ../etc-away rootfs/etc'
ok "chown with a link in the place of etc" as_user "$LIVERY" chown 5:6 rootfs/usr
is "$(owner usr)" "5:6" "takes numbers"
ok "ls with a link in the place of etc" as_user "$LIVERY" ls -d rootfs/usr
like "$OUT" " 5 +6 " "shows numbers"
exits 2 "chown to a name" as_user "$LIVERY" chown root rootfs/usr
like "$ERR" "'root'.*etc/passwd" "is refused"
as_user bash -c 'rm rootfs/etc && echo file >rootfs/etc'
ok "chown with a file in the place of etc" as_user "$LIVERY" chown 0:0 rootfs/usr
ok "stat with a file in the place of etc" as_user "$LIVERY" stat rootfs/usr
as_user bash -c 'rm rootfs/etc && mv etc-away rootfs/etc'

# A command that fails leaves no new database behind.
as_user bash -c 'mkdir -p bare/sub && echo x >bare/file'
leaves_none() { # COMMAND...
	exits 2 "${*:1:3}: fails" as_user "$LIVERY" "$1" --staging bare "${@:2}"
	result "$([ -e bare.livery ] || [ -e bare.livery-journal ]; echo $((1 - $?)))" "and no database is made"
}
leaves_none chmod bad bare/file
leaves_none chmod 644 bare/file bare/gone
leaves_none chown : bare/file
leaves_none chown nobody bare/file
leaves_none chown -R nobody bare
leaves_none setfattr -n user.a -v 0x1 bare/file
leaves_none setfattr -n trusted.a -v 1 bare/file
leaves_none setfattr -n user.a bare/file -x user.b
leaves_none setfattr -v 1 -x user.b bare/file
leaves_none setfattr -x user.b bare/file
leaves_none mknod bare/file c 1 3
leaves_none mknod bare p
leaves_none mknod bare/gone/null c 1 3
leaves_none mknod bare/file/null c 1 3
as_user chmod 555 bare/sub
leaves_none mknod bare/sub/null c 1 3
like "$ERR" "sub/null: Permission denied" "it was the staging tree that refused"
as_user chmod 755 bare/sub
ok "mknod that succeeds" as_user "$LIVERY" mknod --staging bare bare/sub/null c 1 3
result "$([ -e bare.livery ]; echo $?)" "makes a database"
exits 2 "mknod that fails then" as_user "$LIVERY" mknod --staging bare bare/sub/null c 1 3
like "$(as_user "$LIVERY" ls -n bare/sub)" "^crw.* 1, *3 .* null" "keeps it"
as_user rm -r bare.livery bare/sub/null
as_user bash -c 'mkdir void; echo "/none x:y:z" >none; "$0" label --allow-unlabeled --no-check --policy none void' \
	"$LIVERY" >/dev/null
for command in "mknod void p" "chown nobody void"; do
	read -ra words <<<"$command"
	exits 2 "$command: fails" as_user "$LIVERY" "${words[0]}" --staging void "${words[@]:1}"
	result "$([ -e void.livery ]; echo $?)" "and an empty database that was there stays"
done
ok "one that succeeds" as_user "$LIVERY" chown --staging bare 5:6 bare/file
exits 2 "one that fails then" as_user "$LIVERY" chown --staging bare nobody bare/file
like "$(as_user "$LIVERY" ls -n bare)" " 5 +6 .* file" "keeps the database"
# A umask that leaves nothing to its owner is for no database, and for no staging file.
for mask in 0777 0277 027; do
	as_user rm -f bare.livery bare/pipe bare/null
	ok "umask $mask: chown" as_user bash -c "umask $mask; exec \"\$0\" chown --staging bare 5:6 bare" "$LIVERY"
	is "$(stat -c %a bare.livery)" "$(printf %o $(((0666 & ~mask) | 0600)))" "umask $mask: its owner can use the database"
	for what in "pipe p" "null c 1 3"; do
		ok "umask $mask: mknod $what" as_user bash -c "umask $mask; exec \"\$0\" mknod bare/$what" "$LIVERY"
	done
	is "$(stat -c %a bare/pipe bare/null | xargs)" "644 644" "umask $mask: all can use what lies in the staging tree"
done

# --- chmod

chmod_is() { # MODE PATH EXPECTED
	ok "chmod $1 $2" as_user "$LIVERY" chmod "$1" "rootfs/$2"
	is "$(mode "$2")" "$3" "that makes it $3"
}
chmod_is 4755 srv/file 4755
chmod_is 0 srv/file 0000
chmod_is u+rwxs,g+x srv/file 4710
chmod_is a=r srv/file 0444
chmod_is "u=rw,go=" srv/file 0600
chmod_is +x srv/file 0711
chmod_is g=u srv/file 0771
chmod_is o-x,o+X srv/file 0771
chmod_is a-x srv/file 0660
chmod_is a+X srv/file 0660
chmod_is a+X srv/sub 2755
chmod_is +t srv/sub 3755
chmod_is 2755 srv/sub 2755
chmod_is 755 srv/sub 2755
chmod_is 00755 srv/sub 0755
# Bit by bit as chmod(1) does it, from the same start, on a file and on a directory.
as_user bash -c 'echo >like-file; mkdir like-dir'
for text in u=s,g+s,o+t ug=rwx,o=g,g-w =rx,u+w "a=,u+r,g=u" u+x-w=rws go=u-w,o+t 7777 01777; do
	as_user chmod 00640 like-file
	as_user chmod 00750 like-dir
	as_user chmod "$text" like-file like-dir
	as_user "$LIVERY" chmod 00640 rootfs/srv/file
	as_user "$LIVERY" chmod 00750 rootfs/srv/sub
	as_user "$LIVERY" chmod "$text" rootfs/srv/file rootfs/srv/sub
	# A mode without "who" is masked by the umask in chmod(1), not here: 0 would be one.
	is "$(mode srv/file)" "$(printf %04o "0$(stat -c %a like-file)")" "chmod $text as chmod(1), file"
	is "$(mode srv/sub)" "$(printf %04o "0$(stat -c %a like-dir)")" "chmod $text as chmod(1), directory"
done
for text in 8 10000 u+q "" rw "u+x,," 0x1ff u; do
	exits 2 "chmod '$text'" as_user "$LIVERY" chmod "$text" rootfs/srv/file
	like "$ERR" "'${text//+/[+]}' is no mode" "says so"
done
is "$(mode srv/file)" "1777" "and none of them changes it"
exits 2 "chmod of a link" as_user "$LIVERY" chmod 600 rootfs/srv/to-shadow
like "$ERR" "to-shadow.*symbolic link|symbolic link.*to-shadow" "the link is named"
ok "chmod -R" as_user "$LIVERY" chmod -R u=rwX,go= rootfs/srv
is "$(mode srv) $(mode srv/file) $(mode srv/a-again) $(mode srv/sub/null) $(mode srv/to-etc)" \
	"0700 0700 0700 0600 0777" "reaches all but links"
is "$(mode usr/bin/a) $(mode etc/shadow) $(mode etc)" "0700 0640 0755" "and nothing beyond"
is "$(stat -c %a rootfs/srv/sub/null)" "644" "the staging files stay readable and writable"

# --- mknod

mknod_is() { # EXPECTED PATH ARG...
	local expected=$1 path=$2
	shift 2
	ok "mknod ${path##*/} $*" as_user "$LIVERY" mknod "rootfs/$path" "$@"
	is "$(as_user "$LIVERY" ls -n "rootfs/$path" | tr -s ' ' | cut -d' ' -f1,2,3,4,6,7 |
		sed 's/, /,/; s/ [0-9]*-.*//; s/ 0$//')" "$expected" "is $expected"
}
mknod_is "crw-r--r-- 1 0 0 5,1" srv/console c 5 1
mknod_is "brw-r--r-- 1 0 0 8,16" srv/disk b 8 16
mknod_is "crw-r--r-- 1 0 0 4095,1048575" srv/last u 0xfff 1048575
mknod_is "prw-r--r-- 1 0 0" srv/fifo p
ok "mknod -m" as_user "$LIVERY" mknod -m 600 rootfs/srv/zero c 1 5
is "$(mode srv/zero)" "0600" "with its mode"
ok "mknod -m u+s" as_user "$LIVERY" mknod -m u+x,go= rootfs/srv/one c 1 5
is "$(mode srv/one)" "0700" "a symbolic mode starts from 0644"
is "$(stat -c '%F %s' rootfs/srv/zero)" "regular empty file 0" "the placeholder is an empty file"
mknod_fails() { # WHAT REGEX ARG...
	exits 2 "mknod: $1" as_user "$LIVERY" mknod "${@:3}"
	like "$ERR" "$2" "says so"
}
mknod_fails "an existing name" "srv/file.*exists" rootfs/srv/file c 1 3
is "$(cat rootfs/srv/file)" f "what was there stays"
mknod_fails "an existing device" "srv/zero.*exists" rootfs/srv/zero c 1 3
as_user touch rootfs/srv/bare
mknod_fails "an unrecorded name" "srv/bare.*exists" rootfs/srv/bare c 1 3
as_user rm rootfs/srv/bare
mknod_fails "no such directory" "absent" rootfs/absent/x c 1 3
mknod_fails "below a file" "file: Not a directory" rootfs/srv/file/x c 1 3
mknod_fails "an unknown type" "'x'.*type" rootfs/srv/x x 1 3
mknod_fails "a number too large" "'4096'.*4095" rootfs/srv/x c 4096 0
mknod_fails "a minor too large" "'1048576'.*1048575" rootfs/srv/x c 1 1048576
mknod_fails "a negative number" "'-1'" -- rootfs/srv/x c 1 -1
mknod_fails "a bad number" "'1x'" rootfs/srv/x c 1x 1
mknod_fails "no numbers" "MAJOR and MINOR" rootfs/srv/x c
mknod_fails "a fifo with numbers" "fifo" rootfs/srv/x p 1 1
mknod_fails "a bad mode" "'999' is no mode" -m 999 rootfs/srv/x p
result "$([ -e rootfs/srv/x ]; echo $((1 - $?)))" "none of them made anything"

# --- setfattr

set_is() { # NAME VALUE HEX PATH
	ok "setfattr $1=$2" as_user "$LIVERY" setfattr -n "$1" -v "$2" "rootfs/${4:-srv/file}"
	is "$(attr "${4:-srv/file}" "$1")" "$3" "the value is $3"
}
set_is user.text hello 68656c6c6f
set_is user.text '"quoted"' 71756f746564
set_is user.hex 0x00ff10 00ff10
set_is user.base64 0sAAECAw== 00010203
set_is user.empty "" ""
set_is user.ends.with. 1 31
set_is security.ima 0x0102 0102 srv/sub/null
set_is security.selinux system_u:object_r:bin_t:s0 \
	73797374656d5f753a6f626a6563745f723a62696e5f743a733000 srv/to-etc
set_is security.selinux 0x613a623a633a643000 613a623a633a643000
set_is security.capability 0x0100000200200000000000000000000000000000 \
	0100000200200000000000000000000000000000
set_is system.posix_acl_access \
	0x0200000001000600ffffffff02000400e803000004000400ffffffff10000600ffffffff20000400ffffffff \
	0200000001000600ffffffff02000400e803000004000400ffffffff10000600ffffffff20000400ffffffff
is "$(attr usr/bin/a user.hex)" none "other files have none of it"
ok "setfattr -x" as_user "$LIVERY" setfattr -x user.hex rootfs/srv/file
is "$(attr srv/file user.hex)" none "it is gone"
ok "setfattr -x of the label" as_user "$LIVERY" setfattr -x security.selinux rootfs/srv/to-etc
is "$(attr srv/to-etc security.selinux)" none "it is gone too"
ok "setfattr on several" as_user "$LIVERY" setfattr -n user.both -v 1 rootfs/srv/file rootfs/srv/sub
is "$(attr srv/file user.both) $(attr srv/sub user.both)" "31 31" "both have it"
ok "setfattr -x by both names of a file" as_user bash -c '"$0" setfattr -n user.x -v 1 rootfs/usr/bin/a &&
	"$0" setfattr -x user.x rootfs/usr/bin/a rootfs/srv/a-again' "$LIVERY"
is "$(attr usr/bin/a user.x)" none "removes it once"
set_fails() { # REGEX NAME VALUE PATH
	exits 2 "setfattr $2=${3@Q} on $4" as_user "$LIVERY" setfattr -n "$2" -v "$3" "rootfs/$4"
	like "$ERR" "$1" "says why"
	[[ $3 = 0?* ]] || like "$ERR" "$4: " "names the file"
	is "$(attr "$4" "$2")" none "and sets nothing"
}
set_fails "security.capability" security.capability 0x00 srv/sub/null
set_fails "security.capability" security.capability junk usr/bin/a
set_fails "trusted.overlay" trusted.overlay y srv/file
set_fails "user.x" user.x y srv/to-etc
set_fails "user.x" user.x y srv/sub/null
set_fails "system.posix_acl_default" system.posix_acl_default 0x02000000 srv/file
set_fails "noprefix" noprefix y srv/file
for space in user. security. trusted. system.; do
	set_fails "$space has no name behind the dot" "$space" y srv/file
done
set_fails "hexadecimal" user.bad 0x123 srv/file
set_fails "base64" user.bad '0s*' srv/file
set_fails "label|context|selinux" security.selinux "" usr/bin/a
set_fails "label <<none>>" security.selinux "<<none>>" usr/bin/a
set_fails "control character" security.selinux $'a:b:\e[31mc' usr/bin/a
set_fails "control character" security.selinux $'a:b:c\nd' usr/bin/a
set_fails "label|context|selinux" security.selinux 0x610062 usr/bin/a
# At each bound of what the kernel hands out: refused, or readable in the view (below).
acl() { # NUMBER OF ENTRIES
	/usr/bin/python3 -c 'import struct, sys
none = 0xffffffff
users = [(2, 4, 1000 + i) for i in range(int(sys.argv[1]) - 4)]
entries = [(1, 6, none)] + users + [(4, 4, none), (16, 6, none), (32, 4, none)] * bool(users)
print("0x02000000" + b"".join(struct.pack("<HHI", *x) for x in entries).hex())' "$1"
}
bound=()
bound_is() { # NAME VALUE
	as_user bash -c "echo >rootfs/srv/bound-${#bound[@]}"
	bound+=("$1")
	ok "setfattr $1=${2:0:60}" as_user "$LIVERY" setfattr -n "$1" -v "$2" "rootfs/srv/bound-$((${#bound[@]} - 1))"
}
zeros=00000000000000000000000000000000
bound_is security.capability "0x00000002$zeros"
bound_is security.capability "0x01000002$zeros"
bound_is security.capability "0x01000003${zeros}00000000"
bound_is security.capability "0x01000003${zeros}01000000"
bound_is security.capability "0x00000003${zeros}feffffff"
bound_is system.posix_acl_access "$(acl 1)"
bound_is system.posix_acl_access "$(acl 511)"
set_fails security.capability security.capability "0x02000002$zeros" srv/sub/null
set_fails security.capability security.capability "0x01010002$zeros" srv/sub/null
set_fails security.capability security.capability "0x01000003$zeros" srv/sub/null
set_fails security.capability security.capability "0x01000003${zeros}ffffffff" srv/sub/null
set_fails system.posix_acl_access system.posix_acl_access 0x02000000 srv/sub/null
set_fails system.posix_acl_access system.posix_acl_access "$(acl 512)" srv/sub/null
exits 2 "setfattr -x of what is not there" as_user "$LIVERY" setfattr -x user.hex rootfs/srv/file
like "$ERR" "user.hex" "it is named"
like "$ERR" "srv/file" "and so is the file"
exits 2 "setfattr without a name" as_user "$LIVERY" setfattr rootfs/srv/file
like "$ERR" "-n NAME" "that is said"

# --- a sealed view is up

ok "mount" mount_view rootfs view -o allow-unlabeled || bail "nothing to go on with"
state() { as_user sha256sum rootfs.livery; as_user find rootfs -printf '%p %y %s %T@ %i\n' | sort; }
before=$(state)
refused() { # COMMAND...
	exits 2 "$1 while a sealed view is up" as_user "$LIVERY" "$@"
	like "$ERR" "rootfs.livery: a sealed view shows this database \(process [0-9]+: .*mount.*umount" \
		"it says who and what to do"
}
refused chown 0:0 rootfs/etc/shadow
refused chown 0:0 view/etc/shadow
refused chmod 600 rootfs/etc/shadow
refused mknod rootfs/srv/more c 1 1
refused mknod view/srv/more c 1 1
refused setfattr -n user.x -v 1 rootfs/srv/file
refused unpack small.tar rootfs
printf '/.* system_u:object_r:x_t:s0\n' >policy
refused label --policy policy rootfs
is "$(state)" "$before" "nothing changed"
ok "ls works meanwhile" as_user "$LIVERY" ls rootfs/srv
ok "stat works meanwhile" as_user "$LIVERY" stat view/srv
ok "status works meanwhile" as_user "$LIVERY" status rootfs
ok "verify works meanwhile" as_user "$LIVERY" verify --allow-unlabeled rootfs
# What the commands set is what tools see.
is "$(as_user stat -c '%u:%g %a %F' view/srv/console)" "0:0 644 character special file" "seen: a device"
is "$(as_user getfattr -h --only-values -n user.text view/srv/file)" "quoted" "seen: an attribute"
is "$(as_user stat -c %i view/srv/new)" "$(as_user stat -c %i view/etc/new-too)" "seen: one inode"
for i in "${!bound[@]}"; do
	like "$(as_user getfattr -h -e hex -n "${bound[i]}" "view/srv/bound-$i" 2>&1)" "${bound[i]}=0x" \
		"seen: ${bound[i]} of bound-$i"
done
strict_umount view

# The same values beyond the bounds, in a database that came from elsewhere.
as_user /usr/bin/python3 - "$zeros" "$(acl 512)" <<'END'
import sqlite3, sys
db = sqlite3.connect("rootfs.livery")
for i, (name, value) in enumerate([
        ("security.capability", "02000002" + sys.argv[1]),
        ("security.capability", "01000003" + sys.argv[1] + "ffffffff"),
        ("system.posix_acl_access", "02000000"),
        ("system.posix_acl_access", sys.argv[2][2:])]):
    db.execute("UPDATE xattr SET name = CAST(? AS BLOB), value = ? WHERE record ="
               " (SELECT record FROM name WHERE name = CAST(? AS BLOB))",
               (name, bytes.fromhex(value), "bound-%d" % i))
db.commit()
END
exits 1 "verify" as_user "$LIVERY" verify --allow-unlabeled rootfs
is "$(grep -c '^attribute /srv/bound-' <<<"$OUT")" 4 "tells of each"
mount_view rootfs view -o allow-unlabeled
capture as_user bash -c 'cd view/srv && getfattr -h -m- -d -e hex bound-[0-3]'
is "$OUT$ERR" "" "none of them is listed"
exits 1 "umount of that" as_user "$LIVERY" umount view
ok "chown works again" as_user "$LIVERY" chown 0:0 rootfs/etc/shadow
finish
