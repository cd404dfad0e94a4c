#!/bin/bash
# SPDX-License-Identifier: MIT
#
# livery run fails closed: whatever of it is killed (all in turns, or RUN_KILL_WHO), at random
# points, RUN_KILL_ROUNDS times (8), no program goes on as if all were well, and what it was told
# is done stays done. Then what would pass by the filter, and what pseudo and fakeroot are known to
# fail at.
#
# KILL_SEED repeats a run as far as the delays go.

# shellcheck disable=SC2016,SC2046,SC2154 # text for other shells, lists of processes, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

python=/usr/bin/python3
rounds=${RUN_KILL_ROUNDS:-8}
RANDOM=${KILL_SEED:=$((10#$(date +%N) / 30518))}
diag "KILL_SEED=$KILL_SEED"
run() { as_user "$LIVERY" run "$@"; }
as_user mkdir tree progress

# --- kills

# What there is to do: 20,000 attributes, and how many of them were set so far.
cat >writer <<'END'
import os, sys
view, directory = os.environ["LIVERY_VIEW"], sys.argv[1]
progress = os.open(f"progress/{directory}", os.O_WRONLY | os.O_CREAT)
os.mkdir(f"{view}/{directory}")
print(os.getpid(), view, flush=True)
for i in range(20000):
    path = f"{view}/{directory}/{i // 40}"
    if i % 40 == 0:
        os.mknod(path, 0o020600, os.makedev(1, i // 40))
    os.setxattr(path, f"trusted.{i % 40}", b"%d" % i)
    os.pwrite(progress, b"%d" % (i + 1), 0)
print("done", flush=True)
END
cat >check <<'END'
import base64, sys
# Of the manifest, in DIRECTORY: all that was said to be set is there, and one more at most.
directory, said = sys.argv[1], int(sys.argv[2])
there = {}
for line in sys.stdin:
    path, *fields = line.split()
    if path.startswith(f"./{directory}/") and "type=char" in fields:
        for name, _, value in (f.partition("=") for f in fields):
            if name.startswith("xattr.trusted."):
                there[path.split("/")[-1], name[14:]] = base64.b64decode(value)
for i in range(said):
    if there.get((str(i // 40), str(i % 40))) != b"%d" % i:
        sys.exit(f"attribute {i} of {said} is not there")
if len(there) > said + 1:
    sys.exit(f"{len(there)} attributes are there, {said} were set")
END
.bin/lib/mktar many.tar <<'END'
for i in range(4000):
    f(f"many/{i}", "x", uid=i, x={"trusted.number": b"%d" % i, "user.number": b"%d" % i})
END
chmod 644 many.tar

failures=0
wrong() {
	failures=$((failures + 1))
	diag "round $round ($how): $*"
}
# Who has lost its parent may wait for the system to bury it.
ended() { [[ "$(grep ^State "/proc/$1/status" 2>/dev/null)" != *[A-Y]" "* ]]; }
named() { [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ]; }
guard() {
	local pid
	for pid in $(daemons); do
		named "$pid" livery-guard && echo "$pid"
	done
}
# The daemon of the view: what is neither the session itself nor its guard.
others() {
	local pid
	for pid in $(daemons); do
		[ "$pid" = "$1" ] || named "$pid" livery-guard || echo "$pid"
	done
}
killed() { # PID...
	[ $# != 0 ] || { wrong "there is nothing to kill"; return; }
	kill -KILL "$@" 2>/dev/null
}
# However it came, nothing stays.
settle() { # VIEW
	wait_for 20 eval "! is_mounted '$1'" ||
		{ as_user "$LIVERY" umount "$1" >umount.err 2>&1; ! is_mounted "$1"; } ||
		wrong "the view cannot be ended: $(cat umount.err)"
	wait_for 20 no_daemon || { wrong "processes are left: $(daemons)"; kill -KILL $(daemons); }
	# Where all are killed, nobody is left to remove it; nor before another guard is there.
	case $how in
	everything) rmdir "$1" ;;
	"guard, then session") [ -n "$guarded" ] || rmdir "$1" 2>/dev/null ;;
	esac
	[ ! -e "$1" ] || wrong "the mount point is left"
}
one_round() {
	local name=r$round session status=0 pid view said
	"${e2e_user[@]}" "$LIVERY" run tree $python writer "$name" >out 2>err </dev/null &
	session=$!
	wait_for 20 eval '[ -s progress/$name ] && [ -s out ]' || { wrong "nothing is written: $(head -c 500 err)"; return; }
	read -r pid view <out
	# It may get its name after the program has begun.
	wait_for 20 eval '[ -n "$(guard)" ]' || wrong "there is no guard"
	sleep "0.$(printf %03d $((RANDOM % 400)))"
	case $how in
	session) killed "$session" ;;
	guard) killed $(guard) ;;
	daemon) killed $(others "$session") ;;
	program) killed "$pid" ;;
	"guard, then session") first=$(guard)
		killed $first && sleep "0.0$((RANDOM % 60 + 10))"
		# One that was killed may take its time to go.
		guarded=$(guard | grep -vxF "$first")
		killed "$session" ;;
	everything) killed "$session" $(daemons) ;;
	esac
	wait "$session" 2>/dev/null || status=$?
	wait_for 20 ended "$pid" || { wrong "the program is still there: $(cat "/proc/$pid/wchan")"; kill -KILL "$pid"; }
	settle "$view"
	said=$(cat "progress/$name")
	if [ "$how" = guard ]; then
		# It is replaced, and all goes well.
		[ "$status $said $(tail -n 1 out)" = "0 20000 done" ] || wrong "exit $status, $said set: $(head -c 500 err)"
		grep -q 'guard process was ended' err && caught=$((caught + 1))
	else
		[ "$status" != 0 ] || wrong "exit 0"
		[ "$(tail -n 1 out)" != "done" ] || wrong "the program ended as if all were well"
		[ "$said" -lt 20000 ] || diag "round $round ($how): all was done before"
		caught=$((caught + 1))
	fi
	case $how in
	session | "guard, then session" | program | everything) [ "$status" = 137 ] || wrong "exit $status instead of 137" ;;
	esac
	capture as_user "$LIVERY" manifest tree
	[ "$status" = 0 ] || wrong "manifest: $ERR"
	said=$($python check "$name" "$said" <.out 2>&1) || wrong "$said"
	as_user rm -rf "tree/$name"
}
hows=(session daemon "guard, then session" session program guard session everything)
[ -z "${RUN_KILL_WHO:-}" ] || hows=("$RUN_KILL_WHO")
caught=0
for ((round = 0; round < rounds && failures < 5; round++)); do
	how=${hows[round % ${#hows[@]}]}
	one_round
done
result $((failures > 0)) "$rounds rounds: no program goes on, nothing acknowledged is lost"
result $((caught < rounds / 2)) "most were in the middle of it ($caught)"

# tar goes on when attributes cannot be set, and exits 0.
failures=0
for ((round = 0; round < (rounds + 4) / 5; round++)); do
	how="tar, session killed"
	as_user rm -rf tree/many
	"${e2e_user[@]}" "$LIVERY" run tree sh -c 'echo "$LIVERY_VIEW" && tar -C "$LIVERY_VIEW" -xpf many.tar --same-owner \
		--xattrs --xattrs-include="*" && echo done' >out 2>err </dev/null &
	session=$! status=0
	wait_for 20 eval '[ "$(ls tree/many 2>/dev/null | wc -l)" -gt 50 ]' || wrong "nothing is extracted"
	sleep "0.0$((RANDOM % 90 + 10))"
	killed "$session"
	wait "$session" 2>/dev/null || status=$?
	[ "$status" = 137 ] || wrong "exit $status"
	sleep 0.5
	settle "$(head -n 1 out)"
	is "$(sed 1d out)" "" "tar does not end well when the session is killed ($(ls tree/many | wc -l) files)"
done
result $((failures > 0)) "all ended as they should"
ok "a session afterwards" run tree sh -c 'rm -rf "$LIVERY_VIEW"/many; ls "$LIVERY_VIEW"'
is "$OUT" "" "nothing of it is in the way"
capture as_user "$LIVERY" status --repair tree
ok "database and tree agree" as_user "$LIVERY" status tree
is "$(as_user sqlite3 -readonly tree.livery 'PRAGMA integrity_check; PRAGMA foreign_key_check')" ok "the database is whole"

# --- what would pass by

ok "io_uring" run tree $python -c 'import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
parameters = ctypes.create_string_buffer(120)
print(libc.syscall(425, 8, parameters), errno.errorcode[ctypes.get_errno()])'
is "$OUT" "-1 ENOSYS" "is not there"
# What strace makes of a call that it is to fail, and proot of one that it answers itself.
ok "a call of no number" run tree $python -c 'import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(-1), errno.errorcode[ctypes.get_errno()])'
is "$OUT" "-1 ENOSYS" "is none, and no reason to kill"
if [ "$(uname -m)" = x86_64 ]; then
	cat >foreign.c <<'END'
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char *low = mmap((void *)0x10000, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	long rc;
	if (low == MAP_FAILED || argc < 3)
		return 9;
	strcpy(low, argv[2]);
	strcpy(low + 4096, "user.foreign");
	if (strcmp(argv[1], "i386") == 0) /* setxattr */
		__asm__ volatile("int $0x80" : "=a"(rc) : "a"(226), "b"(low), "c"(low + 4096),
				 "d"(low), "S"(1), "D"(0) : "memory");
	else
		rc = syscall(0x40000000 + 188, low, low + 4096, low, 1, 0);
	return rc == 0 ? 0 : 1;
}
END
	chmod 644 foreign.c
	ok "a program for another machine" as_user gcc -o foreign foreign.c
	as_user touch tree/foreign
	for abi in i386 x32; do
		# By another's numbers setxattr would not be seen: it must not be done.
		capture run tree ./foreign $abi @/foreign
		result $((status == 0)) "a call of $abi is refused ($status)"
	done
	is "$(as_user getfattr -d -m- tree/foreign)" "" "nothing was set"
fi
as_user mkdir other
exits 2 "a session in a session" run tree "$LIVERY" run other echo started
like "$ERR" "^livery( run)?: .*(session|livery run|seccomp|supervis|listener)" "it says what is in the way"
is "$OUT" "" "the program was not started"
exits 2 "of the same tree" run tree "$LIVERY" run tree echo started
is "$OUT" "" "neither"
ok "two beside each other" as_user bash -c '"$0" run tree "$0" --version && "$0" run tree sleep 0.3 & "$0" run other true && wait $!' "$LIVERY"
ok "commands of livery in a session" run tree sh -ec '"$0" mknod "$LIVERY_VIEW"/by-command c 1 3; test -c "$LIVERY_VIEW"/by-command
	"$0" chown 5:6 "$LIVERY_VIEW"/by-command; stat -c %u:%g "$LIVERY_VIEW"/by-command; "$0" stat --json "$LIVERY_VIEW"/by-command >/dev/null' "$LIVERY"
is "$OUT" "5:6" "do what they do elsewhere"

# By the numbers that it has here, /proc would tell of somebody else's processes.
if have_root; then
	exits 2 "a /proc of another pid namespace" as_root unshare --fork --pid "${e2e_user[@]}" \
		"$LIVERY" run tree echo started
	like "$ERR" "^livery: /proc: .*pid namespace" "that is said"
	is "$OUT" "" "the program was not started"
	ok "one of its own" as_root unshare --fork --pid --mount-proc "${e2e_user[@]}" "$LIVERY" run tree \
		sh -c 'mknod "$1"/namespace c 1 3 && rm "$1"/namespace' sh @
else
	skip "a /proc of another pid namespace" "only root can have one"
fi
cat >hidden <<'END'
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
os.chdir(os.environ["LIVERY_VIEW"])
open("hidden", "w").close()
os.setxattr("hidden", "trusted.before", b"b")
def case(name, function, *args):
    try:
        print(name, function(*args))
    except OSError as e:
        print(name, errno.errorcode[e.errno])
fd = os.open("hidden", os.O_RDONLY)
libc.prctl(4, 0)  # PR_SET_DUMPABLE
case("set", os.setxattr, "hidden", "trusted.x", b"x")
case("set by a descriptor", os.setxattr, fd, "trusted.x", b"x")
case("get", os.getxattr, "hidden", "trusted.before")
case("get what the kernel would find", os.getxattr, "hidden", "user.none")
case("list", os.listxattr, "hidden")
case("remove", os.removexattr, "hidden", "trusted.before")
case("mknod", os.mknod, "device", 0o020600, 259)
libc.prctl(4, 1)
case("list, afterwards", os.listxattr, "hidden")
case("the device", os.path.lexists, "device")
END
ok "a program that cannot be looked into" run tree $python hidden
is "$OUT" "set EIO
set by a descriptor EIO
get EIO
get what the kernel would find EIO
list EIO
remove EIO
mknod EIO
list, afterwards ['trusted.before']
the device False" "gets an error, never a wrong answer"
like "$ERR" "livery: .*process [0-9]+" "that is said"
as_user rm -f tree/hidden tree/by-command tree/foreign

# --- what others fail at

# As many descriptors as the host lets anybody have.
limit=1048576
limited() { as_root prlimit "--nofile=$limit:$limit" setpriv "--reuid=$(as_user id -u)" \
	"--regid=$(as_user id -g)" --clear-groups -- env "HOME=$SCRATCH" "TMPDIR=$SCRATCH" "$@"; }
have_root && limited true 2>/dev/null || {
	limit=$(as_user bash -c 'ulimit -Hn')
	limited() { as_user prlimit "--nofile=$limit" "$@"; }
	diag "no more than $limit descriptors are allowed here"
}
E2E_TIMEOUT=30 ok "a huge limit of descriptors" limited "$LIVERY" run tree bash -ec 'cd "$LIVERY_VIEW"; ulimit -n
	mkdir n; for i in {1..150}; do mknod n/$i c 1 $i; done; setfattr -n trusted.x -v y n/150'
is "$OUT" "$limit" "the limit is the program's"
is "$(as_user "$LIVERY" ls tree/n | grep -c '^c')" 150 "all is done"
ok "a program that opens many" limited "$LIVERY" run tree $python -c 'import os
view = os.environ["LIVERY_VIEW"]
for i in range(5000): os.open(f"{view}/n", os.O_RDONLY | os.O_DIRECTORY)
os.mknod(f"{view}/last", 0o020600, 259); os.setxattr(f"{view}/last", "trusted.x", b"x"); print(os.getxattr(f"{view}/last", "trusted.x"))'
is "$OUT" "b'x'" "works"
as_user rm -rf tree/n tree/last

cat >first <<'END'
set -e
cd "$LIVERY_VIEW"
mkdir s s/d && echo 1 >s/f && ln s/f s/g && mknod s/c c 1 3 && mkfifo s/p && ln -s f s/l
chown 5:6 s/f && chmod 4711 s/f && chown -h 7 s/l && ln s/f s/d/h
setfattr -n security.selinux -v 'a:b:c:s0\000' s/g && setfattr -n trusted.x -v x s/c && setfattr -h -n trusted.l -v l s/l
setfacl -m u:33:rwx s/f && setcap cap_chown+p s/f && setfacl -d -m g:9:r s/d
END
listing='cd "$LIVERY_VIEW"; find s -printf "%p %y %m %U:%G %n %s %l\n" | sort; find s | sort | xargs getfattr -h -d -m- -e hex; stat -c %t:%T s/c'
ok "a first session" run tree sh ./first
ok "what it sees" run tree sh -c "$listing"
wanted=$OUT
like "$wanted" "s/g f 4771 5:6 3 2 .*trusted.x=.*security.selinux=" "it is what was made"
ok "a second session" run tree sh -c "$listing"
is "$OUT" "$wanted" "has all of it"
ok "it changes one name" run tree sh -ec 'cd "$LIVERY_VIEW"; setfattr -n security.selinux -v "d:e:f:s0\000" s/d/h; mv s/f s/d/moved; rm s/g; chown 8 s/d/h'
ok "a third session" run tree sh -ec 'cd "$LIVERY_VIEW"; getfattr --only-values -n security.selinux s/d/moved | tr -d "\0"; stat -c " %u %h %a" s/d/moved'
is "$OUT" "d:e:f:s0 8 2 771" "all names have it"
as_user rm -rf tree/s

cat >behind <<'END'
import errno, os, sys, time
# The staging file of a name goes, and another gets its inode number.
view, staging = os.environ["LIVERY_VIEW"], "tree"
def case(name, function, *args):
    try:
        print(name, function(*args))
    except OSError as e:
        print(name, errno.errorcode[e.errno])
open(f"{view}/old", "w").close()
os.chown(f"{view}/old", 5, 6)
os.setxattr(f"{view}/old", "trusted.x", b"x")
held = os.open(f"{view}/old", os.O_RDONLY)
number = os.stat(f"{staging}/old").st_ino
os.close(held)
os.unlink(f"{staging}/old")
reused = False
for i in range(200):
    open(f"{staging}/new{i}", "w").close()
    if os.stat(f"{staging}/new{i}").st_ino == number:
        os.rename(f"{staging}/new{i}", f"{staging}/new")
        reused = True
        break
if not reused:
    open(f"{staging}/new", "w").close()
print("reused", reused, file=sys.stderr)
time.sleep(1.1)
case("old", os.getxattr, f"{view}/old", "trusted.x")
case("new", os.listxattr, f"{view}/new")
case("owner", lambda: os.stat(f"{view}/new").st_uid)
case("set", os.setxattr, f"{view}/new", "trusted.y", b"y")
case("get", os.getxattr, f"{view}/new", "trusted.y")
case("device", os.mknod, f"{view}/old", 0o020600, 259)
case("list", os.listxattr, f"{view}/old")
os.unlink(f"{staging}/new")
os.mkdir(f"{staging}/new")
time.sleep(1.1)
case("a directory in its place", os.listxattr, f"{view}/new")
case("set", os.setxattr, f"{view}/new", "trusted.z", b"z")
print(sorted(os.listxattr(f"{view}/new")))
END
ok "a file changed behind the back" run tree $python behind
is "$OUT" "old ENOENT
new []
owner 0
set None
get b'y'
device None
list []
a directory in its place []
set None
['trusted.z']" "nothing is mixed up, and nothing ends"
like "$ERR" "reused" "$(xargs <<<"$ERR")"
capture as_user "$LIVERY" status --repair tree
ok "database and tree agree" as_user "$LIVERY" status tree
ok "no process is left" wait_for 10 no_daemon
is "$(mounts_left)" "" "no mount is left"
no_sanitizer_report "all"
finish
