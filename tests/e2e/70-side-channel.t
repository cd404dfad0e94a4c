#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The side channel (fs/side.h), as a program of the mount's owner uses it: nodes and links
# that the kernel would refuse, and attributes of both kinds of view; what changes shows at
# once.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

as_user .bin/lib/mktar small.tar <<'END'
d("./", x=LABEL("a:b:root:s0"))
d("d")
d("d/e")
f("d/e/file", "content", mode=0o4755, uid=5, gid=6,
  x={**CAP(0x2000), **LABEL("a:b:file:s0"), "user.one": b"1", "user.zero": b"", "trusted.x": b"hidden",
     "trusted.overlay.opaque": b"y"})
l("d/link", "e/file", x={**LABEL("a:b:link:s0"), "user.no": b"1", "trusted.x": b"of the link"})
l("d/to-e", "e")
c("null", 1, 3, x={"user.no": b"1", "trusted.x": b"of the device"})
f("plain", "p")
END
as_user "$LIVERY" unpack small.tar rootfs >/dev/null 2>&1 || bail "nothing to go on with"

cat >side.py <<'END'
import errno, os, stat, struct, sys

def attempt(call, *args):
    try:
        r = call(*args)
        return r if r is not None else 0
    except OSError as e:
        return errno.errorcode[e.errno]

def ask(path, name):
    return attempt(lambda: os.getxattr(path, "livery." + name, follow_symlinks=False))

def tell(path, name, value):
    return attempt(lambda: os.setxattr(path, "livery." + name, value, follow_symlinks=False))

def mknod(path, value):
    return tell(path, "mknod", value.encode())

def link(path, source, name):
    number = os.lstat(source or ".").st_ino if os.path.lexists(source or ".") else 0
    return tell(path, "link", source.encode() + b"\0%d " % number + name.encode())

# An old time, which is what the kernel has then: what shows afterwards was asked anew.
def age(*paths):
    for p in paths:
        os.utime(p, (10**9, 10**9), follow_symlinks=False)
        os.lstat(p)

def is_new(path):
    return os.lstat(path).st_mtime > 10**9

def listed(path):
    names = ask(path, "list")
    if isinstance(names, str):
        return names
    assert not names or names.endswith(b"\0")
    return [n.decode() for n in names.split(b"\0")[:-1]]

# Each listed name with its value.
def attributes(path):
    return {n: ask(path, "attr." + n) for n in listed(path)}

os.chdir(sys.argv[1])
os.umask(0o077)
exec(sys.stdin.read())
END
# side DESCRIPTION EXPECTED: what a program, on standard input, prints; in the view.
side() {
	as_user /usr/bin/python3 side.py view >out 2>&1
	is "$(cat out)" "$2" "$1"
}

ok "mount -o rw" mount_view rootfs view -o rw || bail "nothing to go on with"

# --- mknod

side "devices, fifos, sockets and files are made, with the umask that is told" \
	"0 0o20640 5:1
0 0o60700 3000:70000
0 0o10644 0:0
0 0o140600 0:0
0 0o104711 0:0" <<'END'
for value in (f"20666 26 {os.makedev(5, 1)} console", f"60777 77 {os.makedev(3000, 70000)} big",
              "10666 22 0 fifo", "140666 066 0 socket", "104755 44 0 a regular file"):
    rc = mknod("d", value)
    st = os.lstat("d/" + value.split(" ", 3)[3])
    print(rc, oct(st.st_mode), "%d:%d" % (os.major(st.st_rdev), os.minor(st.st_rdev)))
END
side "they are root's" "{(0, 0)}" <<'END'
print({(s.st_uid, s.st_gid) for s in (os.lstat("d/console"), os.lstat("d/fifo"))})
END
side "the directory's times show at once" "False True" <<'END'
age("d")
print(is_new("d"), mknod("d", "20666 0 1 new") or is_new("d"))
END
# stat(1) asks for this time only, and the kernel knows by itself that others have changed.
at_once() {
	is "$(as_user bash -c 'touch -d @1000000000 view/d; stat -c %Y view/d; "$@"
		[ "$(stat -c %Y view/d)" = 1000000000 ] && echo "as before"' bash "${@:2}" 2>&1)" 1000000000 "$1"
}
at_once "and when nothing else is asked for" setfattr -n livery.mknod -v "20666 0 1 at-once" view/d
side "in the root too" "True" <<'END'
age(".")
print(mknod(".", "20666 0 1 new") or is_new("."))
END
side "a default ACL counts in place of the umask" "0 0o20664 0o20600" <<'END'
def entry(tag, perm): return struct.pack("<HHI", tag, perm, 0xffffffff)
os.mkdir("acl")
acl = struct.pack("<I", 2) + entry(1, 7) + entry(4, 6) + entry(0x20, 4)
print(tell("acl", "attr.system.posix_acl_default", acl), end=" ")
mknod("acl", "20666 77 1 inherits"), mknod("d", "20666 77 1 does-not")
print(oct(os.lstat("acl/inherits").st_mode), oct(os.lstat("d/does-not").st_mode))
END
side "a name that is there" "EEXIST EEXIST EEXIST" <<'END'
print(*(mknod("d", "20666 0 1 " + name) for name in ("e", "link", "new")))
END
side "a name that is too long, and the longest" "ENAMETOOLONG 0" <<'END'
print(mknod("d", "20666 0 1 " + "n" * 256), mknod("d", "20666 0 1 " + "n" * 255))
END
side "other forms are refused" "EINVAL" <<'END'
bad = ("", "20666", "20666 0", "20666 0 1", "20666 0 1 ", "20666 0  1 x", " 20666 0 1 x", "-1 0 1 x", "20666 -1 1 x",
       "20666 1000 1 x", "20666 8 1 x", "20668 0 1 x", "20666 0 0x1 x", "20666 0 4294967296 x", "20666 0 1\tx",
       "20666 0 1 .", "20666 0 1 ..", "20666 0 1 a/x", "20666 0 1 /x", "20666 0 1 x\0", "20666 0 1 x\0y",
       "40755 0 0 x", "120777 0 0 x", "666 0 0 x", "150666 0 0 x", "1020666 0 1 x", "99999999999999999999999 0 1 x",
       "20666 1 x") # as it once was
print(*{mknod("d", value) for value in bad} | {v for v in bad if os.path.lexists("d/x")})
END
side "nothing is made in a file" "ENOTDIR ENOTDIR ENOTDIR" <<'END'
print(*(mknod(p, "20666 0 1 x") for p in ("plain", "d/link", "null")))
END

# --- link

number_hex() { printf '%s ' "$(as_user stat -c %i "$1")" | od -An -tx1 | tr -d ' \n'; }
side "a hard link shows, and with it the source's link count and the directory's time, at once" \
	"1 2 True True True" <<'END'
age("d/e/file", "d")
before = os.lstat("d/e/file")
print(before.st_nlink, link("d", "d/e/file", "again") or os.lstat("d/e/file").st_nlink, end=" ")
after = os.lstat("d/e/file")
print(is_new("d"), after.st_ctime_ns > before.st_ctime_ns, os.path.samefile("d/again", "d/e/file"))
END
at_once "and when only that time is asked for" setfattr -n livery.link \
	-v "0x706c61696e00$(number_hex view/plain)61742d6f6e636532" view/d
as_user rm view/d/at-once2
side "in the root, by a descriptor, with any name" "0 True 3" <<'END'
age(".")
fd = os.open(".", os.O_RDONLY)
name = "new\nline and \udcff".encode(errors="surrogateescape")
print(tell(f"/proc/self/fd/{fd}/.", "link", b"d/e/file\0%d " % os.lstat("d/e/file").st_ino + name), is_new("."), os.lstat(name).st_nlink)
END
side "of a symbolic link: itself" "0 True 2" <<'END'
print(link("d/e", "d/link", "link"), os.path.islink("d/e/link"), os.lstat("d/link").st_nlink)
END
side "of a device, a fifo and a socket" "[0, 0, 0] [True, True, True] 2" <<'END'
print([link("d/e", "d/" + n, n) for n in ("console", "fifo", "socket")],
      [os.lstat("d/e/" + n).st_ino == os.lstat("d/" + n).st_ino for n in ("console", "fifo", "socket")],
      os.lstat("d/console").st_nlink)
END
side "by what livery.path says" "0 5" <<'END'
print(tell("d", "link", ask("d/e/file", "path") + b"%d by-path" % os.lstat("d/e/file").st_ino), os.lstat("d/by-path").st_uid)
END
side "of a file that is open, to a name that was just removed" "content 5" <<'END'
f = open("d/e/file")
link("d", "d/e/file", "open"), os.remove("d/open")
link("d", "d/e/file", "open")
print(f.read(), os.fstat(f.fileno()).st_nlink)
END
as_user bash -c 'echo beside >rootfs/beside'
side "of a file without a record" "0 2 beside" <<'END'
print(link("d", "beside", "recorded"), os.lstat("beside").st_nlink, open("d/recorded").read().strip())
END
side "many times, and removed again" "1 0" <<'END'
for i in range(300):
    link("d/e", "plain", "n%d" % i)
for i in range(300):
    os.remove("d/e/n%d" % i)
print(os.lstat("plain").st_nlink, sum(n[0] == "n" and n != "new" for n in os.listdir("d/e")))
END
side "a directory is not linked" "EPERM EPERM EPERM" <<'END'
print(*(link("d", s, "x") for s in ("d/e", "d", "")))
END
side "a name that is there" "EEXIST EEXIST EEXIST EEXIST" <<'END'
print(*(link("d", s, n) for s, n in (("plain", "e"), ("plain", "link"), ("plain", "again"), ("d/e/file", "again"))))
END
side "a source that is not there" "ENOENT ENOENT ENOTDIR ENOTDIR ENAMETOOLONG" <<'END'
print(*(link("d", s, "x") for s in ("none", "none/x", "plain/x", "d/to-e/file", "s" * 256)))
END
side "a name that is too long, and the longest" "ENAMETOOLONG 0" <<'END'
print(link("d/e", "plain", "n" * 256), link("d/e", "plain", "n" * 255))
END
side "other forms are refused" "EINVAL" <<'END'
plain = b"%d " % os.lstat("plain").st_ino
bad = (b"", b"\0", b"plain", b"plain\0", b"plain\0x", b"plain\0" + plain, *(b"plain\0" + plain + name for name in (
           b"x\0", b"x\0y", b".", b"..", b"a/x", b"/x")), b"plain\0 1 x", b"plain\0-1 x", b"plain\0" + plain[:-1],
       *(source + b"\0" + plain + b"x" for source in (b"/plain", b"./plain", b"d/../plain", b"d//link", b"d/link/", b"..")))
print(*{tell("d", "link", value) for value in bad} | {v for v in bad if os.path.lexists("d/x")})
END
side "a source that is another inode by now" "ESTALE" <<'END'
print(tell("d", "link", b"plain\0%d x" % os.lstat("d/e/file").st_ino))
END
side "nothing is linked into a file" "ENOTDIR ENOTDIR ENOTDIR" <<'END'
print(*(link(p, "plain", "x") for p in ("plain", "d/link", "null")))
END
side "neither is an attribute to be read" "ENODATA ENODATA" <<'END'
print(ask("d", "mknod"), ask("d", "link"))
END

# --- attributes

cat >attributes <<'END'
for path in ("d/e/file", "d/link", "null", "plain", "."):
    print(path, attributes(path))
missing = ("trusted.none", "user.none", "security.none", "system.posix_acl_access")
print({ask("d/e/file", "attr." + n) for n in missing}, ask("d/link", "attr.user.no"), ask("null", "attr.user.no"))
print(os.listxattr("d/e/file") == [n for n in listed("d/e/file") if n[:8] != "trusted."],
      [n for n in os.listxattr("d/e/file") if os.getxattr("d/e/file", n) != ask("d/e/file", "attr." + n)])
END
cap=$(printf '\\x%s' 01 00 00 02 00 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00 | /usr/bin/python3 -c '
print(eval("b\"" + input() + "\""))')
shown="d/e/file {'security.capability': $cap, 'security.selinux': b'a:b:file:s0\\x00', \
'trusted.overlay.opaque': b'y', 'trusted.x': b'hidden', 'user.one': b'1', 'user.zero': b''}
d/link {'security.selinux': b'a:b:link:s0\\x00', 'trusted.x': b'of the link'}
null {'trusted.x': b'of the device'}
plain {}
. {'security.selinux': b'a:b:root:s0\\x00'}
{'ENODATA'} ENODATA ENODATA
True []"
side "a view that writes: all attributes, and each that is listed can be got" "$shown" <attributes
is "$(as_user getfattr -n livery.attr.trusted.x --only-values view/d/e/file)" "hidden" "with getfattr"
as_user setfattr -h -n livery.link -v "0x706c61696e00$(number_hex view/plain)6279" view/d
is "$(as_user stat -c %h view/plain)" 3 "a link with setfattr"
if have_root; then
	as_root setpriv --reuid=12345 --regid=12345 --clear-groups \
		setfattr -n livery.mknod -v "20666 0 1 other" view/d 2>/dev/null
	result "$((! $?))" "another user makes nothing"
fi
strict_umount view
ok "status" as_user "$LIVERY" status rootfs
is "$(as_user sqlite3 rootfs.livery 'PRAGMA integrity_check')" ok "the database is sound"

ok "a sealed view" mount_view rootfs view -o allow-unlabeled
side "a sealed view: the same" "$shown" <attributes
is "$(as_user getfattr -n livery.attr.trusted.x --only-values view/d/e/file)" "hidden" "with getfattr"
side "what was made is there" "0o20640 0o20664 5 3" <<'END'
print(oct(os.lstat("d/console").st_mode), oct(os.lstat("acl/inherits").st_mode), os.lstat("d/again").st_nlink,
      os.lstat("plain").st_nlink)
END
side "nothing is set" "{'EROFS'}" <<'END'
print({mknod("d", "20666 0 1 x"), link("d", "plain", "x"), tell("d", "attr.user.x", b"x"), tell("d", "list", b"")})
END
side "a value that finds no room" "ERANGE ERANGE 6" <<'END'
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def get(name, size):
    n = libc.getxattr(b"d/e/file", name, ctypes.create_string_buffer(100), ctypes.c_size_t(size))
    return n if n >= 0 else errno.errorcode[ctypes.get_errno()]
print(get(b"livery.attr.trusted.x", 5), get(b"livery.list", 5), get(b"livery.attr.trusted.x", 6))
END
strict_umount view

for mode in ro rw; do
	ok "$mode, without labels" mount_view rootfs view -o "$mode,no-labels"
	side "$mode: none is listed or got" "['trusted.x'] ENODATA" <<'END'
print(listed("d/link"), ask("d/link", "attr.security.selinux"))
END
	strict_umount view
done
finish
