#!/bin/bash
# SPDX-License-Identifier: MIT
#
# livery run: how a program is started and ends, what it is told of itself, where the view is,
# and what the database has afterwards.

# shellcheck disable=SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user mkdir tree
run() { as_user "$LIVERY" run "$@"; }
python=/usr/bin/python3
# said PATH FIELD...: these fields of `livery stat --json`, or attributes, in one line.
said() {
	as_user "$LIVERY" stat --json "$1" | $python -c 'import json, sys
e = json.loads(sys.stdin.read() or "[{\"xattrs\": {}}]")[0]
print(*(e.get(f, e["xattrs"].get(f)) for f in sys.argv[1:]))' "${@:2}"
}
# What a session may leave: processes, mounts, directories for them.
names() { find . -mindepth 1 -maxdepth 1 ! -name '.out' ! -name '.err' | sort; }
nothing_left() { # DESCRIPTION
	ok "$1: no process is left" wait_for 10 no_daemon
	is "$(mounts_left)" "" "$1: no mount is left"
	is "$(names | grep -vE '^./(policy|tree|tree.livery|view)$' | xargs)" "./.bin" \
		"$1: no directory is left"
}

# --- what is refused before a program is started

errors() { # DESCRIPTION REGEX ARGUMENT...
	exits 2 "$1" run "${@:3}" || return
	like "$ERR" "^livery( run)?: .*($2)" "$1: that is said"
	is "$OUT" "" "$1: the program was not started"
}
as_user touch a-file
errors "no staging tree" "missing"
errors "no program" "missing|program" tree
errors "no program after --" "missing|program" tree --
errors "an unknown option" "nonsense" --nonsense tree echo started
errors "an unknown mount option" "nonsense" -o nonsense tree echo started
errors "a staging tree that is not there" "nothing" nothing echo started
errors "a staging tree that is a file" "a-file" a-file echo started
errors "a wrong default-owner" "default-owner" -o default-owner=x tree echo started
errors "a policy that is not there" "no-policy" -o policy=no-policy tree echo started
rm a-file
if command -v fakeroot >/dev/null; then
	# A sanitizer wants to be the first library otherwise.
	exits 2 "under fakeroot" as_user env \
		"ASAN_OPTIONS=log_path=$SCRATCH/.sanitizer:verify_asan_link_order=0" \
		fakeroot "$LIVERY" run tree echo started
	like "$ERR" "^livery: .*fakeroot" "under fakeroot: that is said"
	is "$OUT" "" "under fakeroot: the program was not started"
	ok "fakeroot in a session" run tree fakeroot sh -c 'mknod "$1"/device c 1 3 && rm "$1"/device' sh @
	as_user rm -f tree.livery
else
	skip "under fakeroot" "there is no fakeroot"
fi
ok "--help" run --help
like "$OUT" "^Usage: livery run .*STAGING.*COMMAND" "it has the synopsis"
nothing_left "after what was refused"

# --- exit codes and signals

for code in 0 1 2 3 125 126 127 128 255; do
	exits "$code" "exit code $code" run tree sh -c "exit $code"
done
ok "-- before the program" run tree -- true
ok "options after the program are its own" run tree echo --ro -o x -- @x
is "$OUT" "--ro -o x -- @x" "all of them"
exits 127 "a program that is not there" as_user env PATH=/usr/bin:/bin "$LIVERY" run tree no-such-program
like "$ERR" "no-such-program" "it is named"
exits 127 "a path that is not there" run tree ./no-such-program
as_user bash -c 'echo echo started >not-executable; chmod 644 not-executable'
exits 126 "a program that is not executable" run tree ./not-executable
like "$ERR" "not-executable" "it is named"
is "$OUT" "" "and not started"
exits 126 "a directory" run tree /etc
rm not-executable
# The tests' own caller may ignore some of them.
plain() { env --default-signal "$@"; }
for signal in HUP:129 INT:130 QUIT:131 KILL:137 SEGV:139 PIPE:141 ALRM:142 TERM:143 RTMIN:162; do
	exits "${signal#*:}" "a program that dies by SIG${signal%:*}" plain timeout 20 "${e2e_user[@]}" \
		sh -c 'ulimit -c 0; "$@"; exit $?' sh "$LIVERY" run tree sh -c "kill -${signal%:*} \$\$"
done
# By the same signal, not only with the status that a shell makes of it.
as_user $python -c 'import subprocess, sys
for n in 15, 9, 6:
    print(subprocess.run([*sys.argv[1:], "ulimit -c 0; kill -%d $$" % n]).returncode, end=" ")' \
	"$LIVERY" run tree sh -c >died 2>&1
is "$(cat died)" "-15 -9 -6 " "livery run dies by the same signal"
rm died
cat >signals <<'END'
import signal, subprocess, sys
# SIGNAL COMMAND...: sends it to COMMAND alone when that says "ready".
p = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, text=True)
assert p.stdout.readline() == "ready\n"
p.send_signal(getattr(signal, sys.argv[1]))
print((p.stdout.read() + str(p.wait())).replace("\n", " "))
END
for signal in SIGTERM SIGINT SIGHUP SIGUSR1 SIGUSR2 SIGQUIT; do
	ok "$signal sent to livery run" plain timeout 20 "${e2e_user[@]}" $python signals $signal "$LIVERY" \
		run tree bash -c "trap 'echo got $signal; exit 7' $signal; echo ready; for i in {1..100}; do sleep 0.1; done"
	is "$OUT" "got $signal 7" "the program gets $signal"
done
ok "SIGTERM sent to livery run" as_user $python signals SIGTERM "$LIVERY" run tree \
	$python -c 'import time; print("ready", flush=True); time.sleep(20)'
is "$OUT" "-15" "a program that does nothing about it dies of it"
rm signals
# From a process group that is not the shell's, as a prompt starts it.
cat >stops <<'END'
import os, signal, subprocess, sys, time
# WHO COMMAND...: stops it three times, alone or with its whole group, and lets it go on.
send = os.killpg if sys.argv[1] == "group" else os.kill
p = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, text=True, preexec_fn=os.setpgrp)
program = int(p.stdout.readline())
def state(pid):
    return open("/proc/%d/stat" % pid).read().split(")")[1].split()[0]
def wait(stopped):
    for i in range(200):
        states = [state(p.pid), state(program)]
        if all((s == "T") == stopped for s in states):
            return "stopped" if stopped else "running"
        time.sleep(0.05)
    return "".join(states)
for i in range(3):
    send(p.pid, signal.SIGTSTP)
    print(wait(True), end=" ")
    send(p.pid, signal.SIGCONT)
    print(wait(False), end=" ")
p.kill() if "T" in state(p.pid) else p.terminate()
print(p.wait())
END
for who in livery group; do
	ok "SIGTSTP to $who" plain timeout 60 "${e2e_user[@]}" $python stops $who "$LIVERY" run tree $python -c '
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *a: sys.exit(7))
print(os.getpid(), flush=True)
while True: time.sleep(0.1)'
	is "$OUT" "stopped running stopped running stopped running 7" "the program stops with livery run, and both go on"
done
cat >caught <<'END'
import os, signal, subprocess, sys, time
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True, preexec_fn=os.setpgrp)
p.stdout.readline()
p.send_signal(signal.SIGTSTP)
os.waitid(os.P_PID, p.pid, os.WSTOPPED)
time.sleep(0.3) # what was not taken when SIGCONT comes is dropped
p.send_signal(signal.SIGCONT)
print((p.stdout.read() + str(p.wait())).replace("\n", " "))
END
ok "SIGTSTP to livery, of a program that takes it" plain timeout 60 "${e2e_user[@]}" $python caught "$LIVERY" run tree $python -c '
import signal
taken = [signal.SIGTSTP, signal.SIGCONT]
signal.pthread_sigmask(signal.SIG_BLOCK, taken)
print("ready", flush=True)
for s in taken: signal.sigtimedwait([s], 10) and print("got", s.name)
print(signal.sigtimedwait(taken, 0.2))'
is "$OUT" "got SIGTSTP got SIGCONT None 0" "it gets both, once"
rm stops caught
for option in --ro --userns ""; do
	ok "umask 0777 $option" as_user bash -c "umask 0777; exec \"\$0\" run $option tree sh -c umask" "$LIVERY"
	is "$OUT" 0777 "is the program's own"
done
for how in "0o777, 0o666" "0, 0"; do
	ok "new files with umask, mode $how" as_user "$LIVERY" run tree $python -c "import os, sys
os.chdir(sys.argv[1])
umask, mode = $how
os.umask(umask)
os.mkdir('closed', mode)
os.chdir('closed')
os.mkdir('d', mode)
os.close(os.open('f', os.O_CREAT | os.O_WRONLY, mode))
os.mkfifo('p', mode)
os.mknod('c', mode | 0o020000, 0x103)
print(*[os.stat(name).st_mode & 0o7777 for name in ('.', 'd', 'f', 'p', 'c')])" @
	is "$OUT $(stat -c %a tree/closed/{.,d,f,p,c} | xargs)" "0 0 0 0 0 755 755 644 644 644" \
		"the view shows them so, and all can use what lies in the staging tree"
	ok "rm" run tree rm -r @/closed
done
state='trap "" USR1; exec env --ignore-signal=PIPE --block-signal=USR2 "$@" grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status'
is "$(as_user bash -c "$state" bash "$LIVERY" run tree)" "$(as_user bash -c "$state" bash)" \
	"signals that are ignored or blocked stay so, no other is"
is "$(as_user env --default-signal=PIPE bash -c '"$@" sh -c "yes | head -n 1" 2>&1; echo $?' bash "$LIVERY" run tree)" "y
0" "a broken pipe ends what writes into it"
nothing_left "after signals"

exits 4 "a program that leaves another behind" run tree \
	sh -c '(sleep 0.5; mknod "$1"/late c 1 3; setfattr -n security.x -v y "$1"/late) >/dev/null 2>&1 & exit 4' sh @
is "$(said tree/late type major minor security.x)" "character device 1 3 79" "the view is there until that has ended"
ok "rm" run tree rm @/late

cat >leaves <<'END'
time=97.$$ # which no other sleeps
"$1" run tree sh -c 'cd "$LIVERY_VIEW"; setsid sleep $1 & sh -c "trap : TERM; sleep $1; sleep $1" & exit 0' sh $time 2>said &
for i in {1..200}; do
	grep -q "left behind" said && break
	sleep 0.05
done
kill -TERM $!
wait $!; echo $?
pgrep -u "$(id -u)" -fx "sleep $time" || echo none
END
chmod 644 leaves
ok "a session that is ended while it waits for what was left behind" as_user bash leaves "$LIVERY"
is "$(xargs <<<"$OUT")" "2 none" "kills that, which makes no call of its own"
like "$(tail -n 1 said)" "ended by a signal" "and says so"
rm -f leaves said
nothing_left "after that"

# --- streams, descriptors, terminal, environment, directory

is "$(as_user sh -c 'echo text | "$@"' sh "$LIVERY" run tree cat)" text "standard input and output"
is "$(head -c 20000000 /dev/zero | as_user "$LIVERY" run tree cat | sha256sum)" \
	"$(head -c 20000000 /dev/zero | sha256sum)" "20 MB through the program"
exits 3 "standard error" run tree sh -c 'echo out; echo error >&2; exit 3'
is "$OUT $ERR" "out error" "each goes its own way, with nothing added"
is "$(as_user sh -c 'exec 7<"$0"; "$@"' /etc/hostname "$LIVERY" run tree sh -c 'cat <&7')" "$(cat /etc/hostname)" \
	"another descriptor is passed on"
descriptors='import os; print(sorted(int(n) for n in os.listdir("/proc/self/fd"))[:-1])'
is "$(as_user "$LIVERY" run tree $python -c "$descriptors" </dev/null)" \
	"$(as_user $python -c "$descriptors" </dev/null)" "no descriptor more than without livery"
closed='exec "$@" readlink /proc/self/fd/0 <&-'
is "$(as_user sh -c "$closed" sh "$LIVERY" run tree)" /dev/null \
	"a closed one leads to /dev/null: no file that is opened takes its place"
cat >terminal <<'END'
import os, pty, select, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    time.sleep(0.2)
    os.execv(sys.argv[1], sys.argv[1:])
termios.tcsetwinsize(fd, (17, 71))
seen = b""
def until(text):
    global seen
    end = time.time() + 20
    while text not in seen and time.time() < end:
        try:
            seen += os.read(fd, 4096) if select.select([fd], [], [], 0.1)[0] else b""
        except OSError:
            break
    return text in seen
print("terminal", until(b"ready"), b"17 71" in seen, b"not a tty" not in seen)
os.write(fd, b"line\n")
print("line", until(b"<line>"))
os.write(fd, b"\x03")
print("interrupted", until(b"interrupted"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
is "$(plain timeout 60 "${e2e_user[@]}" $python terminal "$LIVERY" run tree bash -c \
	'tty; stty size </dev/tty; trap "echo interrupted; exit 9" INT; echo ready; read -r x; echo "<$x>"; sleep 10')" \
	"terminal True True True
line True
interrupted True 9" "the terminal is the program's"
rm terminal
cat >early <<'END'
import glob, os, pty, sys, time
# ^C typed while the view is mounted, a bit later each time: no program goes on.
went_on = 0
for i in range(20):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    while not glob.glob(sys.argv[-1] + "/livery-run.*"):
        pass
    time.sleep(i * 0.001)
    os.write(fd, b"\x03")
    seen = b""
    try:
        while piece := os.read(fd, 4096):
            seen += piece
    except OSError:
        pass
    went_on += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0 or b"went on" in seen
print(went_on)
END
is "$(plain timeout 60 "${e2e_user[@]}" env XDG_RUNTIME_DIR="$SCRATCH" $python early "$LIVERY" run tree \
	sh -c 'sleep 0.5; echo went on' "$SCRATCH")" 0 "^C while the view is mounted ends the program too"
rm early
is "$(as_user env A=b "X=y z" "$LIVERY" run tree sh -c 'echo "$A $X $HOME $PWD"')" "b y z $SCRATCH $SCRATCH" \
	"environment and working directory stay"
is "$(as_user env A=b "$LIVERY" run tree env | grep -vE '^(LIVERY_VIEW|_)=' | sort)" \
	"$(as_user env A=b env | grep -v '^_=' | sort)" "LIVERY_VIEW is all that is added"
is "$(as_user sh -c 'umask 027; ulimit -n 500; "$@"' sh "$LIVERY" run tree sh -c 'umask; ulimit -n' | xargs)" \
	"0027 500" "umask and limits stay"

# --- where the view is

ok "LIVERY_VIEW" run tree sh -c 'echo "$LIVERY_VIEW"; awk -v v="$LIVERY_VIEW" "\$5 == v" /proc/self/mountinfo | wc -l'
like "$OUT" $'^/.*\n1$' "it is a mount point"
view=${OUT%%$'\n'*}
result "$([ ! -e "$view" ]; echo $?)" "afterwards it is gone"
cat >arguments <<'END'
import os, sys
print("\n".join(a.replace(os.environ["LIVERY_VIEW"], "V") for a in sys.argv[1:]))
END
exits 0 "arguments" run tree $python arguments @ @/ @/usr/bin DESTDIR=@ --root=@/x a@b @x user@host: =@ =@/ a=@x @@ \
	a=b=@ a/@/b '' -o@ 'a b=@/c d' @: '\@' -- @
is "$OUT" 'V
V/
V/usr/bin
DESTDIR=V
--root=V/x
a@b
@x
user@host:
=V
=V/
a=@x
@@
a=b=V
a/@/b

-o@
a b=V/c d
@:
\@
--
V' "@ is the view where it is an argument, begins a path, or is the value after ="
rm arguments
as_user bash -c 'mkdir "odd @ name" && touch "odd @ name/x"'
ok "a staging tree of an odd name" run "odd @ name" ls @
is "$OUT" x "it is the view's"
as_user rm -rf "odd @ name" "odd @ name.livery"
ok "by another path" run ./tree/../tree/ mkdir @/deep
ok "by its absolute path" run "$SCRATCH/tree" rmdir @/deep
ok "from the tree" as_user env -C tree "$LIVERY" run . sh -c 'printf "#!/bin/sh\necho mine\n" >"$1"/p; chmod 755 "$1"/p; "$1"/p' sh @
is "$OUT" mine "a program of the view runs"
ok "the working directory in the view" run tree env -C @ \
	sh -c 'rm p; mkdir -p deep/er; cd deep/er; mknod x c 1 3; setfattr -n trusted.x -v y x'
is "$(said tree/deep/er/x type major minor trusted.x)" "character device 1 3 79" "a relative path is the view's"
ok "rm" run tree rm -r @/deep

# --- who the program is

ok "id" run tree sh -c 'id; id -u; id -g; whoami; busybox id -u; test -w /root || echo "just for the view"'
is "$(tail -n +2 <<<"$OUT" | xargs)" "0 0 root 0 just for the view" "it is root"
like "$OUT" '^uid=0\(root\) gid=0\(root\)( groups=0\(root\))?'$'\n' "with no other group"
cat >identity <<'END'
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(os.getuid(), os.geteuid(), os.getgid(), os.getegid(), os.getresuid(), os.getresgid(), os.getgroups())
for f, *a in (("setuid", 1000), ("setgid", 1000), ("setreuid", 5, 6), ("setregid", 5, 6), ("setresuid", 1, 2, 3),
              ("setresgid", 1, 2, 3), ("seteuid", 7), ("setegid", 7), ("initgroups", "root", 0),
              ("setgroups", [4, 5, 6]), ("setgroups", [])):
    getattr(os, f)(*a)
libc.setfsuid(5), libc.setfsgid(5)
print(libc.getresuid(ctypes.c_void_p(8), ctypes.c_void_p(8), ctypes.c_void_p(8)), ctypes.get_errno())
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
data = (ctypes.c_uint32 * 6)()
print(libc.capget(header, data), libc.capset(header, data))
END
ok "ids are set" run tree $python identity
is "$(head -n 1 <<<"$OUT")" "0 0 0 0 (0, 0, 0) (0, 0, 0) []" "all ids are root's"
is "$(sed -n 2p <<<"$OUT")" "-1 14" "a wrong pointer is one (EFAULT)"
is "$(tail -n 1 <<<"$OUT")" "0 0" "capget and capset"
rm identity
ok "a static program" run tree busybox sh -c 'busybox mknod "$LIVERY_VIEW"/static b 7 3 && busybox id -u'
is "$OUT" 0 "is root too"
is "$(said tree/static type major minor)" "block device 7 3" "and makes a device"
ok "rm" run tree rm @/static

# As with sudo: the user's own files are another's than root's.
if command -v git >/dev/null; then
	as_user git init -q source 2>/dev/null
	exits 128 "git in a source tree of the user's" run tree git -C source status
	like "$ERR" "dubious ownership" "finds that it is not root's"
	ok "git that is told of the user" as_user env "SUDO_UID=$(as_user id -u)" "$LIVERY" run tree git -C source status
	as_user rm -rf source
else
	skip "git in a source tree of the user's" "there is no git"
fi

# --- sealed

ok "something to see" run tree sh -ec 'cd "$LIVERY_VIEW"; echo c >f; mknod null c 1 3; chown 5:6 f null
	chmod 4711 f; setfattr -n trusted.t -v t f; setfattr -h -n security.selinux -v a:b:c null; setfacl -m u:9:rwx f'
see='cd "$LIVERY_VIEW"; stat -c "%n %F %u:%g %a %t:%T" f null; getfattr -h -d -m- f null; cat f; getfacl -n f'
ok "what a session sees" run tree sh -c "$see"
wanted=$OUT
like "$wanted" 'trusted.t="t"' "trusted.* too"
like "$wanted" 'security.selinux="a:b:c' "labels too"
like "$wanted" 'null character special file 5:6 644 1:3' "devices too"
ok "what a sealed one sees" run --ro -o allow-unlabeled tree sh -c "$see"
is "$OUT" "$wanted" "is the same"
for change in 'mknod @/x c 1 3' 'setfattr -n trusted.x -v x @/f' 'setfattr -x trusted.t @/f' 'touch @/f' 'ln @/f @/x' \
	'setfacl -m u:1:r @/f' 'chown 1 @/f'; do
	# shellcheck disable=SC2086 # words
	exits 1 "sealed: $change" run --ro -o allow-unlabeled tree $change
	like "$ERR" "Read-only file system" "sealed: it says why"
done
ok "a sealed session takes options as mount does" run --ro -o allow-unlabeled,clamp=1000 tree stat -c %Y @/f
is "$OUT" 1000 "clamp"
ok "what a session sees then" run tree sh -c "$see"
is "$OUT" "$wanted" "nothing has changed"
# Without trusted.* the kernel gives a reader all that root would see, and is asked itself.
ok "without trusted.*" run tree setfattr -x trusted.t @/f
wanted=$(grep -v '^trusted.t=' <<<"$wanted")
ok "what a sealed one sees" run --ro -o allow-unlabeled tree sh -c "$see"
is "$OUT" "$wanted" "is the same"
exits 1 "sealed: a label" run --ro -o allow-unlabeled tree setfattr -n security.selinux -v a:b:d @/f
like "$ERR" "Read-only file system" "sealed: it says why"
exits 1 "sealed: trusted.* that is not there" run --ro -o allow-unlabeled tree getfattr -n trusted.t @/f
like "$ERR" "No such attribute" "sealed: it says so"
ok "trusted.* comes back" run tree setfattr -n trusted.t -v t @/f

# --- processors: a program that asks and asks is held on one (fs/hold.h), for itself

asks='import os
def ask(): # long enough to be held
	for i in range(5000): os.setxattr(os.environ["LIVERY_VIEW"] + "/f", "user.n", b"%d" % i)
'
ok "a program that is busy" run tree $python -c "$asks"'
ask()
print(sorted(os.sched_getaffinity(0)) == sorted(os.sched_getaffinity(os.getppid())), flush=True)
print(os.spawnlp(os.P_WAIT, "nproc", "nproc"))'
is "$OUT" "True"$'\n'"$(nproc)"$'\n'0 "may run on all processors when it asks, and so may its programs"
ok "one that chooses a processor" run tree $python -c "$asks"'
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
chosen = os.sched_getaffinity(0)
ask()
print(os.sched_getaffinity(0) == chosen)'
is "$OUT" "True" "stays there"
ok "setfattr -x" run tree setfattr -x user.n @/f

# --- mount options

printf '/.* u:r:default:s0\n/dev(/.*)? u:r:dev:s0\n' >policy
ok "-o policy, default-owner" run -o "policy=$SCRATCH/policy" -o default-owner=7:8 tree sh -ec 'cd "$LIVERY_VIEW"
	mkdir dev; mknod dev/zero c 1 5; mknod dev/loop0 b 7 0; touch plain
	getfattr --only-values -n security.selinux dev/zero | tr "\0" "\n"'
is "$OUT" "u:r:dev:s0" "the program sees the label"
is "$(said tree/dev/zero type major minor uid gid label)" "character device 1 5 7 8 u:r:dev:s0" \
	"a device has label and owner"
is "$(said tree/dev/loop0 type major minor uid gid label)" "block device 7 0 7 8 u:r:dev:s0" "another has"
is "$(said tree/plain type uid label)" "regular file 7 u:r:default:s0" "a file has"
ok "-o db" run -o "db=$SCRATCH/other.livery" tree stat -c %u @/f
is "$OUT" 0 "another database is another view"
rm -f other.livery
nothing_left "after sealed and other sessions"

# --- the database afterwards

is "$(said tree/f type mode uid gid trusted.t)" "regular file 4771 5 6 74" "the file"
is "$(said tree/null type major minor uid gid label)" "character device 1 3 5 6 a:b:c" "the device"
like "$(said tree/f system.posix_acl_access)" "^0200000001000700" "the ACL"
is "$(as_user stat -c '%F %U' tree/null)" "regular empty file $(as_user id -un)" "the staging tree has a placeholder"
is "$(as_user getfattr -d -m- tree/f)" "" "and no attribute"
ok "status" as_user "$LIVERY" status tree
is "$(as_user "$LIVERY" ls --json tree | $python -c 'import json, sys
print(*sorted(e["path"] + ":" + e["type"][0] for e in json.load(sys.stdin)))')" "dev:d f:r null:c plain:r" "ls --json"
is "$(find . -maxdepth 1 -name 'tree*' | sort | xargs)" "./tree ./tree.livery" "the database is one file"

# --- a view that is up already

ok "mount -o rw" mount_view tree view -o rw
started=$(daemons)
ok "a session in it" run tree sh -ec 'echo "$LIVERY_VIEW"; mknod "$1"/full c 1 7; setfattr -n trusted.x -v y "$1"/f' sh @
is "$OUT" "$SCRATCH/view" "its place is used"
errors "options for a view that is up" "keeps its options" -o default-owner=7:8 tree true
is "$(as_user stat -c '%F %t:%T' view/full)" "character special file 1:7" "what was made shows"
ok "the view stays" is_mounted "$SCRATCH/view"
only_daemon() { [ "$(daemons)" = "$started" ]; }
ok "nothing else does" wait_for 10 only_daemon
exits 5 "a second session" run tree sh -c 'test -c "$1"/full && rm "$1"/full && exit 5' sh @
# Each by its id: of two that end at once `wait -n` may know only one (127).
ok "two at once" as_user bash -ec 'for i in 1 2; do
	"$0" run tree sh -c "for j in \$(seq 50); do mknod \$LIVERY_VIEW/d$i.\$j c $i \$j || exit 1; done" & pid[i]=$!
	done; wait "${pid[1]}"; wait "${pid[2]}"' "$LIVERY"
is "$(as_user find view -name 'd?.*' -type c | wc -l)" 100 "both have made all"
is "$(said tree/f trusted.x)" 79 "an attribute is in the database"
as_user find view -name 'd?.*' -delete
strict_umount view
ok "a sealed view" mount_view tree view -o allow-unlabeled
exits 2 "a session that writes beside a sealed view" run tree echo started
is "$OUT" "" "the program was not started"
like "$ERR" "^livery( run)?: .*(view|process)" "it says what is in the way"
ok "a sealed one beside it" run --ro -o allow-unlabeled tree true
strict_umount view
nothing_left "at the end"

# --- sessions that share a view: the last one ends it, whoever mounted it

cat >sharing <<'END'
livery=$1
waits() { for i in {1..200}; do [ ! -e "$1" ] || return 0; sleep 0.05; done; return 1; }
export -f waits
"$livery" run tree bash -c ': >begun; waits used' &
first=$!
waits begun
"$livery" run tree bash -c ': >used; waits over && mknod "$LIVERY_VIEW"/late c 1 3' &
second=$!
wait "$first"; echo "first $?"
: >over
wait "$second"; echo "second $?"
rm -f begun used over
END
chmod 644 sharing
ok "the session that mounted the view ends before another" as_user bash sharing "$LIVERY"
is "$OUT $ERR" $'first 0\nsecond 0 ' "neither is in the other's way"
is "$(said tree/late type major minor)" "character device 1 3" "what the other did then is done"
rm sharing
ok "rm" run tree rm @/late
nothing_left "after both"
cat >several <<'END'
# Six that begin at once, in a tree that has no database, and end one after the other.
mkdir new
for i in 1 2 3 4 5 6; do
	"$1" run new sh -c 'mknod "$LIVERY_VIEW"/$1 c 1 $1; sleep 0.$1; test -c "$LIVERY_VIEW"/$1' sh $i &
	pid[i]=$!
done
for i in 1 2 3 4 5 6; do
	wait "${pid[i]}"; echo -n "$? "
done
END
chmod 644 several
for round in 1 2 3; do
	ok "six sessions at once ($round)" as_user bash several "$LIVERY"
	is "$OUT $ERR" "0 0 0 0 0 0  " "each has its view to its end"
	is "$(as_user "$LIVERY" ls new | grep -c ^c)" 6 "all is done"
	is "$(find . -maxdepth 1 -name 'new*' | sort | xargs)" "./new ./new.livery" "one database is left"
	as_user rm -rf new new.livery
done
rm several
nothing_left "after them"

# A view that outlived its tree is not the view of what is made in its place.
as_user mkdir t
ok "a view that is left" mount_view t left -o rw
as_user rm -r t t.livery
as_user mkdir t
ok "run in a new tree of that name" run t sh -c ': >"$LIVERY_VIEW"/new && stat -c %U "$LIVERY_VIEW"/new'
is "$OUT $(ls t)" "root new" "has a view of its own"
as_user fusermount3 -u left
rmdir left
as_user rm -r t t.livery
nothing_left "after that"
finish
