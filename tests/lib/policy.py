# SPDX-License-Identifier: MIT
"""libselinux's own answers, by ctypes: the judge of labels in the tests."""
import ctypes
import os


class Option(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("value", ctypes.c_char_p)]


def opener(contexts):
    """A function (path, mode) -> label without NUL, or None: selabel_lookup(3)."""
    lib = ctypes.CDLL("libselinux.so.1", use_errno=True)
    lib.selabel_open.restype = ctypes.c_void_p
    lib.selabel_open.argtypes = ctypes.c_uint, ctypes.POINTER(Option), ctypes.c_uint
    lib.selabel_lookup_raw.argtypes = (ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p),
                                       ctypes.c_char_p, ctypes.c_int)
    option = Option(3, contexts)  # SELABEL_OPT_PATH
    handle = lib.selabel_open(0, ctypes.byref(option), 1)  # SELABEL_CTX_FILE
    if not handle:
        raise OSError(ctypes.get_errno(), "selabel_open: " +
                      os.strerror(ctypes.get_errno()), contexts)

    def lookup(path, mode):
        context = ctypes.c_char_p()
        if lib.selabel_lookup_raw(handle, ctypes.byref(context), path, mode):
            return None  # ENOENT: no rule, or <<none>>
        return context.value
    return lookup
