#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs that need root, run by an ordinary user under livery run: install, cp -a, tar, rsync,
# dpkg and others, static, Go's and Rust's among them. What each leaves behind and says is what
# it does for root in a plain directory.

# shellcheck disable=SC2016,SC2154 # text for other shells, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

# Everything that only root can make.
.bin/lib/mktar full.tar <<'END'
import struct
def ACL(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)
NONE = 0xffffffff
LIST = {"system.posix_acl_access": ACL((1, 6, NONE), (2, 5, 33), (4, 4, NONE), (16, 5, NONE), (32, 4, NONE))}
def SELINUX(context):
    return {"RHT.security.selinux": context.encode() + b"\0"}
TEXT = {"SCHILY.acl.access": b"user::rw-\nuser:33:r-x\ngroup::r--\nmask::r-x\nother::r--\n"}
DEFAULT = {"SCHILY.acl.default": b"user::rwx\ngroup::r-x\ngroup:42:rwx\nmask::rwx\nother::---\n"}
d("./", mode=0o751, uid=3, gid=4)
d("bin", pax=SELINUX("system_u:object_r:bin_t:s0"))
f("bin/ping", "#!/bin/sh\n", mode=0o755, x=CAP(1 << 13), pax=SELINUX("system_u:object_r:ping_exec_t:s0"))
f("bin/su", "#!/bin/sh\n", mode=0o4755, pax=SELINUX("system_u:object_r:su_exec_t:s0:c0.c1023"))
h("bin/su-too", "bin/su")
f("bin/wall", "#!/bin/sh\n", mode=0o2755, gid=5, mtime="5.25")
l("bin/sh", "ping", uid=7, pax=SELINUX("system_u:object_r:bin_t:s0"))
d("dev", mtime="1500000001.987654321")
c("dev/null", 1, 3, mode=0o666, pax=SELINUX("system_u:object_r:null_device_t:s0"))
c("dev/tty", 5, 0, mode=0o620, uid=1000, gid=5, x={"trusted.tty": b"t\0y"})
b("dev/sda", 8, 0, mode=0o660, gid=6)
b("dev/nvme", 259, 1048575, mode=0o6000, gid=6)
h("dev/nvme-too", "dev/nvme")
p("dev/initctl", mode=0o600, uid=8, pax=SELINUX("system_u:object_r:initctl_t:s0"))
d("etc")
f("etc/shadow", "root:*:1::::::\n", mode=0o640, gid=42, pax=SELINUX("system_u:object_r:shadow_t:s0"))
f("etc/listed", "l", mode=0o654, uid=1000, gid=1001, pax=TEXT)
f("etc/attributes", "a", uid=1000, x={"user.one": b"1\0\xff", "trusted.overlay.opaque": b"y", "trusted.two": b""})
d("etc/listed.d", mode=0o770, gid=42, pax=DEFAULT)
f("etc/closed", "c", mode=0, uid=65534, gid=65534)
d("tmp", mode=0o1777)
f(b"odd \n\xff name", "odd", uid=1, x={"trusted.odd": bytes(range(256))})
END
chmod 644 full.tar
packages=$("$e2e_top/tests/fixtures/mkpackages" "$FIXTURES") || bail "there are no packages"
mkdir packages && tar -C packages -xf "$packages" --strip-components=1 debs || bail "the packages cannot be read"
chmod -R a+rX packages
printf '#!/bin/sh\necho program\n' >program
printf 'all:\n\ninstall:\n\tinstall -d -m 2775 -o root -g staff $(DESTDIR)/var/local\n' >Makefile
printf '\tinstall -D -m 4755 -o 33 -g adm -t $(DESTDIR)/usr/bin program\n' >>Makefile
printf '\tinstall -p -b -m 2751 -o bin -g mail program $(DESTDIR)/usr/bin/program\n' >>Makefile

mkdir scripts
cat >script <<'END'
# NAME SCRATCH STARTED: in a new directory of this name, scripts/NAME. Then what is newer than
# the start gets one fixed time, because nobody can know the clock's before.
set -eu
umask 022
export S=$2 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
untar() { tar -xpf "$S/full.tar" --same-owner --numeric-owner --xattrs --xattrs-include='*' --acls --selinux "$@"; }
mkdir "$1"
cd "$1"
. "$S/scripts/$1"
find . -newermt "@$3" -exec touch -h -d '2024-02-29 01:02:03.456789012Z' {} +
END
started=$(($(date +%s) - 1))
as_user mkdir tree
if have_root; then
	mkdir native home
	as_root chown 0:0 native home
fi

# both NAME: the script on standard input, for the user in a session and for root in a directory.
both() {
	local name=$1 rc=0
	cat >"scripts/$name"
	capture as_user "$LIVERY" run tree env -C @ bash "$SCRATCH/script" "$name" "$SCRATCH" "$started"
	is "$status ${ERR:0:2000}" "0 " "$name: in a session"
	mv .out session.out
	as_user "$LIVERY" run tree /usr/bin/python3 .bin/lib/scan.py "@/$name" >session.list
	have_root || { skip "$name: as root natively" "there is no root here"; return; }
	as_root env -C native "HOME=$SCRATCH/home" "TMPDIR=$SCRATCH/home" bash "$SCRATCH/script" \
		"$name" "$SCRATCH" "$started" >native.out 2>native.err </dev/null || rc=$?
	is "$rc $(head -c 2000 native.err)" "0 " "$name: as root natively"
	is "$(cut -c1-200 session.out | head -40)" "$(cut -c1-200 native.out | head -40)" "$name: says the same"
	as_root /usr/bin/python3 .bin/lib/scan.py "native/$name" >native.list
	same "$name: leaves the same" native.list session.list
}

both install <<'END'
install -o 33 -g 42 -m 4755 "$S/program" setuid
install -m 640 "$S/program" copied
install -d -o 7 -g 8 -m 2775 a/b/c
install -D -p -o nobody -g nogroup "$S/program" a/b/c/d/e
install -m 2711 -t a "$S/program" setuid
install -b -m 6700 "$S/program" copied
make -s -C "$S" install DESTDIR="$PWD"
stat -c '%n %A %u:%g' setuid copied a/b a/b/c a/b/c/d a/program
END
both tar <<'END'
untar
mkdir again
tar -c --numeric-owner --xattrs --xattrs-include='*' --acls --selinux --exclude=./again . |
	tar -xp -C again --same-owner --xattrs --xattrs-include='*' --acls --selinux
tar -d --numeric-owner -f "$S/full.tar" --xattrs --xattrs-include='*' --acls --selinux
untar --overwrite
find . -printf '%p %y %m %U:%G %n %s %l\n' | sort
getfattr -R -h -d -m- . | sha256sum
END
both cp <<'END'
mkdir from
untar -C from
cp -a from to
cp -a from/. existing
cp -dR --preserve=all from all
cp -p from/bin/su from/etc/listed from/etc/attributes .
cp -a --attributes-only from/bin/ping attributes
cp -al from/dev links
mv from/dev moved && mv to/bin from/other
cp -a --no-preserve=xattr,ownership existing/etc/attributes plain
END
both rsync <<'END'
mkdir from
untar -C from
rsync -aHAX --numeric-ids from/ to/
rm to/bin/su to/dev/null && echo changed >to/etc/shadow && chown 9:9 to/dev/sda && setfattr -x user.one to/etc/attributes
setfattr -n trusted.two -v other to/etc/attributes && setfacl -b to/etc/listed && rm to/etc/closed && mknod to/etc/closed b 1 1
rsync -aHAX --numeric-ids --delete -i from/ to/
rsync -aHAX --numeric-ids --delete -n -i from/ to/
END
both attributes <<'END'
mkdir dir && cp "$S/program" file && ln -s file link && mkfifo fifo && mknod device c 10 200
chown 1000:1001 file dir fifo device && chown -h 5 link
setfattr -n trusted.one -v 0x00ff file && setfattr -h -n trusted.link -v l link && setfattr -n security.other -v o device
setfattr -n security.selinux -v 'a:b:c:s0\000' fifo && setfattr -n user.u -v u dir
setfacl -m u:33:rwx,g:42:r,m:rx file && setfacl -d -m u:33:rwx dir && setfacl -m g:7:w fifo device
touch dir/inherits && mkdir dir/too && setfacl -R -x u:33 dir/too && setfacl -k dir
setcap cap_net_raw,cap_net_admin+ep file && getcap file && cp -a file other && setcap -r other
setcap 'cap_sys_admin=ei' other && chown 3 other && getcap other file
getfattr -d -m- file dir fifo device other && getfattr -h -d -m- link && getfacl -n file dir fifo device
setfattr -x trusted.one file && ! setfattr -x trusted.one file 2>/dev/null
getfattr -d -m- file >dumped && setfattr -b --restore=dumped 2>/dev/null || setfattr --restore=dumped
END
both links <<'END'
untar
ln bin/su a && ln -P bin/sh b && ln dev/initctl c && ln dev/null d && ln etc/closed e && ln -L bin/sh f && cp -l bin/wall g
chown 4 a && chmod 4711 a && mv -f d dev/zero && ln -f e a
python=/usr/bin/python3; $python -c 'import os; os.link("bin/ping", "h"); os.link("bin/sh", "i", follow_symlinks=False)
fd = os.open("bin/su", os.O_RDONLY | os.O_NOATIME); print(len(os.read(fd, 99)))'
stat -c '%n %h %u %a' ? bin/*
END
both archives <<'END'
mkdir from cpio bsd squash
untar -C from
rm from/odd*
(cd from && find . | sort | cpio -o -H newc --quiet) >archive
(cd cpio && cpio -idm --quiet <../archive)
tar -c -C from --numeric-owner --xattrs --xattrs-include='*' . | bsdtar -C bsd -xpf - --numeric-owner
mksquashfs from image -quiet -no-progress -noI -noD -noF -noX 2>/dev/null
unsquashfs -f -q -n -d squash image >/dev/null
/usr/bin/python3 -c 'import tarfile
with tarfile.open("'"$S"'/full.tar") as t:
	t.extraction_filter = lambda member, path: member # all as it is, of which 3.12 and 3.13 warn
	t.extractall("python", numeric_owner=True)'
rm archive image
END
both busybox <<'END'
untar
busybox mkdir copy && busybox cp -a bin dev tmp copy/
busybox mknod -m 640 device c 4095 7 && busybox mknod block b 8 17 && busybox mkfifo -m 604 fifo
busybox chown -R 12:34 copy/dev && busybox chmod 7711 copy/bin/su && busybox chown -h 1:2 copy/bin/sh
busybox ln bin/su linked && busybox ln device linked-device && busybox cp -a dev/tty teletype
busybox tar -c bin dev | busybox tar -x -C copy/tmp
busybox setfattr -n trusted.b -v b device 2>/dev/null || setfattr -n trusted.b -v b device
busybox id -u; busybox stat -c '%n %f %u:%g %t:%T' device block linked copy/bin/* copy/dev/*
END
both rust <<'END'
untar
coreutils mkdir copy && coreutils cp -a bin etc copy/ && coreutils cp -a bin/su copy/dropped
coreutils mknod -m 640 device c 4095 7 && coreutils mknod block b 8 17 && coreutils mkfifo fifo
coreutils chown -R 12:34 copy/etc && coreutils chmod 7711 copy/bin/su && coreutils chown -h 1:2 copy/bin/sh
coreutils ln bin/su linked && coreutils ln -P bin/sh linked-link && coreutils mv dev/null null
coreutils install -o 3 -g 4 -m 4750 "$S/program" installed && coreutils install -m 2711 "$S/program" again
coreutils id -u; coreutils id -g; coreutils whoami
coreutils stat -c '%n %f %u:%g %t:%T' device block linked copy/bin/*
END
both go <<'END'
export RESTIC_PASSWORD=p RESTIC_REPOSITORY=$TMPDIR/restic.$$ RESTIC_CACHE_DIR=$TMPDIR/cache.$$
mkdir from
untar -C from
restic init -q && restic backup -q from && rm -r from/dev && restic restore -q latest --target to
rm -rf "$RESTIC_REPOSITORY" "$RESTIC_CACHE_DIR"
END

# Packages without maintainer scripts are unpacked and configured, and unpacked again over what
# is there, for which dpkg links what it replaces, setuid programs too.
for deb in packages/*.deb; do
	dpkg-deb --ctrl-tarfile "$deb" | tar -t | grep -qE '^\./(preinst|postinst|prerm|postrm|config)$' || echo "$deb"
done >all
result $(($(wc -l <all) < 30)) "packages without scripts ($(wc -l <all))"
# Some of the smaller ones, and those with setuid and setgid programs.
{
	grep -E '/(mount|procmail|libutempter0|libpam-modules-bin)_' all
	xargs ls -S -r <all | grep -vE '/(mount|procmail|libutempter0|libpam-modules-bin)_' | head -n 16
} >plain
both dpkg <<'END'
mkdir -p var/lib/dpkg/info var/lib/dpkg/updates && touch var/lib/dpkg/status
options="--root=$PWD --log=$PWD/log --force-depends --force-script-chrootless"
debs=$(sed "s|^|$S/|" "$S/plain")
does() { dpkg $options "$@" >talk 2>&1 || { cat talk; return 1; }; }
for round in first again; do
	does --unpack $debs
	does --configure --pending
done
dpkg $options --verify
does --remove tree
does --purge finger
rm -f talk log var/lib/dpkg/lock*
dpkg-query --admindir=var/lib/dpkg -W -f='${Package} ${db:Status-Status}\n' | tee states
find . -perm /6000 -printf '%p %m %u:%g\n' | sort
END

is "$(awk 'NF == 2 { print $2 }' session.out | sort | uniq -c | xargs)" "$(($(wc -l <plain) - 2)) installed" "what is left is configured"
like "$(cat session.out)" "/procmail 6755 root:mail" "a setuid program of another group is there"

# What the owners of all this are, by another reader of both.
if have_root; then
	as_user touch -d @1000 tree
	as_root touch -d @1000 native
	ok "manifest of root's tree" as_root "$LIVERY" manifest --native native
	sed 1d .out >native.manifest
	ok "manifest of the tree" as_user "$LIVERY" manifest tree
	is "$(sed 1d .out | diff native.manifest - | cut -c1-300 | head -20)" "" "the manifest of the tree is that of root's"
else
	skip "the manifest of the tree is that of root's" "making that needs root"
fi
ok "database and tree agree" as_user "$LIVERY" status tree
ok "no process is left" wait_for 10 no_daemon
no_sanitizer_report "all"
finish
