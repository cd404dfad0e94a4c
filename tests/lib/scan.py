#!/usr/bin/python3
# SPDX-License-Identifier: MIT
r"""scan.py ROOT: prints everything that a tree holds, one line a name.

Lines are sorted bytewise by path; fields are separated by tabs, FIELDS names them. Bytes
other than printable ASCII, and the backslash, are written \xNN. Nothing is followed and
no path longer than a name is used, so depth does not matter. Sockets are left out: no
archive and no image tool keeps them. What a format cannot hold is compare's business.
"""
import hashlib
import os
import stat
import sys

FIELDS = ("path type mode uid gid rdev size nlink first-link mtime target sha256 "
          "xattrs").split()
TYPES = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFCHR: "c",
         stat.S_IFBLK: "b", stat.S_IFIFO: "p"}


def escape(raw):
    return "".join(chr(b) if 32 < b < 127 and b != 92 else f"\\x{b:02x}" for b in raw)


def attribute(name):
    """The name of an attribute, without what separates attributes in their field."""
    return escape(name).replace(",", "\\x2c").replace("=", "\\x3d")


def seconds(ns):
    return f"{'-' if ns < 0 else ''}{abs(ns) // 10**9}.{abs(ns) % 10**9:09d}"


def line(path, kind, mode, uid, gid, rdev, size, nlink, mtime_ns, target, sha, xattrs):
    """The fields of one name; 'first-link' is filled in by emit()."""
    return [escape(path), kind, f"{mode & 0o7777:04o}", str(uid), str(gid),
            f"{os.major(rdev)}:{os.minor(rdev)}" if kind in "cb" else "-",
            "-" if kind == "d" else str(size if kind in "fl" else 0),
            "-" if kind == "d" else str(nlink), "-", seconds(mtime_ns),
            escape(target) if kind == "l" else "-", sha,
            ",".join(f"{attribute(n)}={v.hex()}" for n, v in sorted(xattrs)) or "-"]


def emit(entries, out):
    """entries: (path, key of the inode, fields). Prints them sorted, links grouped."""
    entries.sort(key=lambda e: e[0])
    names = {}
    for path, key, _ in entries:
        names.setdefault(key, path)
    for path, key, fields in entries:
        if fields[1] != "d":
            fields[8] = escape(names[key])
        out.write("\t".join(fields) + "\n")


def digest(fd):
    h = hashlib.sha256()
    while chunk := os.read(fd, 1 << 20):
        h.update(chunk)
    return h.hexdigest()


def entry(dirfd, name, path, known):
    """name may be '.'; attributes are read through the directory's descriptor."""
    st = os.stat(name, dir_fd=dirfd, follow_symlinks=False)
    kind = TYPES.get(stat.S_IFMT(st.st_mode))
    if kind is None:
        return None, st
    # os.listxattr takes no dir_fd: a name below the descriptor's own path stays short.
    here = b"/proc/self/fd/%d/%s" % (dirfd, name)
    xattrs = [(os.fsencode(n), os.getxattr(here, n, follow_symlinks=False))
              for n in os.listxattr(here, follow_symlinks=False)]
    key = st.st_dev, st.st_ino
    target = os.readlink(name, dir_fd=dirfd) if kind == "l" else b""
    sha = "-"
    if kind == "f":
        if key not in known:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=dirfd)
            try:
                known[key] = digest(fd)
            finally:
                os.close(fd)
        sha = known[key]
    return (path, key, line(path, kind, st.st_mode, st.st_uid, st.st_gid, st.st_rdev,
                            st.st_size, st.st_nlink, st.st_mtime_ns, target, sha,
                            xattrs)), st


def walk(dirfd, path, entries, known):
    for name in sorted(os.fsencode(n) for n in os.listdir(dirfd)):
        below = path + b"/" + name if path != b"/" else b"/" + name
        found, st = entry(dirfd, name, below, known)
        if found is None:
            continue
        entries.append(found)
        if found[2][1] != "d":
            continue
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=dirfd)
        try:
            walk(fd, below, entries, known)
        finally:
            os.close(fd)


def main():
    sys.setrecursionlimit(100000)
    root = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
    found, _ = entry(root, b".", b"/", {})
    entries = [found]
    walk(root, b"/", entries, {})
    emit(entries, sys.stdout)


if __name__ == "__main__":
    main()
