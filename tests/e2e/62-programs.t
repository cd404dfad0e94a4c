#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Unmodified programs in a view that writes, run by an ordinary user; what each leaves behind
# and says is what it does for root in a plain directory. Then what no program sees alone: direct
# changes in the staging tree, labels given by a policy, an owner of new files.

# shellcheck disable=SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

# Owners, modes, times to the nanosecond, links and attributes, for tar and rsync.
.bin/lib/mktar owned.tar <<'END'
d("./", mode=0o751, uid=3, gid=4)
d("etc", mtime="1500000001.987654321")
f("etc/shadow", "root:*:1::::::\n", mode=0o640, gid=42, mtime="1234567890.000000001")
f("etc/attributes", "a", uid=1000, gid=1000, x={"user.one": b"1\0\xff", "user.two": b""})
d("etc/setgid", mode=0o2775, uid=7, gid=50, x={"user.dir": b"yes"})
f("etc/setgid/setuid", "#!/bin/sh\n", mode=0o6755, uid=8, gid=9, mtime="5.25")
f("etc/setgid/two", "#!/bin/sh\n", mode=0o2745, uid=8, gid=9, mtime="1234567890.25")
h("etc/setgid/two-too", "etc/setgid/two")
h("first", "etc/setgid/two")
d("tmp", mode=0o1777)
d("closed", mode=0o500, uid=65534, gid=65534)
f("closed/none", "nobody reads this\n", mode=0, uid=65534)
f("big-ids", "b", uid=4294967294, gid=4000000000, mtime=1000000000)
l("link", "etc/shadow", uid=11, gid=12, mtime="1300000000.5")
l("dangling", "no/such/" + "long/" * 60, uid=13)
p("fifo", mode=0o620, gid=5)
f("empty", "", mode=0o444)
f(b"odd \n\xff name", "odd", uid=1)
END
chmod 644 owned.tar
cat >old.txt <<<$'one\ntwo\nthree'
cat >change.patch <<'END'
--- a/sub/text
+++ b/sub/text
@@ -1,3 +1,3 @@
 one
-two
+deux
 three
END

mkdir scripts
cat >run <<'END'
# NAME SCRATCH STARTED: in a new directory of this name, scripts/NAME. Then what is newer than
# the start gets one fixed time, because nobody can know the clock's before.
set -eu
umask 022
export S=$2
mkdir "$1"
cd "$1"
. "$S/scripts/$1"
find . -newermt "@$3" -exec touch -h -d '2024-02-29 01:02:03.456789012Z' {} +
END
started=$(($(date +%s) - 1))

as_user mkdir tree
ok "mount" mount_view tree view -o rw || bail "nothing to go on with"
if have_root; then
	mkdir native
	as_root chown 0:0 native
fi

# both NAME: the script on standard input, for the user in the view and for root in a directory.
both() {
	local name=$1 rc=0
	cat >"scripts/$name"
	capture as_user env -C view bash "$SCRATCH/run" "$name" "$SCRATCH" "$started"
	is "$status ${ERR:0:2000}" "0 " "$name: in the view"
	mv .out view.out
	as_user /usr/bin/python3 .bin/lib/scan.py "view/$name" >view.list
	have_root || { skip "$name: as root natively" "there is no root here"; return; }
	as_root env -C native bash "$SCRATCH/run" "$name" "$SCRATCH" "$started" \
		>native.out 2>native.err || rc=$?
	is "$rc $(head -c 2000 native.err)" "0 " "$name: as root natively"
	ok "$name: says the same" cmp native.out view.out
	as_root /usr/bin/python3 .bin/lib/scan.py "native/$name" >native.list
	same "$name: leaves the same" native.list view.list
}

both tar <<'END'
tar -xp --same-owner --numeric-owner --xattrs --xattrs-include='user.*' -f "$S/owned.tar"
tar -c --numeric-owner --xattrs --sort=name --format=posix \
	--pax-option=delete=atime,delete=ctime,exthdr.name=x . | sha256sum
END
both tar-over-it <<'END'
tar -xp --same-owner --numeric-owner -f "$S/owned.tar"
tar -xp --same-owner --numeric-owner -f "$S/owned.tar"
tar -xp --same-owner --numeric-owner --overwrite -f "$S/owned.tar"
tar -d --numeric-owner -f "$S/owned.tar" || : # --overwrite forgets setuid, for root
END
# rsync gives files away when it is told that it may.
both rsync <<'END'
mkdir from
tar -C from -xp --same-owner --numeric-owner --xattrs --xattrs-include='user.*' -f "$S/owned.tar"
rsync -a --super --numeric-ids from/ plain/
rsync -aHX --super --numeric-ids from/ all/
echo changed >from/etc/shadow
rm from/empty
chown 77:78 from/link
rsync -aHX --super --numeric-ids --delete --inplace -i from/ all/
rsync -aHX --super --numeric-ids --delete -n -i from/ all/
END
both cp <<'END'
mkdir from
tar -C from -xp --same-owner --numeric-owner -f "$S/owned.tar"
cp -dR --preserve=ownership,timestamps,links from to
cp -r from/etc copied
cp -l from/first linked
cp -s "$PWD"/from/first symbolic && ln -sfn from/first symbolic
head -c 3000000 /dev/zero >zeros
cp --sparse=always zeros holes
cp --reflink=auto zeros again
cp --attributes-only zeros nothing
END
both chown-chmod <<'END'
mkdir -p d/e/f && touch d/1 d/e/2 d/e/f/3 && ln -s 1 d/link && ln d/1 d/e/hard
chown -R 1:2 d
chown -h 5:6 d/link
chgrp -R 99 d/e
chmod 6755 d/1 && chmod -R g+w,o-rx d/e && chmod 1777 d/e/f
chown --from=1:99 3000000000 d/e/2
chown 8 d/1 # takes setuid and setgid away
chown -R --reference=d/e d/e/f
stat -c '%n %a %u:%g %h' d d/* d/e/* d/e/f/*
END
both ln-mv <<'END'
mkdir -p a/b c && echo 1 >a/one && echo 2 >a/two && echo 3 >c/three
ln a/one c/one && ln -f a/two c/three && ln -s ../a c/link && ln -sfn ../a/b c/link
ln a/one a/one 2>/dev/null || echo no
mv a/one a/b/uno
mv a d && mv d/b d/two c
mv -T c/b c/moved && mv -n c/two c/moved/uno || :
mkdir empty full && touch full/x
mv -T d empty/d
mv -T empty full 2>/dev/null || echo not empty
mv c/moved/uno c/three && mv c/one c/moved
mkdir -p x y/x && mv y/x . 2>/dev/null || echo no
find . -printf '%p %y %n\n' | sort
END
both rm-rf <<'END'
mkdir large
(cd large && mkdir $(seq -f d%g 40) && for d in d*; do (cd "$d" && touch $(seq 70)); done)
ln large/d1/1 kept && chmod 0 large/d2
find large | wc -l
rm -rf large
ls -A
END
both find <<'END'
mkdir -p t/{a,b}/{c,d} && touch t/{a,b}/{c,d}/{1,2,3}.o t/a/keep
find t -name '*.o' -delete -printf . | wc -c
find t -depth -type d -empty -delete
find t -exec chmod go= {} +
END
both git <<'END'
export HOME=$PWD/home GIT_AUTHOR_DATE='@1700000000 +0000' GIT_COMMITTER_DATE='@1700000000 +0000'
mkdir home repository && cd repository
# git asks whose the repository is, and here it is not the caller's.
git config --global safe.directory '*'
git config --global user.name N && git config --global user.email e
git config --global pack.threads 1 && git config --global gc.auto 0
git init -q -b main
mkdir sub && seq 1000 >sub/numbers && echo 1 >one && ln -s one link
git add . && git commit -q -m first
git checkout -q -b side && git mv one two && echo five >>sub/numbers && chmod +x two
git commit -q -a -m second
git checkout -q main && echo more >>one && git commit -q -a -m third
git merge -q -m merged side && git status --porcelain && git log --oneline --graph --all
git stash list && git gc -q && git fsck --full 2>/dev/null && git clone -q . ../clone
git -C ../clone log --oneline && git -C ../clone status && rm -rf ../clone
git checkout -q HEAD^ && git checkout -q main && git clean -fdxq && git worktree list | wc -l
rm -rf .git/index .git/logs # these hold inode numbers and the clock's times
cd ..
END
both editors <<'END'
mkdir sub && cp "$S/old.txt" sub/text && chown 5:6 sub/text
patch -s -p1 <"$S/change.patch"
patch -s -R -p1 -b <"$S/change.patch"
perl -i.bak -pe 's/one/un/' sub/text
t=$(mktemp) && rm "$t" && t=$(mktemp -p .) && stat -c %a "$t" && mv "$t" made
t=$(mktemp -d -p .) && stat -c %a "$t" && mv "$t" made-dir
truncate -s 100000 sparse && truncate -s -7 sparse && truncate -s 3 sub/text
echo middle | dd of=sparse conv=notrunc bs=1 seek=5000 status=none
echo end | dd of=sparse oflag=append conv=notrunc status=none
fallocate -l 20000 given && fallocate -p -o 4096 -l 4096 sparse && fallocate -n -l 300000 given
cat sub/text >>given && tee -a given <sub/text >/dev/null
touch -d '1999-12-31 23:59:59.999999999Z' made && touch -h -d '1960-01-01 00:00:00.5Z' -c made-dir
touch -a -d '2001-01-01Z' sparse && touch -r made sub/text && stat -c '%y' made made-dir sub/text
END
both sqlite <<'END'
for mode in delete truncate persist wal; do
	sqlite3 $mode.db "PRAGMA journal_mode=$mode" 'CREATE TABLE t(i INTEGER PRIMARY KEY, b BLOB)'
	sqlite3 $mode.db 'PRAGMA mmap_size=1000000; BEGIN;
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
		INSERT INTO t SELECT i, printf("%0100d", i) FROM n; COMMIT;
		PRAGMA cache_size=5; BEGIN; UPDATE t SET b = "x" || b; ROLLBACK;
		DELETE FROM t WHERE i % 3 = 0; PRAGMA wal_checkpoint; PRAGMA integrity_check'
	for n in 1 2 3 4; do
		for i in 1 2 3 4 5; do
			sqlite3 -cmd '.timeout 60000' $mode.db 'INSERT INTO t(b) VALUES(1)'
		done &
	done
	wait
	sqlite3 $mode.db 'SELECT count(*), sum(i), sum(length(b)) FROM t; PRAGMA quick_check; VACUUM'
	sha256sum <$mode.db >/dev/null
	sqlite3 $mode.db .dump | sha256sum
done
rm -f *-journal
END
both static <<'END'
busybox mkdir -p a/b && busybox cp "$S/old.txt" a/b/ && busybox ln a/b/old.txt hard
busybox ln -s a/b sym && busybox chown 12:34 hard && busybox chmod 4711 hard
busybox mkfifo fifo && busybox touch -d '2020-02-02 02:02:02' fifo
busybox cp -a a copy && busybox mv copy b && busybox find . | busybox sort && busybox rm -rf a
END
both compiler <<'END'
mkdir src obj
for n in 1 2 3 4; do echo "int f$n(void) { return $n; }" >src/f$n.c; done
echo 'int f1(void); int f4(void); int main(void) { return f1() + f4() - 5; }' >src/main.c
printf 'all: prog lib.a\nprog: obj/main.o lib.a\n\tcc -o $@ $^\n' >Makefile
printf 'lib.a: obj/f1.o obj/f2.o obj/f3.o obj/f4.o\n\tar rcsD $@ $^\n' >>Makefile
printf 'obj/%%.o: src/%%.c\n\tcc -O1 -c -o $@ $<\n' >>Makefile
make -s -j4
./prog && make -q && cp prog stripped && strip stripped && ./stripped && ldd prog >/dev/null
TMPDIR=$PWD/obj cc -pipe -static -o static-prog src/*.c && ./static-prog && rm static-prog
END
both python <<'END'
/usr/bin/python3 - <<'PY'
import fcntl, mmap, os, shutil, tempfile
with tempfile.TemporaryDirectory(dir=".") as d:
    for i in range(20):
        open(os.path.join(d, str(i)), "w").write("x" * i)
    shutil.copytree(d, "tree")
    shutil.move("tree", "moved")
with tempfile.TemporaryFile(dir=".") as t:  # O_TMPFILE where it is had
    t.write(b"gone"); t.seek(0); print(t.read(), os.fstat(t.fileno()).st_nlink)
with tempfile.NamedTemporaryFile(dir=".", delete=False) as t:
    t.write(b"kept")
os.replace(t.name, "named")
shutil.rmtree("moved")
os.chmod("named", 0o2750); shutil.chown("named", 21, 22)
with open("mapped", "w+b") as f:
    f.truncate(10000)
    with mmap.mmap(f.fileno(), 10000) as m:
        m[5000:5005] = b"hello"; m.flush(); m[9999:] = b"!"
print(open("mapped", "rb").read().strip(b"\0"))
f = open("open", "w+b"); os.unlink("open"); f.write(b"still"); f.seek(0); print(f.read())
os.setxattr("mapped", "user.a", b"b"); print(os.listxattr("mapped"))
fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
os.mkdir("deep"); here = os.open(".", os.O_RDONLY)
for i in range(60):
    os.chdir("deep"); os.mkdir("deep")
os.fchdir(here); shutil.rmtree("deep/deep/deep")
os.mkfifo("pipe", 0o640); print(oct(os.stat("pipe").st_mode))
fd = os.open("named", os.O_WRONLY | os.O_APPEND); os.write(fd, b" more"); os.fsync(fd); os.fsync(here)
PY
END
both flock <<'END'
echo 0 >n
for i in 1 2 3 4; do
	(for j in 1 2 3 4 5 6 7 8; do flock n sh -c 'echo $(($(cat n) + 1)) >n.new; cat n.new >n'; done) &
done
wait
cat n
exec 3>held && flock 3 && ! flock -n held true && flock -u 3 && flock -n held true && rm n.new
END

# --- what an ordinary user's program cannot be given without help

# These set modes by ACLs, which Linux from 6.2 on refuses on files that are another's before
# livery is asked. Use -o default-owner, see below, or what does it by chmod. sed says so and
# exits 0.
ok "a place for them" as_user bash -c 'mkdir view/refused; cp old.txt view/refused/there
	cp old.txt view/refused/suid; chmod 4755 view/refused/suid'
refused() { # STATUS COMMAND...
	if [ "$(printf '%s\n6.2\n' "$(uname -r)" | sort -V | head -n 1)" = 6.2 ]; then
		exits "$1" "$2: exit $1" as_user "${@:2}"
		like "$ERR" "Operation not permitted" "$2: says so"
	else
		ok "$2: works" as_user "${@:2}"
	fi
}
refused 1 install -m 640 old.txt view/refused/installed
# That of Debian 13 does by chmod what takes no list.
if [ "$(printf '%s\n9.7\n' "$(cp --version | sed -n '1s/.* //p')" | sort -V | head -n 1)" = 9.7 ]; then
	ok "cp -p: works" as_user cp -p old.txt view/refused/copied
else
	refused 1 cp -p old.txt view/refused/copied
fi
refused 0 sed -i s/one/un/ view/refused/there
if [ "$(cat /proc/sys/fs/protected_hardlinks)" = 1 ]; then
	exits 1 "a hard link of a setuid program" as_user ln view/refused/suid view/refused/link
	exits 1 "a hard link of a symbolic link" as_user bash -c 'cd view/refused; ln -s x l; ln -P l k'
fi
exits 1 "a device node" as_user mknod view/refused/null c 1 3
ok "livery mknod" as_user "$LIVERY" mknod tree/refused/null c 1 3
is "$(as_user stat -c '%F %t,%T %u' view/refused/null)" "character special file 1,3 0" \
	"the device that livery mknod made is there at once"

# --- live: what is done directly in the staging tree

as_user mkdir -p tree/live/dir/sub
as_user bash -c 'echo old >tree/live/changed; echo x >tree/live/removed; echo y >tree/live/named
	echo z >tree/live/dir/sub/file'
ok "all of it is known to the kernel" as_user find view/live -type f -exec cat {} +
# within WHAT CMD...: true when it is run after a second, at the latest, whatever was asked before.
within() {
	local changed what=$1 now
	changed=$(date +%s%N)
	shift
	while now=$(date +%s%N) && ! as_user "$@" >/dev/null 2>&1; do
		[ $((now - changed)) -lt 1000000000 ] || { result 1 "within a second: $what"; return; }
	done
	result 0 "within a second: $what"
}
exits 1 "not there yet" as_user test -e view/live/new
as_user bash -c 'echo new >tree/live/new'
within "a new file" grep -q new view/live/new
as_user bash -c 'echo longer than before >tree/live/changed'
within "changed content" grep -qx 'longer than before' view/live/changed
as_user bash -c 'echo LONGER than before >tree/live/changed'
within "changed content of the same size" grep -qx 'LONGER than before' view/live/changed
as_user rm tree/live/removed
within "a file that went" test ! -e view/live/removed
as_user mv tree/live/named tree/live/renamed
within "a new name" bash -c '[ ! -e view/live/named ] && grep -q y view/live/renamed'
as_user mv tree/live/dir tree/live/moved
within "a directory that moved" bash -c '[ ! -e view/live/dir ] && grep -q z view/live/moved/sub/file'
as_user chmod 755 tree/live/changed
as_user "$LIVERY" chmod 4711 tree/live/changed
is "$(as_user stat -c %a view/live/changed)" 4711 "a command shows at once"
as_user bash -c 'echo written >view/live/out; mkdir view/live/made; rm view/live/new
	mv view/live/renamed view/live/made/'
is "$(as_user cat tree/live/out tree/live/made/renamed)" $'written\ny' "and the other way at once"
is "$(as_user ls tree/live | xargs)" "changed made moved out" "nothing else is there"

strict_umount view
exits 1 "status" as_user "$LIVERY" status tree
is "$(grep -v '^unrecorded /live/' <<<"$OUT")" "" "only what was made directly is not recorded"
ok "status --repair" as_user "$LIVERY" status --repair tree
ok "status, after that" as_user "$LIVERY" status tree
is "$(as_user find tree -name '*.livery*')$(find . -maxdepth 1 -name 'tree.livery?*')" "" \
	"nothing is left beside the database"
ok "mount, read-only" mount_view tree again
if have_root; then
	for name in tar rsync cp ln-mv git python; do
		as_user /usr/bin/python3 .bin/lib/scan.py "again/$name" >view.list
		as_root /usr/bin/python3 .bin/lib/scan.py "native/$name" >native.list
		same "$name: is kept" native.list view.list
	done
fi
strict_umount again

# --- -o default-owner: files that are shown as the caller's take ACLs, install and cp -a

as_user mkdir own
ids=$(as_user id -u):$(as_user id -g)
ok "mount -o default-owner" mount_view own view -o "rw,default-owner=$ids"
ok "setfacl" as_user bash -ec 'cd view; mkdir d; touch f; setfacl -m u:5:rw-,g:7:r-- f
	setfacl -d -m g:9:rwx d; touch d/inherits; mkdir d/too'
is "$(as_user getfacl -cEnp view/f | xargs)" "user::rw- user:5:rw- group::r-- group:7:r-- mask::rw- other::r--" \
	"the list that was set"
is "$(as_user getfacl -cEnp view/d/inherits | xargs)" "user::rw- group::r-x group:9:rwx mask::rw- other::r--" \
	"a new file has the directory's default list"
is "$(as_user getfacl -cEnp view/d/too | grep -c default:group:9:rwx)" 1 "a new directory hands it on"
ok "install" as_user install -D -m 2750 old.txt view/usr/bin/program
ok "cp -a" as_user bash -ec 'mkdir view/copy; cp -a view/d view/f view/usr view/copy'
is "$(as_user bash -c 'stat -c "%a %U:%G" view/copy/usr/bin/program')" "2750 $(as_user id -un):$(as_user id -gn)" \
	"mode and owner of the copy"
is "$(as_user getfacl -cEnp view/copy/f)" "$(as_user getfacl -cEnp view/f)" "the copy has the list"
ok "sed -i" as_user bash -c 'chmod 751 view/usr/bin/program; sed -i s/one/eins/ view/usr/bin/program'
is "$(as_user stat -c %a view/usr/bin/program)$ERR" 751 "sed -i keeps the mode"
strict_umount view

# --- -o policy: labels of what is new, as label would give them

cat >policy <<'END'
/.*			u:r:default:s0
/etc(/.*)?		u:r:etc:s0
/etc/secret	--	u:r:secret:s0
/run/.*		-p	u:r:pipe:s0
/usr/bin(/.*)?		u:r:bin:s0
/usr/bin/link	-l	u:r:link:s0
/usr/lib/.*\.so	--	u:r:library:s0
/none(/.*)?		<<none>>
END
labels() { as_user getfattr -h --absolute-names --only-values -n security.selinux "$@" | tr '\0' ' '; }
as_user mkdir labeled
ok "label, before there is anything" as_user "$LIVERY" label --policy "$SCRATCH/policy" labeled
ok "mount -o policy" mount_view labeled view -o "rw,policy=$SCRATCH/policy"
ok "files of all kinds" as_user bash -ec 'cd view
	mkdir -p etc usr/bin usr/lib run none; echo s >etc/secret; echo o >etc/other; mkfifo run/pipe
	ln -s x usr/bin/link; ln -s x usr/bin/plain; echo >usr/lib/a.so; echo >none/file; ln etc/secret etc/too
	tar -C "$PWD" -xp --same-owner --numeric-owner -f ../owned.tar'
is "$(labels view/etc view/etc/secret view/etc/other view/run/pipe view/usr/bin/link view/usr/bin/plain \
	view/usr/lib/a.so view/empty view/first)" \
	"u:r:etc:s0 u:r:secret:s0 u:r:etc:s0 u:r:pipe:s0 u:r:link:s0 u:r:bin:s0 u:r:library:s0 u:r:default:s0 u:r:etc:s0 " \
	"each has the label of its path and type, a hard link that of the first"
is "$(as_user getfattr -d -m- view/none/file)" "" "<<none>> is no label"
ok "a rename" as_user mv view/etc/other view/usr/lib/b.so
is "$(labels view/usr/lib/b.so)" "u:r:etc:s0 " "keeps the label"
ok "made elsewhere, then moved to its place" as_user bash -ec 'cd view/usr
	echo >lib/temporary; mv lib/temporary bin/program'
strict_umount view
ok "label --dry-run" as_user "$LIVERY" label --dry-run --policy "$SCRATCH/policy" labeled
is "$(grep '^Would' <<<"$OUT" | sort)" "Would relabel /usr/bin/program from u:r:default:s0 to u:r:bin:s0
Would relabel /usr/lib/b.so from u:r:etc:s0 to u:r:library:s0" "only what was renamed would get another label"
finish
