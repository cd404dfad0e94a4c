#!/usr/bin/python3
# SPDX-License-Identifier: MIT
r"""scan.py [OPTION...] ROOT: prints everything that a tree holds, one line a name.

Lines are sorted bytewise by path; fields are separated by tabs, FIELDS names them. Bytes
other than printable ASCII, and the backslash, are written \xNN. Nothing is followed and
no path longer than a name is used, so depth does not matter. Sockets are left out: no
archive and no image tool keeps them.

Options loosen the comparison where a format cannot hold something. Both sides get the
same one, and formats.sh gives the reason for each that is used:
  --mtime=ns|s|mod32    nanoseconds; whole seconds; those modulo 2^32
  --without=NAME        without attributes of this name
  --unlinked=TYPES      without link count and group for these types, as in 'cbp'
  --ignore=PATH         without this name, as printed
  --any-mtime=PATH      without the time of this name
"""
import argparse
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


def mtime(ns, how):
    if how == "ns":
        return f"{'-' if ns < 0 else ''}{abs(ns) // 10**9}.{abs(ns) % 10**9:09d}"
    seconds = ns // 10**9
    return str(seconds if how == "s" else seconds % 2**32)


def line(path, kind, mode, uid, gid, rdev, size, nlink, mtime_ns, target, sha, xattrs,
         options):
    """The fields of one name; 'first-link' is filled in by emit()."""
    pairs = sorted((n, v) for n, v in xattrs if os.fsdecode(n) not in options.without)
    return [escape(path), kind, f"{mode & 0o7777:04o}", str(uid), str(gid),
            f"{os.major(rdev)}:{os.minor(rdev)}" if kind in "cb" else "-",
            "-" if kind == "d" else str(size if kind in "fl" else 0),
            "-" if kind in options.unlinked else str(nlink), "-",
            mtime(mtime_ns, options.mtime),
            escape(target) if kind == "l" else "-", sha,
            ",".join(f"{escape(n)}={v.hex()}" for n, v in pairs) or "-"]


def emit(entries, out, options):
    """entries: (path, key of the inode, fields). Prints them sorted, links grouped."""
    entries.sort(key=lambda e: e[0])
    names = {}
    for path, key, _ in entries:
        names.setdefault(key, path)
    for path, key, fields in entries:
        if fields[0] in options.ignore:
            continue
        if fields[1] not in options.unlinked:
            fields[8] = escape(names[key])
        if fields[0] in options.any_mtime:
            fields[9] = "any"
        out.write("\t".join(fields) + "\n")


def digest(fd):
    h = hashlib.sha256()
    while chunk := os.read(fd, 1 << 20):
        h.update(chunk)
    return h.hexdigest()


def entry(dirfd, name, path, options, known):
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
                            st.st_size, st.st_nlink, st.st_mtime_ns, target, sha, xattrs,
                            options)), st


def walk(dirfd, path, options, entries, known):
    for name in sorted(os.fsencode(n) for n in os.listdir(dirfd)):
        below = path + b"/" + name if path != b"/" else b"/" + name
        found, st = entry(dirfd, name, below, options, known)
        if found is None:
            continue
        entries.append(found)
        if found[2][1] != "d":
            continue
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=dirfd)
        try:
            walk(fd, below, options, entries, known)
        finally:
            os.close(fd)


def options(args, *more):
    """more: names of further arguments, after the tree or the image."""
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--mtime", choices=("ns", "s", "mod32"), default="ns")
    p.add_argument("--without", action="append", default=[])
    p.add_argument("--unlinked", default="")
    p.add_argument("--ignore", action="append", default=[])
    p.add_argument("--any-mtime", action="append", default=[])
    p.add_argument("root")
    for name in more:
        p.add_argument(name)
    opts = p.parse_args(args)
    opts.unlinked += "d"
    return opts


def main():
    opts = options(sys.argv[1:])
    sys.setrecursionlimit(100000)
    root = os.open(opts.root, os.O_RDONLY | os.O_DIRECTORY)
    found, _ = entry(root, b".", b"/", opts, {})
    entries = [found]
    walk(root, b"/", opts, entries, {})
    emit(entries, sys.stdout, opts)


if __name__ == "__main__":
    main()
