# SPDX-License-Identifier: MIT
"""System calls as they are, with results as text, for programs that try them one by one.

A program makes a Suite, gives it cases, and ends with its finish(). Each case is a line of
TAP; with --results it is "NAME<tab>RESULT" instead, and what was expected does not count.
"""
import ctypes
import errno
import os
import platform
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH = -100, 0x100, 0x400, 0x1000
CREATE, REPLACE = 1, 2
BAD = ctypes.c_void_p(1)  # a pointer to nothing
# The *at calls for attributes are new in Linux 6.13; their numbers are those of every machine.
SETXATTRAT, GETXATTRAT, LISTXATTRAT, REMOVEXATTRAT = 463, 464, 465, 466
has_at = tuple(int(n) for n in platform.release().split("-")[0].split(".")[:2]) >= (6, 13)


def arg(a):
    if isinstance(a, str):
        a = os.fsencode(a)
    return ctypes.c_long(a) if isinstance(a, int) else a


def call(function, *args):
    """Of the C library, by its name, or a system call, by its number."""
    if isinstance(function, int):
        got = libc.syscall(ctypes.c_long(function), *map(arg, args))
    else:
        f = getattr(libc, function)
        f.restype = ctypes.c_long
        got = f(*map(arg, args))
    # What returns an int leaves the upper half as it likes.
    if ctypes.c_int(got).value == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return got


class XattrArgs(ctypes.Structure):
    _fields_ = [("value", ctypes.c_uint64), ("size", ctypes.c_uint32), ("flags", ctypes.c_uint32)]


class At:
    """The four calls for attributes by a directory's descriptor and a path."""

    def __init__(self, fd, path, flags=0):
        self.where = fd, path, flags

    def set(self, name, value, flags=0):
        held = ctypes.create_string_buffer(value, len(value)) if value else None
        args = XattrArgs(ctypes.addressof(held) if held else 0, len(value), flags)
        return call(SETXATTRAT, *self.where, name, ctypes.byref(args), 16)

    def get(self, name, size=70000):
        held = ctypes.create_string_buffer(size) if size else None
        args = XattrArgs(ctypes.addressof(held) if held else 0, size, 0)
        got = call(GETXATTRAT, *self.where, name, ctypes.byref(args), 16)
        return held.raw[:got] if held else got

    def list(self, size=70000):
        held = ctypes.create_string_buffer(size) if size else None
        got = call(LISTXATTRAT, *self.where, held, size)
        return held.raw[:got].split(b"\0")[:-1] if held else got

    def remove(self, name):
        return call(REMOVEXATTRAT, *self.where, name)


class Old:
    """The same by a path ("" and "l") or a descriptor ("f")."""

    def __init__(self, prefix, what):
        self.prefix, self.what = prefix, what

    def set(self, name, value, flags=0):
        return call(self.prefix + "setxattr", self.what, name, value, len(value), flags)

    def get(self, name, size=70000):
        held = ctypes.create_string_buffer(size) if size else None
        got = call(self.prefix + "getxattr", self.what, name, held, size)
        return held.raw[:got] if held else got

    def list(self, size=70000):
        held = ctypes.create_string_buffer(size) if size else None
        got = call(self.prefix + "listxattr", self.what, held, size)
        return held.raw[:got].split(b"\0")[:-1] if held else got

    def remove(self, name):
        return call(self.prefix + "removexattr", self.what, name)


def result(function, *args):
    """What it returns, or the name of its error."""
    try:
        return function(*args)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))


class Suite:
    def __init__(self):
        self.count = self.failed = 0
        self.results_only = "--results" in sys.argv
        self.dir = [a for a in sys.argv[1:] if not a.startswith("-")][0]

    def case(self, name, expected, function, *args):
        got = str(result(function, *args))
        self.count += 1
        if self.results_only:
            print(f"{name}\t{got}")
            return
        good = got == str(expected)
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good:
            print(f"# got {got}\n# expected {expected}")

    def finish(self):
        if not self.results_only:
            print(f"1..{self.count}")
        sys.exit(self.failed > 0)
