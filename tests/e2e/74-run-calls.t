#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Under livery run, the calls that the kernel keeps for root work in the view: each of them as
# root has it natively, by every path and descriptor; and none works elsewhere. Then many at once:
# threads, processes, signals.

# shellcheck disable=SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

python=/usr/bin/python3
run() { as_user "$LIVERY" run "$@"; }
as_user mkdir tree outside

# --- call by call

# passed NAME FILE: all tests of it were ok.
passed() {
	is "$(grep -A 2 '^not ok' "$2" | cut -c1-300 | head -60)" "" "$1: every test is ok"
	is "1..$(grep -Ec '^(not )?ok' "$2")" "$(grep '^1\.\.' "$2")" "$1: every test has run"
	like "$(grep -c '^ok' "$2")" "^[0-9]{3,}$" "$1: these are some"
}
for suite in attributes files; do
	if have_root; then
		as_root mkdir -p native
		as_root $python .bin/lib/calls-$suite native/$suite >tap 2>&1
		passed "$suite: root, natively" tap
	else
		skip "$suite: root, natively" "nobody is root here"
	fi
	run tree $python .bin/lib/calls-$suite @/$suite >tap 2>&1
	passed "$suite: in a session" tap
	# From elsewhere, with the program held on one processor.
	as_user env -C / taskset -c 0 "$LIVERY" run "$SCRATCH/tree" \
		$python "$SCRATCH/.bin/lib/calls-$suite" @/again-$suite >tap 2>&1
	passed "$suite: on one processor" tap
	as_user $python .bin/lib/calls-$suite --results outside/$suite >plain.results 2>&1
	run tree $python .bin/lib/calls-$suite --results outside/$suite-in-session >session.results 2>&1
	like "$(grep -c EPERM plain.results)" "^[0-9]{2,}$" "$suite: outside, much is refused without a session"
	is "$(diff plain.results session.results | cut -c1-200 | head -40)" "" "$suite: outside, a session changes nothing"
done
ok "status" as_user "$LIVERY" status tree
ok "verify" as_user "$LIVERY" verify --allow-unlabeled tree

# --- where the view and the rest meet

as_user bash -ec 'touch outside/file; mkdir outside/dir; ln -s "$PWD/outside" tree/out'
cat >meeting <<'END'
import errno, os, sys
view, outside = sys.argv[1:]
def case(name, function, *args, **more):
    try:
        got = function(*args, **more)
    except OSError as e:
        got = errno.errorcode[e.errno]
    print(name, got)
def device(path, fd=None):
    os.mknod(path, 0o020600, os.makedev(1, 3), dir_fd=fd)
os.chdir(view)
open("file", "w").close()
os.symlink(f"{view}/file", f"{outside}/to-file")
os.symlink(view, f"{outside}/to-view")
case("attribute by a link out of the view", os.setxattr, "out/file", "trusted.x", b"x")
case("attribute of what is outside", os.setxattr, f"{outside}/file", "trusted.x", b"x")
case("attribute of the link itself", os.setxattr, "out", "trusted.x", b"x", follow_symlinks=False)
case("attribute by a link into the view", os.setxattr, f"{outside}/to-file", "trusted.x", b"x")
case("attribute of the link into the view", os.setxattr, f"{outside}/to-file", "trusted.x", b"x", follow_symlinks=False)
case("attribute by a directory outside", os.setxattr, f"{outside}/to-view/file", "trusted.x", b"x")
case("attribute above the view", os.setxattr, "..", "trusted.x", b"x")
case("attribute of the view", os.setxattr, "../" + os.path.basename(view), "trusted.x", b"x")
case("attribute of the view's top", os.setxattr, "/proc/self/cwd", "trusted.y", b"y")
case("device by a link out of the view", device, "out/null")
case("device by a link into the view", device, f"{outside}/to-view/null")
fd = os.open(outside, os.O_RDONLY | os.O_DIRECTORY)
case("device by a descriptor outside", device, "null", fd)
case("device by a descriptor outside, into the view", device, "to-view/zero", fd)
case("device above the view", device, "../null")
case("link out of the view", os.link, "file", f"{outside}/linked")
case("link into the view", os.link, f"{outside}/file", "linked")
case("/proc", os.setxattr, "/proc/self/status", "trusted.x", b"x")
case("/dev", os.setxattr, "/dev/null", "trusted.x", b"x")
r, w = os.pipe()
case("a pipe", os.setxattr, r, "trusted.x", b"x")
case("list of what is outside", os.listxattr, f"{outside}/file")
case("the view's", lambda: sorted(os.listxattr("file")))
case("it is a number, not a path", os.getxattr, fd, "trusted.x")
END
ok "paths in and out" run tree $python meeting @ "$SCRATCH/outside"
is "$OUT" "attribute by a link out of the view EPERM
attribute of what is outside EPERM
attribute of the link itself None
attribute by a link into the view None
attribute of the link into the view EPERM
attribute by a directory outside None
attribute above the view EPERM
attribute of the view None
attribute of the view's top None
device by a link out of the view EPERM
device by a link into the view None
device by a descriptor outside EPERM
device by a descriptor outside, into the view None
device above the view EPERM
link out of the view EXDEV
link into the view EXDEV
/proc EPERM
/dev EPERM
a pipe EPERM
list of what is outside []
the view's ['trusted.x']
it is a number, not a path ENODATA" "each goes where its path leads"
# The staging tree is no view, though its files are the same.
exits 1 "attributes in the staging tree" run tree setfattr -n trusted.x -v x tree/file
like "$ERR" "Operation not permitted" "are refused by the kernel"
exits 1 "devices in the staging tree" run tree mknod tree/device c 1 3
like "$ERR" "Operation not permitted" "too"
exits 1 "a file that the user cannot read" run tree cat /etc/shadow
like "$ERR" "Permission denied" "stays so"
exits 1 "a file that is not the user's" run tree touch /etc/passwd
exits 1 "a process that is not the user's" run tree sh -c 'kill -0 1'

# --- sizes

cat >sizes <<'END'
import os
os.chdir(os.environ["LIVERY_VIEW"])
open("sizes", "w").close()
value = os.urandom(65536)
os.setxattr("sizes", "trusted.large", value)
print(os.getxattr("sizes", "trusted.large") == value)
for i in range(2000):
    os.setxattr("sizes", f"trusted.{i:08d}", b"%d" % i)
print(len(os.listxattr("sizes")), all(os.getxattr("sizes", f"trusted.{i:08d}") == b"%d" % i for i in range(0, 2000, 7)))
deep = os.getcwd()
for i in range(30):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
os.mknod("null", 0o020600, os.makedev(1, 3))
os.setxattr("null", "trusted.deep", b"deep")
os.link("null", "linked")
print(os.getxattr("linked", "trusted.deep"), os.stat("linked").st_nlink)
END
ok "large values, many names, deep directories" run tree $python sizes
is "$OUT" "True
2001 True
b'deep' 2" "all are kept"

# --- commands of livery's own, in a session

# Each of them borrows the database, for which all others wait, and is itself supervised.
cat >borrow <<'END'
import os, subprocess, sys
view, livery = os.environ["LIVERY_VIEW"], sys.argv[1]
writers = []
for n in range(12):
    pid = os.fork()
    if not pid:
        open(f"{view}/w{n}", "w").close()
        for i in range(100000):
            os.setxattr(f"{view}/w{n}", "trusted.x", b"%d" % i)
        os._exit(0)
    writers.append(pid)
for k in range(10):
    subprocess.run([livery, "mknod", f"{view}/d{k}", "c", "1", "3"], check=True, timeout=60)
for pid in writers:
    os.kill(pid, 9)
print(sum(os.path.lexists(f"{view}/d{k}") for k in range(10)))
END
exits 0 "commands that borrow the database beside twelve writers" run tree $python borrow "$LIVERY"
is "$OUT" 10 "all come to their end"

# --- descriptors that are handed over

cat >handed <<'END'
import fcntl, os
view = os.environ["LIVERY_VIEW"]
os.mkdir(f"{view}/setgid")
os.chown(f"{view}/setgid", 0, 1234)
os.chmod(f"{view}/setgid", 0o2777)
busy = 0
for i in range(1000):
    path = f"{view}/setgid/{i}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o2755)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.close(fd)
    fd = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        busy += 1
    os.close(fd)
print(busy, oct(os.stat(path).st_mode))
END
exits 0 "locks on files whose descriptors were handed over" run tree $python handed
is "$OUT" "0 0o102755" "end with them"

# --- many at once

cat >threads <<'END'
import os, threading
os.chdir(os.environ["LIVERY_VIEW"])
os.mkdir("threads")
wrong = []
def work(n):
    path = f"threads/{n}"
    open(path, "w").close()
    for i in range(2000):
        name, value = f"trusted.{i % 50}", b"%d of %d" % (i, n)
        os.setxattr(path, name, value)
        if i % 10 == 0 and os.getxattr(path, name) != value:
            wrong.append((n, i))
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
for n in range(4):
    for i in range(1950, 2000):
        if os.getxattr(f"threads/{n}", f"trusted.{i % 50}") != b"%d of %d" % (i, n):
            wrong.append((n, i, "afterwards"))
print(wrong, [len(os.listxattr(f"threads/{n}")) for n in range(4)])
END
ok "four threads that set 2,000 attributes each" run tree $python threads
is "$OUT" "[] [50, 50, 50, 50]" "each has its own"
ok "500 programs one after another" run tree sh -ec 'i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i + 1)); done; echo $i'
is "$OUT" 500 "all have run"
cat >spawn <<'END'
import os, sys
os.chdir(os.environ["LIVERY_VIEW"])
os.mkdir("spawned")
for i in range(0, 200, 4):
    pids = [os.posix_spawn("/bin/mknod", ["mknod", f"spawned/{i + n}", "c", "9", str(i + n)], os.environ) for n in range(4)]
    for pid in pids:
        if os.waitpid(pid, 0)[1]:
            sys.exit(f"{i} failed")
print(all(os.stat(f"spawned/{i}").st_rdev == os.makedev(9, i) for i in range(200)))
END
ok "200 programs, four at once" run tree $python spawn
is "$OUT" True "each has made its device"
cat >storm <<'END'
import os, signal, sys
# How often a call was repeated or broken off, under a signal every millisecond.
restart = sys.argv[1] == "restart"
os.chdir(os.environ["LIVERY_VIEW"])
os.mkdir(sys.argv[1])
signals = 0
def handler(*_):
    global signals
    signals += 1
signal.signal(signal.SIGALRM, handler)
signal.siginterrupt(signal.SIGALRM, not restart)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
errors = {}
for i in range(3000):
    while True:
        try:
            os.mknod(f"{sys.argv[1]}/{i}", 0o020600, os.makedev(1, 3))
        except InterruptedError:
            if restart:
                errors["EINTR"] = errors.get("EINTR", 0) + 1
            continue
        except OSError as e:
            errors[e.strerror] = errors.get(e.strerror, 0) + 1
        break
signal.setitimer(signal.ITIMER_REAL, 0)
names = sorted(os.listdir(sys.argv[1]), key=int)
print(errors, names == [str(i) for i in range(3000)], "many signals" if signals > 50 else signals)
END
for kind in restart interrupt; do
	ok "3,000 devices under a storm of signals ($kind)" run tree $python storm $kind
	is "$OUT" "{} True many signals" "no call was done twice"
done
ok "programs that are killed in their calls" run tree bash -c 'cd "$LIVERY_VIEW"; mkdir killed
	for i in {1..40}; do
		python='$python'
		$python -c "import os, sys
for i in range(100000): os.mknod(\"killed/%s.%d\" % (sys.argv[1], i), 0o020600, 259)" $i 2>/dev/null &
		sleep 0.03; kill -KILL $!; wait $! 2>/dev/null
	done
	mknod after c 1 3 && find killed -type c | wc -l'
like "$OUT" "^[1-9]" "others go on, and some were made"
cat >leaving <<'END'
import os, threading, time
# The program ends while its threads are in their calls.
view = os.environ["LIVERY_VIEW"]
def work(n):
    for i in range(100000):
        os.mknod(f"{view}/left.{os.getpid()}.{n}.{i}", 0o020600, 259)
        os.setxattr(f"{view}/left.{os.getpid()}.{n}.{i}", "trusted.x", b"x")
for n in range(3):
    threading.Thread(target=work, args=(n,), daemon=True).start()
time.sleep(0.03)
os._exit(7)
END
ended=
for _ in {1..25}; do
	capture run tree $python leaving
	ended+="$status "
	[ "$status$ERR" = 7 ] || diag "$ERR"
done
is "$ended" "$(printf '7 %.0s' {1..25})" "programs that end amid calls: each view ends at once"
is "$(mounts_left)" "" "no mount is left"
ok "database and tree agree" as_user "$LIVERY" status tree
ok "no process is left" wait_for 10 no_daemon
no_sanitizer_report "all"
finish
