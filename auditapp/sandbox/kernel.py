"""The few kernel calls that have no wrapper in the standard library (Linux, by ctypes)."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}
CAPABILITY_VERSION_3 = 0x20080522

# The same numbers on every architecture.
LANDLOCK_CREATE, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT = 444, 445, 446
READ_FILE, READ_DIR, WRITE_FILE, TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 14
IOCTL_DEV = 1 << 15
MAKE_SYM, MAKE_DEVICES = 1 << 12, (1 << 6) | (1 << 9) | (1 << 10) | (1 << 11)
READ = READ_FILE | READ_DIR
FILE_RIGHTS = READ_FILE | WRITE_FILE | TRUNCATE
#: everything of ABI 1 to 5 by first ABI that knows it
RIGHTS_BY_ABI = ((1, (1 << 13) - 1), (2, 1 << 13), (3, TRUNCATE), (5, IOCTL_DEV))

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


def die_with_parent(parent: int) -> None:
    """Have this process killed when its parent dies; exit at once if it already has."""
    _libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def leave_network() -> bool:
    """Move into a network namespace of its own that has no interface but a dead loopback."""
    return any(_libc.unshare(flags) == 0 for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET))


def drop_capabilities() -> None:
    """Give up root's powers (and those of a new user namespace) for good."""
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    number = SYS_CAPSET.get(os.uname().machine)
    if number is not None:
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        _libc.syscall(number, header, (ctypes.c_uint32 * 6)())


def landlock_abi() -> int:
    """Version of Landlock the kernel offers; 0 where it offers none."""
    return max(int(_libc.syscall(LANDLOCK_CREATE, None, 0, 1)), 0)


def landlock(read: Iterable[Path], write: Iterable[Path]) -> int:
    """Leave only `read` readable and `write` readable and writable, with all that is beneath.

    Returns
    -------
    int
        The Landlock ABI in force; 0 when the kernel has none and nothing changed.
    """
    abi = landlock_abi()
    if abi < 1:
        return 0
    handled = sum(rights for first, rights in RIGHTS_BY_ABI if abi >= first)
    ruleset = _Ruleset(handled, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    length = 24 if abi >= 6 else 16 if abi >= 4 else 8
    descriptor = int(_libc.syscall(LANDLOCK_CREATE, ctypes.byref(ruleset), length, 0))
    if descriptor < 0:
        return 0
    try:
        for path in read:
            _allow(descriptor, path, READ & handled)
        for path in write:
            _allow(descriptor, path, handled & ~(1 | MAKE_DEVICES | MAKE_SYM | IOCTL_DEV))
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        held = _libc.syscall(LANDLOCK_RESTRICT, descriptor, 0) == 0
    finally:
        os.close(descriptor)
    return abi if held else 0


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= FILE_RIGHTS
        rule = _PathBeneath(rights, descriptor)
        _libc.syscall(LANDLOCK_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)
