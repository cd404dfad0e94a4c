#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A view that writes stays right while the staging tree is changed beside it, and while
# commands change the database: direct changes show within a second, commands' at once.

# shellcheck disable=SC2016,SC2034,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./", uid=0)
d("etc")
f("etc/passwd", "root:x:0:0::/:\nwww:x:33:33::/:\n")
f("etc/group", "root:x:0:\nwww:x:33:\n")
f("etc/keep", "k", uid=102)
d("dev")
c("dev/null", 1, 3)
d("a", uid=105)
f("a/1", "1", uid=106, mode=0o4711)
f("a/2", "2", uid=107)
f("a/3", "3", uid=108)
d("a/sub", uid=109)
f("a/sub/x", "x", uid=110)
d("d", uid=111)
f("d/y", "y", uid=112)
END
printf '/.* a:b:c:s0\n/etc(/.*)? a:b:etc:s0\n' >policy
as_user "$LIVERY" unpack small.tar rootfs >/dev/null || bail "nothing to go on with"
ok "mount -o rw" mount_view rootfs view -o rw
like "$(awk -v p="$SCRATCH/view" '$5 == p { print $6 }' /proc/self/mountinfo)" "^rw," "the kernel has it as rw"

# shows PATH...: owner, type, links and size of each, or that there is none.
shows() {
	as_user bash -c 'cd view && stat -c "%n %u %F %h %s" "$@" 2>&1' bash "$@" |
		sed "s/^stat: .*'\\(.*\\)': No such file.*/\\1 none/"
}
# Looked at just before, so that the kernel has all of it cached.
look() { as_user find view -printf '%p %s %m\n' -exec cat {} + >/dev/null 2>&1; as_user ls -l view/new view/a/new >/dev/null 2>&1; }
# direct DESCRIPTION COMMANDS EXPECTED COMMAND...: after COMMANDS in the staging tree.
direct() {
	look
	as_user bash -c "cd rootfs && $2"
	sleep 1
	is "$("${@:4}")" "$3" "$1: shows within a second"
}
content() { as_user cat "$@" 2>&1 | tr '\n' ' '; }
names() { as_user ls "$@" | tr '\n' ' '; }

# --- direct changes

direct "a new file" 'echo new >new' "new 0 regular file 1 4" shows new
is "$(content view/new)" "new " "with its content"
is "$(names view)" "a d dev etc new " "it is listed"
direct "a new name in a directory that was listed" 'touch a/new' "1 2 3 new sub " names view/a
direct "content of the same size" 'printf K >etc/keep' "K" content view/etc/keep
direct "content that grew" 'printf more >>etc/keep' "Kmore" content view/etc/keep
is "$(shows etc/keep)" "etc/keep 102 regular file 1 5" "and its size; the owner stays"
direct "content that was cut" ': >etc/keep' "etc/keep 102 regular empty file 1 0" shows etc/keep
direct "a file that another replaces" 'echo other >x; mv x etc/keep' "other " content view/etc/keep
is "$(shows etc/keep)" "etc/keep 102 regular file 1 6" "has the owner of the name"
direct "a removed file" 'rm new a/new' "new none
a/new none" shows new a/new
is "$(names view)" "a d dev etc " "it is listed no longer"
direct "a renamed file" 'mv a/1 a/one' "a/1 none
a/one 0 regular file 1 1" shows a/1 a/one
direct "a moved directory" 'mv d a/moved' "d none
a/moved/y 0 regular file 1 1" shows d a/moved/y
is "$(names view/a/moved)" "y " "with what is in it"
direct "a file replaced by a directory" 'rm a/2; mkdir a/2; echo in >a/2/in' "a/2 0 directory 2 4096" shows a/2
is "$(content view/a/2/in)" "in " "with what is in it"
direct "a file replaced by a symbolic link" 'rm a/3; ln -s sub/x a/3' "x" content view/a/3
direct "a directory replaced by a file" 'rm -r a/sub; echo f >a/sub' "f " content view/a/sub
direct "a hard link" 'ln etc/keep etc/link' "other other " content view/etc/keep view/etc/link
direct "content through the other link" 'echo again >>etc/link' "other again " content view/etc/keep
direct "a mode" 'chmod 600 a/2/in' "600" as_user stat -c %a view/a/2/in

# A name that comes while a program makes it: that is cut off, whoever was first.
cat >race.py <<'END'
import multiprocessing, os, time
COUNT = 1000
turn = multiprocessing.RawValue("i", -1)
came = multiprocessing.RawArray("i", COUNT)
def beside():
    for i in range(COUNT):
        while turn.value < i: pass
        until = time.perf_counter() + i % 200 / 1e6
        while time.perf_counter() < until: pass
        try:
            os.link(f"rootfs/old{i}", f"rootfs/race/{i}")
            came[i] = 1
        except FileExistsError: came[i] = 2
os.mkdir("rootfs/race")
for i in range(COUNT):
    with open(f"rootfs/old{i}", "w") as f: f.write("old")
other = multiprocessing.Process(target=beside)
other.start()
for i in range(COUNT):
    turn.value = i
    os.close(os.open(f"view/race/{i}", os.O_CREAT | os.O_TRUNC | os.O_RDWR))
    while not came[i]: pass
    os.unlink(f"rootfs/old{i}")
other.join()
print(sum(os.stat(f"rootfs/race/{i}").st_size > 0 for i in range(COUNT)), "of", COUNT)
END
is "$(as_user /usr/bin/python3 race.py)" "0 of 1000" "files that came while they were made keep old content"
as_user rm -r view/race

# What is appended goes to the end as it is then: past the page cache or not, by whatever name.
as_user /usr/bin/python3 - >append.log <<'END'
import os
for flags in os.O_WRONLY, os.O_RDWR:
    open("rootfs/one", "w").close()
    os.link("rootfs/one", "rootfs/two")
    files = [os.open(f"view/{name}", flags | os.O_APPEND) for name in ("one", "two")]
    want = ""
    for i in range(5):
        os.write(files[0], b"one\n")
        os.write(files[1], b"two\n")
        with open("rootfs/one", "a") as f: f.write("beside\n")
        want += "one\ntwo\nbeside\n"
    os.write(files[0], b"1" * 300000)
    os.write(files[1], b"2" * 300001)
    want += "1" * 300000 + "2" * 300001
    print(*(open(f"{tree}/{name}").read() == want
        for tree in ("rootfs", "view") for name in ("one", "two")), end=" ")
    print(*({os.fstat(f).st_size - len(want) for f in files}))
    for f in files: os.close(f)
    os.unlink("view/one")
    os.unlink("view/two")
END
is "$(cat append.log)" "True True True True 0
True True True True 0" "appending through two names and beside the view loses nothing"

# --- status while it is mounted

exits 1 "status" as_user "$LIVERY" status rootfs
is "$(sort <<<"$OUT")" "moved /a/1 -> /a/one
moved /d -> /a/moved
moved /d/y -> /a/moved/y
replaced /a/2
replaced /a/3
replaced /a/sub
unrecorded /a/2/in
unrecorded /etc/link" "tells all of it"
exits 1 "status of a path in the view" as_user "$LIVERY" status view/a/moved
is "$(sort <<<"$OUT")" "moved /d -> /a/moved
moved /d/y -> /a/moved/y" "tells that part"

# --- commands

# at_once DESCRIPTION EXPECTED QUESTION COMMAND...: the view shows it as soon as the command
# has ended, though the kernel had the old answer an instant before.
at_once() {
	exits 0 "$1" as_user bash -c '
		ask() { (cd view && eval "$question") 2>&1; }
		question=$1 before=$(ask)
		"${@:2}" >/dev/null || exit
		ask; [ "$before" != "$(ask)" ] || echo "as before"' bash "$3" "${@:4}"
	is "$OUT" "$2" "shows at once"
}
L=$LIVERY
at_once "chown of a path in the view" "33:33" 'stat -c %u:%g etc/keep' "$L" chown www:www view/etc/keep
at_once "chown of a path in the staging tree" "7:8" 'stat -c %u:%g etc/keep' "$L" chown 7:8 rootfs/etc/keep
at_once "chown of what has no record" "9" 'stat -c %u etc/link' "$L" chown 9 view/etc/link
is "$(as_user stat -c '%u %h' view/etc/link view/etc/keep)" "9 2
9 2" "its other name is the same file"
at_once "chmod" "4755" 'stat -c %a etc/keep' "$L" chmod u+s,a+rx view/etc/keep
at_once "chown -R" "5 5 " 'stat -c %u etc etc/passwd | tr "\n" " "' "$L" chown -R 5 rootfs/etc
at_once "setfattr of a label" "a:b:c:s9" \
	'getfattr -h --only-values -n security.selinux etc/passwd 2>/dev/null | tr -d "\0"' \
	"$L" setfattr -n security.selinux -v a:b:c:s9 view/etc/passwd
at_once "setfattr of a capability" "security.capability" 'getfattr -m - etc/passwd | grep -o security.cap.*' \
	"$L" setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 rootfs/etc/passwd
at_once "mknod" "character special file 5:1 0" 'stat -c "%F %t:%T %u" dev/console' \
	"$L" mknod -m 600 view/dev/console c 5 1
at_once "mknod in the staging tree" "block special file 8:10 0" 'stat -c "%F %t:%T %u" dev/sdb' \
	"$L" mknod rootfs/dev/sdb b 8 16
at_once "status --repair of one path" "106 4711" 'stat -c "%u %a" a/one' "$L" status --repair view/a/one
is "$(shows a/moved/y)" "a/moved/y 0 regular file 1 1" "and of no other"
at_once "status --repair of the tree" "111 112 " 'stat -c %u a/moved a/moved/y | tr "\n" " "' \
	"$L" status --repair rootfs
ok "status" as_user "$LIVERY" status rootfs
at_once "label" "a:b:etc:s0" \
	'getfattr -h --only-values -n security.selinux etc/passwd 2>/dev/null | tr -d "\0"' \
	"$L" label --policy "$SCRATCH/policy" rootfs
ok "verify" as_user "$LIVERY" verify rootfs
as_user .bin/lib/mktar more.tar <<'END'
d("more", uid=200)
f("more/file", "content", uid=201)
f("etc/keep", "from the tar", uid=202)
END
at_once "unpack" "200 201 202 " 'stat -c %u more more/file etc/keep | tr "\n" " "' \
	"$L" unpack more.tar rootfs
is "$(content view/more/file view/etc/keep)" "contentfrom the tar" "with the content"

# Records made by programs in the view and by commands live together.
as_user bash -c 'echo v >view/by-view && chown 300:301 view/by-view && chmod 6750 view/by-view'
ok "a command reads what the view wrote" as_user "$LIVERY" stat --json rootfs/by-view
like "$OUT" '"mode": "6750".*"uid": 300' "all of it"
at_once "a command changes it" "400:301" 'stat -c %u:%g by-view' "$L" chown 400 rootfs/by-view
as_user chown 500 view/by-view
is "$(as_user stat -c %u:%g view/by-view)" "500:301" "and the view again"
ln -s rootfs.livery other-name.db
at_once "a database under another name" "501" 'stat -c %u by-view' \
	"$L" chown --staging=rootfs --db=other-name.db 501 rootfs/by-view
mv rootfs.livery gone.livery
exits 2 "a command that finds no database" as_user "$LIVERY" chown 1 rootfs/by-view
mv gone.livery rootfs.livery

# --- several commands at once, and beside programs

as_user bash -c 'mkdir view/many && for i in {1..12}; do echo $i >view/many/$i; done'
ok "twelve commands at once, with the view being written" as_user bash -c '
	for i in {1..12}; do
		"$0" chown $((1000 + i)) rootfs/many/$i & pids+=($!)
	done
	for i in {1..60}; do
		echo $i >view/many/n$i && chown $((2000 + i)) view/many/n$i || exit 9
	done
	for pid in "${pids[@]}"; do wait $pid || exit 8; done' "$LIVERY"
is "$(as_user stat -c %u view/many/{1..12} | tr '\n' ' ')" "$(seq -s ' ' 1001 1012) " "all have done it"
is "$(as_user stat -c %u view/many/n{1..60} | tr '\n' ' ')" "$(seq -s ' ' 2001 2060) " \
	"and nothing that the view did is lost"
ok "status afterwards" as_user "$LIVERY" status rootfs

# --- a command that is killed

as_user .bin/lib/mktar big.tar <<'END'
d("big", uid=600)
f("big/file", "b" * 3000000, uid=601)
END
"${e2e_user[@]}" bash -c '(head -c 300000 big.tar; exec sleep 60) | exec "$0" unpack - rootfs' "$LIVERY" \
	>/dev/null 2>unpack.err &
holder=$!
command_pid() { pid=$(pgrep -P "$holder" -x livery || pgrep -f "^$LIVERY unpack - rootfs" | head -n 1); [ -n "$pid" ]; }
result "$(wait_for 10 test -e rootfs/big; echo $?)" "a command has the database"
ok "the command is found" wait_for 5 command_pid
is "$(timeout 20 "${e2e_user[@]}" stat -c %u view/many/1)" 1001 "programs that read go on"
exits 2 "a command that reads goes on" as_user timeout 20 "$LIVERY" ls rootfs/etc
like "$ERR" "the tree is incomplete" "though a tree that is being unpacked is none to look at"
"${e2e_user[@]}" touch view/waits &
waits=$!
"${e2e_user[@]}" "$LIVERY" chown 700 rootfs/many/2 2>chown.err &
second=$!
sleep 1
result "$(kill -0 "$waits" 2>/dev/null; echo $?)" "a program that writes waits"
result "$(kill -0 "$second" 2>/dev/null; echo $?)" "a second command waits"
kill -KILL "$pid"
ok "the program goes on when the command was killed" wait "$waits"
status=0
wait "$second" || status=$?
like "$status $(cat chown.err)" "^2 .*unpack.*did not come to its end" \
	"the second command gets the database, and sees what the first one left"
kill "$holder" 2>/dev/null
pkill -P "$holder" 2>/dev/null
wait "$holder" 2>/dev/null
ok "unpack again" as_user "$LIVERY" unpack big.tar rootfs
at_once "commands work again" "701" 'stat -c %u many/2' "$L" chown 701 view/many/2
is "$(shows big big/file waits)" "big 600 directory 2 4096
big/file 601 regular file 1 3000000
waits 0 regular empty file 1 0" "nothing is missing"

# --- who cannot reach the view

if have_root; then
	exits 2 "a command of another user" as_root "$LIVERY" chown 1 rootfs/many/1
	like "$ERR" "a view that writes shows this tree \(process $(daemons | head -n 1): .*only the view's owner" \
		"is told which process has the database"
fi

# --- the end

strict_umount view
is "$(echo rootfs*)" "rootfs rootfs.livery" \
	"the database is one file"
ok "status" as_user "$LIVERY" status rootfs
ok "label" as_user "$LIVERY" label --policy policy rootfs
ok "verify" as_user "$LIVERY" verify rootfs
ok "a sealed view" mount_view rootfs view
is "$(as_user stat -c '%u %h' view/by-view view/etc/link)" "501 1
5 1" "shows the same"
strict_umount view
finish
