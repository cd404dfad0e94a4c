#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a reader gets from the view through the kernel: content, holes, links, names,
# attributes, times; and that nothing can be written.

# shellcheck disable=SC2016,SC2086,SC2154 # text for other shells, words, the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
import os
d("./", x=LABEL("a:b:root:s0"), mtime="1400000000.000000001")
d("etc", x=LABEL("a:b:etc:s0"), mtime="1450000000.5")
f("etc/passwd", "root:x:0:0::/:\n", x=LABEL("a:b:passwd:s0"))
f("etc/shadow", "secret\n", mode=0o600, x=LABEL("a:b:shadow:s0"))
f("etc/other", "readable\n", mode=0o644)
d("bin")
f("bin/tool", os.urandom(3000000), mode=0o4755, uid=5, gid=6, mtime="1500000000.123456789",
  x={**CAP(0x2000), **LABEL("a:b:bin:s0"), "user.one": b"1", "user.zero": b"", "security.ima": b"\3\1",
     "trusted.overlay.opaque": b"y"})
h("bin/again", "bin/tool")
h("etc/third", "bin/tool")
d("links")
l("links/relative", "../etc/passwd", x={**LABEL("a:b:link:s0"), "user.no": b"1"})
l("links/absolute", "/etc/passwd")
l("links/dangling", "no/such/file")
l("links/loop", "loop")
l("links/odd", b"new\nline and \xff")
d("dev")
c("dev/null", 1, 3, mode=0o666, x={**LABEL("a:b:null:s0"), "user.no": b"1"})
b("dev/sda", 8, 0)
p("dev/pipe")
f("empty")
f("late", "late", mtime="4000000000.75")
f("early", "early", mtime="-86400")
END
as_user "$LIVERY" unpack small.tar rootfs 2>/dev/null || bail "nothing to go on with"
# Two that a tar of this size cannot carry: 5 GiB of hole with data at both ends and in the
# middle; a link of 4,095 bytes; and names of every kind, made beside the database.
as_user /usr/bin/python3 - <<'END'
import os
with open("rootfs/sparse", "wb") as f:
    f.write(b"start")
    f.seek(2500000000)
    f.write(b"middle")
    f.seek(5 * 2**30)
    f.write(b"the end")
os.symlink("x/" * 2047 + "y", "rootfs/links/longest")
os.mkdir("rootfs/names")
for name in (b"new\nline", b"a" * 255, b"\xff" * 255, b"\xc3\xa4", b"\x01\x02\x7f", b" blank ", b"-rf",
             b"back\\slash", b"'quote\"", b"...", b"tab\t", b"a", b"a.b", b"a-b", b"ab", b"A"):
    open(b"rootfs/names/" + name, "w").close()
os.mkdir("rootfs/many")
for i in range(5000):
    open("rootfs/many/%x-%d" % (i * 7919 % 5003, i), "w").close()
# Deeper than PATH_MAX: 25 directories of 200 bytes.
fd = os.open("rootfs", os.O_RDONLY)
for i in range(25):
    os.mkdir("d" * 200, dir_fd=fd)
    deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=fd)
    os.close(fd)
    fd = deeper
with os.fdopen(os.open("bottom", os.O_WRONLY | os.O_CREAT, dir_fd=fd), "w") as f:
    f.write("deep")
END
as_user setfattr -n user.host -v seen rootfs/etc/other 2>/dev/null # tmpfs may not take it
ok "mount" mount_view rootfs view -o allow-unlabeled || bail "nothing to go on with"
result "$(as_user stat view/etc >/dev/null; echo $?)" "the view answers once mount has returned"

# --- content

ok "content is equal" as_user cmp rootfs/bin/tool view/bin/tool
ok "and again, cached" as_user cmp rootfs/bin/tool view/bin/tool
is "$(as_user cat view/empty | wc -c)" 0 "an empty file is empty"
cat >read.py <<'END'
import errno, hashlib, mmap, os, sys
what = sys.argv[1]
if what == "mmap":
    with open("view/bin/tool", "rb") as v, open("rootfs/bin/tool", "rb") as s:
        m = mmap.mmap(v.fileno(), 0, prot=mmap.PROT_READ)
        print(m[:] == s.read(), m[2999990:] == m[-10:])
elif what == "holes":
    for path in ("rootfs/sparse", "view/sparse"):
        fd, size, at, out = os.open(path, os.O_RDONLY), os.stat(path).st_size, 0, []
        while at < size:
            try:
                data = os.lseek(fd, at, os.SEEK_DATA)
            except OSError as e:
                out.append(errno.errorcode[e.errno])
                break
            at = os.lseek(fd, data, os.SEEK_HOLE)
            out.append((data, at))
        try:
            os.lseek(fd, size + 1, os.SEEK_DATA)
        except OSError as e:
            out.append(errno.errorcode[e.errno])
        print(out)
elif what == "end":
    fd = os.open("view/sparse", os.O_RDONLY)
    print(os.fstat(fd).st_size, os.pread(fd, 100, 5 * 2**30 - 2), os.pread(fd, 6, 2500000000),
          os.pread(fd, 5, 0), os.pread(fd, 10, 5 * 2**30 + 7))
elif what == "order":
    for name in (b"names", b"many", b"", b"links"):
        for root in (b"view/",):
            names = [e.name for e in os.scandir(root + name)]
            print(name, len(names), names == sorted(names),
                  set(names) == set(os.listdir(b"rootfs/" + name)))
elif what == "seekdir":
    # From the middle again: telldir and seekdir, with readdir of libc.
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
    libc.telldir.restype = ctypes.c_long
    libc.seekdir.argtypes = ctypes.c_void_p, ctypes.c_long
    libc.telldir.argtypes = libc.readdir.argtypes = (ctypes.c_void_p,)
    d = libc.opendir(b"view/many")
    name = lambda: (lambda p: ctypes.string_at(p + 19) if p else None)(libc.readdir(d))
    names, places = [], []
    while True:
        places.append(libc.telldir(d))
        n = name()
        if n is None:
            break
        names.append(n)
    ok = len(names) == 5002 and names[:2] == [b".", b".."]
    for i in (4000, 17, 0, 1, 2, 5001):
        libc.seekdir(d, places[i])
        ok = ok and name() == names[i]
    print(ok)
elif what == "deep":
    for root in ("rootfs", "view"):
        fd, depth = os.open(root, os.O_RDONLY), 0
        while True:
            try:
                down = os.open("d" * 200, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd)
            except FileNotFoundError:
                break
            os.close(fd)
            fd, depth = down, depth + 1
        print(depth, os.listdir(fd), os.read(os.open("bottom", os.O_RDONLY, dir_fd=fd), 10))
elif what == "times":
    for path in sys.argv[2:]:
        st = os.lstat(path)
        print(path, st.st_atime_ns == st.st_mtime_ns == st.st_ctime_ns, st.st_mtime_ns)
elif what == "threads":
    from concurrent.futures import ThreadPoolExecutor
    def one(i):
        with open("view/bin/tool", "rb") as f:
            h = hashlib.sha256(f.read()).hexdigest()
        return h, len(list(os.scandir("view/many"))), os.readlink("view/links/absolute")
    with ThreadPoolExecutor(8) as pool:
        print(len(set(pool.map(one, range(64)))))
END
read_py() { as_user /usr/bin/python3 read.py "$@" 2>&1; }
is "$(read_py mmap)" "True True" "mmap"
holes=$(read_py holes)
is "$(tail -n 1 <<<"$holes")" "$(head -n 1 <<<"$holes")" "SEEK_DATA and SEEK_HOLE as in the staging tree"
like "$holes" "^\[\(0, [0-9]+\), \([0-9]+, [0-9]+\), \([0-9]+, 5368709127\), 'ENXIO'\]" "three pieces of data"
is "$(read_py end)" "5368709127 b'\\x00\\x00the end' b'middle' b'start' b''" "a file over 4 GiB, read at its end"
is "$(as_user stat -c '%s %b' view/sparse)" "$(stat -c '%s %b' rootfs/sparse)" "its size and blocks"
is "$(read_py threads)" "1" "eight readers at once get the same"
is "$(as_user stat -fc '%S %b %l' view)" "$(stat -fc '%S %b %l' rootfs)" "statfs"
like "$(as_user df --output=fstype,source view | tail -n 1)" "fuse.livery +$SCRATCH/rootfs" "df names it"

# --- types and links

is "$(as_user stat -c '%i %h %A %u:%g %s' view/bin/again view/etc/third | sort -u)" \
	"$(as_user stat -c '%i %h %A %u:%g %s' view/bin/tool)" "hard links are one inode"
is "$(as_user stat -c '%h %A %u:%g %s' view/bin/tool)" "3 -rwsr-xr-x 5:6 3000000" "with all its links"
is "$(as_user stat -c '%F %t,%T %s' view/dev/null view/dev/sda view/dev/pipe)" \
	"character special file 1,3 0
block special file 8,0 0
fifo 0,0 0" "devices and a fifo"
is "$(as_user readlink view/links/relative view/links/absolute view/links/dangling view/links/loop)" \
	"../etc/passwd
/etc/passwd
no/such/file
loop" "targets of links"
is "$(as_user readlink view/links/odd | od -An -c | tr -d ' ')" \
	"$(printf 'new\nline and \377\n' | od -An -c | tr -d ' ')" "a target's bytes"
is "$(as_user readlink -n view/links/longest | wc -c)" 4095 "a target of 4,095 bytes"
is "$(as_user find view/links -type l -printf '%s %l\n' | awk '{ n = $1; sub(/^[0-9]+ /, ""); if (NF && n != length($0) && !/^new/ && !/^line/) print }')" \
	"" "a link's size is its target's length"
is "$(as_user cat view/links/relative)" "root:x:0:0::/:" "a link can be followed"
exits 1 "a loop of links ends" as_user cat view/links/loop
like "$ERR" "Too many levels" "with ELOOP"
exits 1 "a device cannot be opened" as_user cat view/dev/null

# --- names

is "$(read_py order)" "b'names' 16 True True
b'many' 5000 True True
b'' 11 True True
b'links' 6 True True" "names are all there, and come sorted"
is "$(read_py seekdir)" "True" "a directory can be read from anywhere"
is "$(read_py deep)" "25 ['bottom'] b'deep'
25 ['bottom'] b'deep'" "deeper than PATH_MAX"
exits 1 "a name of 256 bytes" as_user stat "view/$(printf 'a%.0s' {1..256})"
like "$ERR" "too long" "is too long"
exits 1 "a name that is not there" as_user stat view/absent
ok "find over everything" as_user find view -ls

# --- nothing can be written

inode=$(stat -c '%i %Y' rootfs)
for command in "touch view/new" "mkdir view/dir" "rm view/etc/passwd" "rmdir view/dev" \
	"chmod 700 view/etc" "chown 0 view/etc/passwd" "ln view/etc/passwd view/x" "ln -s a view/x" \
	"mv view/etc view/usr" "truncate -s 0 view/etc/passwd" "setfattr -n user.x -v 1 view/etc/passwd" \
	"setfattr -x user.one view/bin/tool" "mkfifo view/x" "touch view/etc/passwd"; do
	exits 1 "$command" as_user $command
	like "$ERR" "Read-only file system" "is refused with EROFS"
done
is "$(stat -c '%i %Y' rootfs)" "$inode" "the staging tree is as it was"

# --- attributes

names_of() { as_user getfattr -h -m - "$1" 2>/dev/null | sed '1d;/^$/d' | tr '\n' ' '; }
is "$(names_of view/bin/tool)" "security.capability security.ima security.selinux user.one user.zero " \
	"names come sorted, trusted.* is not among them"
is "$(names_of view/links/relative)$(names_of view/dev/null)" "security.selinux security.selinux " \
	"no user.* on a link or a device"
is "$(as_user getfattr -h --only-values -n security.selinux view/dev/null | od -An -c | tr -d ' ')" \
	'a:b:null:s0\0' "a label ends in NUL"
is "$(as_user getfattr -h -e hex -n security.capability view/bin/again 2>/dev/null | sed -n 2p)" \
	"security.capability=0x0100000200200000000000000000000000000000" "a capability, by another name"
exits 1 "trusted.* by name" as_user getfattr -n trusted.overlay.opaque view/bin/tool
like "$ERR" "No such attribute" "is not there"
exits 1 "an attribute that is not there" as_user getfattr -n user.none view/bin/tool
capture as_user bash -c 'cd view && getfattr -R -P -h -d -m- -e hex [!d]* dev'
is "$status:$ERR" "0:" "every attribute that is listed can be read"
is "$(grep -c '^security.selinux=0x.*00$' <<<"$OUT")" 8 "eight labels, all with NUL"
cat >sizes.py <<'END'
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(f, *args):
    n = f(*args)
    return n if n >= 0 else errno.errorcode[ctypes.get_errno()]
b = ctypes.create_string_buffer(1000)
p = b"view/bin/tool"
print(call(libc.lgetxattr, p, b"security.selinux", b, 0), call(libc.lgetxattr, p, b"security.selinux", b, 5),
      call(libc.lgetxattr, p, b"security.selinux", b, 10), call(libc.lgetxattr, p, b"security.selinux", b, 1000),
      call(libc.lgetxattr, p, b"user.zero", b, 0), call(libc.lgetxattr, p, b"user.zero", b, 10),
      call(libc.llistxattr, p, b, 0), call(libc.llistxattr, p, b, 5), call(libc.llistxattr, p, b, 1000),
      call(libc.llistxattr, b"view/empty", b, 0), call(libc.llistxattr, b"view/empty", b, 9))
END
is "$(as_user /usr/bin/python3 sizes.py)" "11 ERANGE ERANGE 11 0 0 69 ERANGE 69 0 0" \
	"sizes, and buffers that are too small"
for path in bin/tool etc/passwd dev/null links/relative ""; do
	is "$(as_user getfattr -h -d -m- "view/$path" 2>/dev/null | tail -n +2)" \
		"$(as_user getfattr -h -d -m- "view/$path" 2>/dev/null | tail -n +2)" "the same twice: /$path"
done

# --- times

is "$(read_py times view view/etc view/bin/tool view/links/relative view/dev/null view/late view/early)" \
	"view True $(stat -c %.9Y rootfs | tr -d .)
view/etc True 1450000000500000000
view/bin/tool True 1500000000123456789
view/links/relative True 1500000000000000000
view/dev/null True 1500000000000000000
view/late True 4000000000750000000
view/early True -86400000000000" "all three times are the modification time, to the nanosecond"

strict_umount view
finish
