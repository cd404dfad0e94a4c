# SPDX-License-Identifier: MIT
"""What the readers share: they yield Inodes by path, this prints scan.py's manifest.

The readers read images without mounting them, for runs that are not root. Each knows as
much of its format as stock tools write into images without compression, and stops with an
error at the rest.
"""
import hashlib
import os
import sys
from dataclasses import dataclass, field

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import scan  # noqa: E402


@dataclass
class Inode:
    key: object              # the same for all names of one inode
    mode: int                # with the type
    uid: int
    gid: int
    mtime_ns: int
    size: int = 0
    nlink: int = 1
    rdev: int = 0
    target: bytes = b""
    xattrs: list = field(default_factory=list)   # (name, value), bytes
    content: object = None   # a function that yields the chunks of a regular file


def rdev(encoded):
    """Linux's new_encode_dev(), as squashfs, erofs and ext4 store it."""
    return os.makedev(encoded >> 8 & 0xfff, encoded & 0xff | encoded >> 12 & 0xfff00)


def digest(inode):
    h, size = hashlib.sha256(), 0
    for chunk in inode.content():
        h.update(chunk)
        size += len(chunk)
    if size != inode.size:
        raise ValueError(f"a file of {inode.size} bytes holds {size}")
    return h.hexdigest()


def run(entries):
    """entries: (path, Inode)."""
    known, rows = {}, []
    for path, i in entries:
        kind = scan.TYPES[i.mode & 0o170000]
        if kind == "f" and i.key not in known:
            known[i.key] = digest(i)
        size = len(i.target) if kind == "l" else i.size
        rows.append((path, i.key, scan.line(
            path, kind, i.mode, i.uid, i.gid, i.rdev, size, i.nlink, i.mtime_ns, i.target,
            known[i.key] if kind == "f" else "-", i.xattrs)))
    scan.emit(rows, sys.stdout)


def zeros(count):
    while count > 0:
        yield bytes(min(count, 1 << 20))
        count -= 1 << 20


def walk(root, inode, children):
    """(path, Inode) below root; inode(ref) -> Inode, children(ref) -> (name, ref)."""
    todo = [(b"/", root)]
    while todo:
        path, ref = todo.pop()
        i = inode(ref)
        yield path, i
        if i.mode & 0o170000 == 0o040000:
            top = b"" if path == b"/" else path
            todo += [(top + b"/" + name, below) for name, below in children(ref)]
