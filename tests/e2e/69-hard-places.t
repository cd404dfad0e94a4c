#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Hard places for a view that writes: a change that waits for the database, hard links by the
# thousand, files without a name, full disks, closed directories, moves beside the view.

# shellcheck disable=SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

py() { as_user /usr/bin/python3 -c "import os, time
$1" "${@:2}"; }
# paths TREE [PREFIX]: the names there.
paths() { as_user bash -O nullglob -c 'cd "$0" && echo $1*' "$1" "${2-}"; }
# fresh [OPTION...]: an empty staging tree, t, and a view of it, v.
fresh() {
	as_user mkdir -p t
	ok "mount -o rw" mount_view t v "${@:--orw}"
}
# records DESCRIPTION [DATABASE]: each has a name, each name a record; SQLite finds no fault.
records() {
	is "$(as_user /usr/bin/python3 - "${2:-t.livery}" <<'END'
import sqlite3, sys
c = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
for question in (
    "select count(*) from record where id != 1 and id not in (select record from name)",
    "select count(*) from name where record not in (select id from record)",
    "select count(*) from name where parent not in (select id from record)",
    "select count(*) from xattr where record not in (select id from record)",
    "pragma integrity_check"):
    print(c.execute(question).fetchone()[0], end=" ")
END
)" "0 0 0 0 ok " "$1: every record has a name, every name a record"
}
# works WHERE: changes are made.
works() {
	ok "$1: changes are made" timeout 20 "${e2e_user[@]}" bash -c 'cd v && n=works.$$ &&
		echo x >$n && chown 8:9 $n && mkdir $n.d && mv $n $n.d/f && ln $n.d/f $n && rm -r $n.d $n'
}
# done_with WHERE: a clean end, nothing of the database but one file, all of it as the tree is.
done_with() {
	strict_umount v
	is "$(echo t.livery*)" "t.livery" "$1: the database is one file"
	records "$1"
	ok "$1: status" as_user "$LIVERY" status t
	rest
}
# The same where t and its database have a filesystem of their own.
done_on_disk() { # WHAT
	strict_umount v
	is "$(ls disk)" $'t\nt.livery' "$1: the database is one file"
	records "$1" disk/t.livery
	ok "$1: status" as_user "$LIVERY" status disk/t
}
rest() {
	as_user chmod -R u+rwX t
	as_user rm -rf t v t.livery*
}

# lent: a command, which reads a tar from here, has the database until `given_back`.
as_user .bin/lib/mktar lent.tar <<'END'
d("lent")
f("lent/file", "b" * 1000000)
END
lent() {
	as_user mkfifo fifo
	as_user bash -c 'exec "$0" unpack - t <fifo' "$LIVERY" >unpack.log 2>&1 &
	lender=$!
	exec 7>fifo
	head -c 300000 lent.tar >&7
	wait_for 20 test -e t/lent
	result $? "$1: a command has the database"
}
given_back() {
	tail -c +300001 lent.tar >&7
	exec 7>&-
	wait "$lender"
	result $? "$1: the command has ended" || diag "$(cat unpack.log)"
	rm -f fifo
}

# --- a change that waits for the database

fresh
as_user bash -c 'mkdir v/d1 v/d2 v/d3 v/many && touch v/d1/a v/d2/b v/d3/c v/many/{1..100} &&
	ls -R v >/dev/null'
lent "waiting"
pids=()
for i in 1 2 3; do
	for change in "touch v/d1/x$i" "ln v/d1/a v/d1/l$i" "mkdir v/d1/m$i"; do
		# shellcheck disable=SC2086 # words
		as_user $change 7>&- & pids+=($!)
	done
	sleep 0.02
done
as_user mv v/d3/c v/d1/ 7>&- & pids+=($!)
for i in {1..20}; do
	as_user stat v/d2/absent v/d3/absent v/absent
done >/dev/null 2>&1
is "$(paths t d1/)" "d1/a" "changes wait"
# What only reads does not, however many changes wait: each of these is one message, since the
# kernel lets changes to different files wait beside each other.
as_user bash -c 'for i in {1..100}; do chmod 600 v/many/$i & done; wait' 7>&- & pids+=($!)
sleep 1
ok "ls does not wait" timeout 10 "${e2e_user[@]}" ls -l v
ok "reading does not wait" timeout 10 "${e2e_user[@]}" cat v/many/1
as_user bash -c 'echo x >t/read-only && chmod 400 t/read-only'
ok "fsync of what was opened to be read does not wait" timeout 20 "${e2e_user[@]}" /usr/bin/python3 -c '
import os; os.fsync(os.open("v/read-only", os.O_RDONLY))'
exits 2 "umount meanwhile" timeout 20 "${e2e_user[@]}" "$LIVERY" umount v
like "$ERR" "a command still changes this tree" "says why not"
result "$(is_mounted "$SCRATCH/v"; echo $?)" "the view is still there"
given_back "waiting"
wait "${pids[@]}"
is "$(paths t d?/)" "d1/a d1/c d1/l1 d1/l2 d1/l3 d1/m1 d1/m2 d1/m3 d1/x1 d1/x2 d1/x3 d2/b" \
	"each change was made in its directory"
is "$(paths v d?/)" "$(paths t d?/)" "the view says so too"
is "$(as_user find v/many -type f -perm 600 | wc -l)" "100" "and to each file"
is "$(stat -c %a t/read-only)" "400" "fsync changes no mode in the staging tree"
exits 1 "status" as_user "$LIVERY" status t
is "$OUT" "unrecorded /read-only" "nor makes it a record"
as_user rm -f v/read-only
done_with "waiting"

# --- very many names, few descriptors

as_user mkdir -p t v
ok "mount with 256 descriptors" as_user bash -c 'ulimit -n 256; exec "$0" mount -o rw,default-owner=$(id -u):$(id -g) t v' "$LIVERY"
ok "1,500 files" py 'os.mkdir("v/a")
for i in range(1500): os.close(os.open(f"v/a/f{i}", os.O_CREAT | os.O_WRONLY))'
ok "cp -al" as_user cp -al v/a v/b
ok "rm -rf of the links" as_user rm -rf v/b
is "$(as_user ls v/a | wc -l) $(ls t/a | wc -l) $(ls t)" "1500 1500 a" "nothing else is gone"
is "$(as_user stat -c %h v/a/f7)" "1" "they are single names again"
works "few descriptors"
# The other way round: the name that the kernel knows goes, the other one stays.
ok "cp -al again" as_user cp -al v/a v/b
ok "rm -rf of the first names" as_user rm -rf v/a
ok "chown by the second ones" as_user chown -R 3:4 v/b
is "$(as_user find v/b -type f -uid 3 -links 1 | wc -l)" "1500" "are the files"
done_with "few descriptors"

as_user mkdir -p t v
ok "mount with a soft limit of 256" as_user bash -c 'ulimit -Sn 256; exec "$0" mount -o rw t v' "$LIVERY"
ok "600 files that are open and removed" as_user bash -c 'ulimit -Sn 900 && exec /usr/bin/python3 -c "$1"' - '
import os
fds = []
for i in range(600):
    fds.append(os.open(f"v/{i}", os.O_CREAT | os.O_RDWR))
    os.write(fds[-1], b"%d" % i)
for i in range(600): os.unlink(f"v/{i}")
os.fchown(fds[5], 5, 5)
for i, fd in enumerate(fds): assert os.pread(fd, 9, 0) == b"%d" % i
assert os.fstat(fds[5]).st_uid == 5 and os.fstat(fds[5]).st_nlink == 0
assert os.listdir("v") == []'
works "many open files"
done_with "many open files"

as_user mkdir -p t/d v
as_user bash -c 'for i in {1..300}; do echo text >t/d/$i; done'
ok "mount with 48 descriptors" as_user bash -c 'ulimit -n 48; exec "$0" mount -o rw t v' "$LIVERY"
ok "300 files are read, one right after the other" py 'for i in range(1, 301): open(f"v/d/{i}").read()'
is "$(as_user ls v/d | wc -l)" "300" "and listed at once"
ok "written" py 'for i in range(1, 301): open(f"v/d/{i}", "w").write("x")'
works "very few descriptors"
as_user "$LIVERY" umount v
rest

# --- files that lose their name, and get one again

fresh
ok "a removed file that another name beside the view holds, linked again" py '
fd = os.open("v/f", os.O_RDWR | os.O_CREAT)
os.link("t/f", "t/other")
time.sleep(1)
os.unlink("v/f")
time.sleep(1)
assert os.fstat(fd).st_nlink == 1
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, b"v/back", 0x400): raise OSError(ctypes.get_errno())
os.fchown(fd, 6, 7)
os.close(fd)'
works "a name again"
is "$(as_user stat -c '%u:%g %h' v/back)" "6:7 1" "it is the file"
as_user rm v/back v/other
works "a name again, removed again"
ok "a name whose file was replaced by one of another type" py '
os.mkdir("v/ty")
os.rmdir("t/ty")
open("t/ty", "w").close()
os.link("t/ty", "t/ty2")
time.sleep(1)
fd = os.open("v/ty", os.O_RDWR)
os.unlink("v/ty")
os.chown("v/ty2", 5, 5)
os.close(fd)'
works "another type"
is "$(as_user stat -c %u:%g v/ty2)" "5:5" "its other name has the record"
ok "an unrecorded file that is removed, then changed" py '
open("t/tmpf", "w").close()
fd = os.open("v/tmpf", os.O_RDWR)
os.unlink("v/tmpf")
os.fchmod(fd, 0o600)
os.fchown(fd, 1, 2)
assert os.fstat(fd).st_uid == 1
os.close(fd)'
works "unrecorded"
# A number that is free while the database is lent may be another record's afterwards.
ok "a file without a name" py 'fd = os.open("v/held", os.O_RDWR | os.O_CREAT); os.unlink("v/held")
os.set_inheritable(fd, True)
if os.fork() == 0:
    while not os.path.exists("t/go"): time.sleep(0.05)
    os.fchown(fd, 77, 77); os.close(fd)
    open("t/went", "w").close()
    os._exit(0)'
as_user touch t/stranger
ok "a command that drops what has no name" as_user "$LIVERY" status --repair t
ok "a command that makes a record" as_user "$LIVERY" chown 55 t/stranger
as_user touch t/go
ok "the file is changed after it" wait_for 10 test -e t/went
works "numbers that are used again"
is "$(as_user stat -c %u v/stranger)" "55" "and is no other file"
as_user rm v/go v/went
ok "a number that is used again while the file that had it is still open" py '
import subprocess, sys
os.mkdir("v/p")
first = os.open("v/first", os.O_RDWR | os.O_CREAT)
os.unlink("v/first")
os.rename("t/p", "t/q")
subprocess.run([sys.argv[1], "status", "--repair", "t"], check=True, stdout=subprocess.DEVNULL)
second = os.open("v/second", os.O_RDWR | os.O_CREAT)
os.unlink("v/second")
os.close(first)
time.sleep(0.3)
os.mkdir("v/third")
os.fchown(second, 88, 88)
os.close(second)' "$LIVERY"
works "numbers that are still in use"
done_with "no name"

# --- hard links made beside the view

as_user mkdir source
as_user /usr/bin/python3 -c '
import os
for d in range(30):
    os.mkdir(f"source/d{d}")
    for i in range(100): open(f"source/d{d}/f{i}", "w").close()'
as_user cp -al source t
as_user cp -a source/d0 source/d1 source/d2 t/d0/
as_user ln t/d7/f1 t/d8/beside
fresh
# cpu: what the daemon has used, in milliseconds.
cpu() { awk '{ t += $1 } END { printf "%d", t / 1000000 }' /proc/"$(daemons | head -n 1)"/task/*/schedstat; }
as_user find v -ls >/dev/null
start=$(cpu)
ok "chown of 300 files with one name" as_user chown -R 4:4 v/d0/d0 v/d0/d1 v/d0/d2
plain=$(($(cpu) - start))
start=$(cpu)
ok "chown of 300 files with a name outside" as_user chown -R 5:5 v/d3 v/d4 v/d5
linked=$(($(cpu) - start))
result $((linked > 8 * plain + 400)) "does not read the tree for each ($linked ms, without links $plain)"
is "$(as_user find v -type f -uid 5 | wc -l)" "300" "all have it"
is "$(as_user stat -c %u v/d7/f1 v/d8/beside | tr '\n' ' ')" "0 0 " "two names beside the view"
as_user chown 9 v/d7/f1
is "$(as_user stat -c %u v/d7/f1 v/d8/beside | tr '\n' ' ')" "9 9 " "share one record"
# Two inodes for the kernel, until they have one record.
ok "a file with a record, linked beside the view" py '
import subprocess, sys
def shows(*want):
    time.sleep(1)
    for fd in a, b:
        s = os.fstat(fd)
        got = s.st_uid, s.st_gid, s.st_mode & 0o7777, os.getxattr(fd, "user.k")
        assert got == (*want, b"kept"), got
for join in (lambda: os.fchown(b, 9, -1),
        lambda: subprocess.run([sys.argv[1], "status", "--repair", "t"], stdout=subprocess.DEVNULL)):
    a = os.open("v/a", os.O_RDWR | os.O_CREAT)
    os.fchown(a, 9, 8)
    os.fchmod(a, 0o640)
    os.setxattr(a, "user.k", b"kept")
    os.link("t/a", "t/b")
    b = os.open("v/b", os.O_RDWR)
    join()
    shows(9, 8, 0o640)
    os.fchown(b, 10, -1)
    os.fchmod(a, 0o611)
    os.fchown(a, -1, 11)
    shows(10, 11, 0o611)
    os.unlink("v/a")
    os.unlink("v/b")' "$LIVERY"
as_user bash -c 'touch v/a && chown 7:8 v/a && chmod 640 v/a'
strict_umount v
as_user ln t/a t/b
fresh
as_user chown 9 v/b
is "$(as_user stat -c '%u:%g %a %h' v/a v/b | xargs)" "9:8 640 2 9:8 640 2" "one that nobody had looked at since"
as_user "$LIVERY" status --repair t >/dev/null 2>&1
done_with "links beside the view"
rm -rf source

# --- permissions of the staging tree

as_user bash -c 'mkdir -p t/ro t/d/sub t/e/sub t/z/in t/w t/l/sub && echo f >t/z/f && echo g >t/g &&
	chmod 555 t/ro t/d t/e && chmod 600 t/z/in && chmod 300 t/w && chmod 000 t/z && chmod 444 t/l'
fresh
is "$(as_user find v/l -printf '%P %m ')" " 444 sub 755 " "a directory of mode 0444 is listed"
is "$(as_user cat v/z/f)" "f" "a file in a directory of mode 0000"
ok "a directory of mode 0600 in it" as_user touch v/z/in/new
ok "a file moved into one of mode 0555" as_user mv v/g v/ro/g
ok "a file made there" as_user touch v/ro/new
ok "a directory of mode 0555 moved into another" as_user bash -c 'mkdir v/n && mv v/d v/n/d'
ok "two that change places" py '
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.renameat2(-100, b"v/e", -100, b"v/n/d", 2): raise OSError(ctypes.get_errno())'
ok "fsync of a directory of mode 0300" py 'os.fsync(os.open("v/w", os.O_RDONLY))'
is "$(as_user stat -c %a v/ro v/e v/n/d v/z/in v/z v/w | tr '\n' ' ')" "555 555 555 600 0 300 " \
	"all show the modes that they had"
ok "rm -rf of it all" as_user bash -c 'rm -rf v/*'
is "$(ls -A t)" "" "leaves nothing"
done_with "permissions"

as_user mkdir -p t/shut/plain t/shut/known
as_user chmod 711 t/shut/plain t/shut/known
fresh
as_user chown 3 v/shut/known
ok "names in directories that are open, below one that is closed beside the view" py '
fds = [os.open(f"v/shut/{d}", os.O_RDONLY) for d in ("plain", "known")]
os.chmod("t/shut", 0)
for fd in fds:
    for open_it in (lambda: os.stat("name", dir_fd=fd),
            lambda: os.open(".", os.O_TMPFILE | os.O_RDWR, dir_fd=fd)):
        try: raise SystemExit(open_it())
        except PermissionError: pass
os.chmod("t/shut", 0o755)
time.sleep(1)'
is "$(as_user stat -c '%u %a' v/shut/known v/shut/plain | xargs)" "3 711 0 711" \
	"are refused, and the directories are as before"
strict_umount v
records "closed above"
rest

as_user bash -c 'mkdir t && cd t && echo text | tee f1 f2 f3 f4 f5 >/dev/null && chmod 6755 f?'
fresh
ok "setuid bits that only the staging file has" as_user bash -c 'cd v && setfattr -n user.x -v 1 f1 &&
	echo x >>f2 && truncate -s 1 f3 && touch f4 && mv f5 g5'
sleep 1
is "$(as_user stat -c %a v/f{1..4} v/g5 | tr '\n' ' ')" "6755 6755 6755 6755 6755 " "stay, as for root"
strict_umount v
fresh
is "$(as_user stat -c %a v/f{1..4} | tr '\n' ' ')" "6755 6755 6755 6755 " "also in the next view"
as_user bash -c 'rm v/*'
done_with "setuid"

# --- what is open in the daemon

fresh
as_user bash -c 'cp /bin/true v/prog && chmod 755 v/prog'
sleep 0.5
ok "a program that was written is run in the view" as_user v/prog
ok "and in the staging tree" wait_for 2 as_user t/prog
done_with "a program"

# --- directories that are moved into each other beside the view

fresh
as_user mkdir -p t/a/b
ok "directories moved beside the view, and back, while names in them are looked up" \
	timeout -k 5 60 "${e2e_user[@]}" /usr/bin/python3 -c '
import os, time
fd = os.open("v/a/b", os.O_PATH | os.O_DIRECTORY)
watcher = os.fork()
while watcher == 0:
    try: os.stat("a", dir_fd=fd)
    except OSError: pass
for i in range(120):
    os.rename("t/a/b", "t/b"); os.rename("t/a", "t/b/a")
    time.sleep(0.003)
    os.rename("t/b/a", "t/a"); os.rename("t/b", "t/a/b")
    time.sleep(0.015)
os.kill(watcher, 9)
os.waitpid(watcher, 0)'
ok "the view answers" timeout 20 "${e2e_user[@]}" ls v
works "moved beside"
strict_umount v
records "moved beside"
rest

# --- a mount that fails

as_user mkdir t v
as_user chmod 555 v
exits 2 "mount where the mount point is not the user's to write" as_user "$LIVERY" mount -o rw t v
is "$(echo t*)" "t" "leaves no database"
as_user chmod 755 v
fresh
as_user chown 3 v
strict_umount v
as_user chmod 555 v
exits 2 "mount of a tree with a database" as_user "$LIVERY" mount -o rw t v
is "$(echo t*)" "t t.livery" "leaves it"
records "a mount that failed"
as_user chmod 755 v
fresh
as_user bash -c 'echo kept >v/kept && chown 12:13 v/kept'
kill -KILL "$(daemons)"
wait_for 10 no_daemon
exits 1 "umount after the daemon was killed" as_user "$LIVERY" umount v
like "$ERR" "all that it had answered is kept" "says that nothing is lost"
fresh
is "$(as_user stat -c %u:%g v/kept)" "12:13" "nor is it"
done_with "killed"

# --- full disks

if ! have_root; then
	skip "full disks" "root has to mount one"
	finish
fi
mkdir disk
as_root mount -t tmpfs -o "size=20m,uid=$(as_user id -u),mode=755" tmpfs disk
fill() { as_user dd if=/dev/zero of=disk/fill bs=4k status=none 2>/dev/null; }
looks() { as_user bash -c 'cd v && stat -c "%n %u" "$@" && cat "$@"' - "$@" 2>&1 | tr '\n' ' '; }

# The database alone.
fresh -orw,db=disk/db
as_user bash -c 'cd v && echo A >a && echo B >b && chown 11:11 a && chown 22:22 b && mkdir m &&
	echo k >m/k && chown 33:33 m/k && echo held >held && echo gone >gone && chown 44 gone'
fill
# full DESCRIPTION COMMAND...: fails for want of room.
full() {
	exits 1 "full: $1" as_user "${@:2}"
	like "$ERR" "No space left" "says so"
}
full "mv onto another file" mv v/a v/b
full "mv of a directory" mv v/m v/m2
full "mv -T of one onto another" bash -c 'mkdir -p v/m3 2>/dev/null; exec mv -T v/m v/m3'
full "ln" ln v/a v/c
full "mkdir" mkdir v/d
full "touch" touch v/new
is "$(looks a b m/k)" "a 11 b 22 m/k 33 A B k " "files and owners are as before"
is "$(paths t)" "a b gone held m" "so is the staging tree"
ok "rm works, and what is open can be read" as_user bash -c 'exec 3<v/held && rm v/held && [ "$(cat <&3)" = held ]'
ok "rm" as_user rm v/gone
is "$(paths v)" "a b m" "they are gone"
rc=0
for i in {1..400}; do
	as_user setfattr -n user.big -v "$(printf "%2000s" "")" v/a 2>setfattr.err || { rc=1; break; }
done
is "$rc" 1 "the log cannot grow without end"
like "$(cat setfattr.err)" "No space left" "and that is told"
is "$(looks a b m/k)" "a 11 b 22 m/k 33 A B k " "nothing is lost by it"
rm disk/fill
works "room again"
ok "a new file with the name of one that went" as_user touch v/gone
is "$(as_user stat -c %u v/gone)" "0" "is a new file"
ok "mv" as_user mv v/a v/b
is "$(looks b)" "b 11 A " "is done"
strict_umount v
is "$(ls disk)" "db" "the database is one file"
records "the database's disk" disk/db
ok "status" as_user "$LIVERY" status --db=disk/db t

# The end, where there is no room for it.
fresh -orw,db=disk/db
as_user /usr/bin/python3 -c '
import os
for i in range(8):
    open(f"v/f{i}", "w").close()
    os.setxattr(f"v/f{i}", "user.big", b"x" * 50000)
    os.chown(f"v/f{i}", 100 + i, 7)'
fill
capture as_user "$LIVERY" umount v
result $((status == 0)) "umount without room for it does not pass for a clean end"
like "$ERR" "No space left|disk is full|is left, which belongs" "it says what is wrong"
rm disk/fill
if is_mounted "$SCRATCH/v"; then
	strict_umount v
else
	wait_for 20 no_daemon
	fresh -orw,db=disk/db
	strict_umount v
fi
is "$(ls disk)" "db" "with room it is one file"
records "the end" disk/db
ok "a sealed view of it" mount_view t v -oallow-unlabeled,db=disk/db
is "$(as_user stat -c %u v/f{0..7} | tr '\n' ' ')" "100 101 102 103 104 105 106 107 " "has it all"
strict_umount v
rm disk/db
rest

# Tree and database.
mkdir disk/t v && chown --reference=. disk/t v
ok "a tree on a small disk" mount_view disk/t v -o rw
as_user bash -c 'echo small >v/s && chown 3:3 v/s'
exits 1 "a file that fills it" as_user dd if=/dev/zero of=v/big bs=4k
like "$ERR" "No space left" "says so"
is "$(looks s)" "s 3 small " "what is there is as before"
ok "rm of it" as_user rm v/big
# The kernel tells that it has let go of a file after rm(1) has ended.
has_room() { [ $(($(stat -f -c %a disk) * 10)) -ge $(($(stat -f -c %b disk) * 6)) ]; }
ok "makes room" wait_for 5 has_room
ok "rm of another" as_user rm v/s
is "$(paths v)$(paths disk/t)" "" "both are gone"
works "room again"
exits 1 "again, with many files" py 'for i in range(8000):
    with open(f"v/{i}", "wb") as f: f.write(b"x" * 3000)
    os.chown(f"v/{i}", i, i)'
like "$ERR" "No space left" "says so"
ok "rm -rf of them all" as_user bash -c 'rm -rf v/*'
is "$(paths v)$(paths disk/t)" "" "all are gone"
works "room again"
done_on_disk "one disk"
rm -rf disk/*

# A filesystem within the tree.
as_user mkdir -p t/proc t/other
fresh
as_root mount -t tmpfs none t/proc
exits 2 "ls of a directory with a mount in it" as_user ls v
like "$ERR" "Invalid cross-device link" "says that something else is there"
works "a mount within"
as_root umount t/proc
as_user rm -r v/proc v/other
done_with "a mount within"
as_root umount disk

# What the staging tree refuses is not recorded either.
as_user bash -c 'mkdir t ro && echo ours >t/ours'
as_root bash -c 'echo theirs >t/theirs && chmod 644 t/theirs && setfattr -n user.x -v theirs t/theirs'
fresh
shows() { as_user bash -c 'sleep 1; cd v && stat -c "%u %a" "$1" && getfattr -d --absolute-names "$1"' - "$1" | xargs; }
exits 1 "chmod of what is somebody else'''s in the staging tree" as_user chmod 755 v/theirs
is "$(shows theirs)" "0 644 # file: theirs user.x=theirs" "changes nothing"
ok "setfattr" as_user setfattr -n user.x -v ours v/theirs
exits 1 "removing an attribute that the file has itself" as_user setfattr -x user.x v/theirs
is "$(shows theirs)" "0 644 # file: theirs user.x=ours" "changes nothing"
ok "chown" as_user chown 5 v/theirs
is "$(shows theirs)" "5 644 # file: theirs user.x=ours" "is for the record alone"
strict_umount v
as_root mount --bind t ro
as_root mount -o remount,bind,ro ro
ok "a tree that is read-only" mount_view ro v -o "rw,db=$SCRATCH/t.livery"
for change in "chown 3" "chmod 600" "setfattr -n user.y -v 1"; do
	# shellcheck disable=SC2086 # words of a command
	exits 1 "$change" as_user $change v/ours
	like "$ERR" "Read-only file system" "says so"
done
is "$(shows ours)" "0 644" "nothing is changed"
strict_umount v
as_root umount ro
as_root rm -r t/theirs ro
rest

# btrfs puts what is changed into another place, also what is mapped.
truncate -s 1G btrfs.img
if ! mkfs.btrfs -q btrfs.img >/dev/null 2>&1 ||
	! as_root mount -o loop btrfs.img disk 2>/dev/null; then
	skip "a tree on btrfs" "this kernel or machine has no btrfs"
	finish
fi
count=0
mkdir disk/t && chown "$(as_user id -u)" disk disk/t
ok "a tree on btrfs" mount_view disk/t v -o rw
as_user bash -c 'cd v && for i in {1..40}; do echo "$i" >"f$i" && chown "$i" "f$i"; done'
sync -f disk
for size in 256M 32M 4M 1M 64K 4K; do
	while as_user fallocate -l "$size" "disk/fill.$((++count))" 2>/dev/null; do :; done
done
sync -f disk
ok "rm on a full disk" as_user bash -c 'rm v/f{2..40}'
full "touch" touch v/new
is "$(looks f1)" "f1 1 1 " "what is there is as before"
rm disk/fill.*
sync -f disk
works "btrfs with room again"
done_on_disk "btrfs"
as_root umount disk
rm btrfs.img
finish
