"""Cut the calling process off, by every means this kernel has, and check what holds."""

from __future__ import annotations

import errno
import socket
import sys
from pathlib import Path
from typing import Any

from auditapp.sandbox import kernel

#: Everything a model has no business with. `clone` and `prctl` are denied in part.
DENIED_CALLS = (
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto",
    "sendmsg", "sendmmsg", "execve", "execveat", "fork", "vfork", "setsid", "setpgid",
    "ptrace", "process_vm_readv", "process_vm_writev", "kill", "tkill", "pidfd_open",
    "pidfd_getfd", "pidfd_send_signal", "mount", "umount2", "pivot_root", "chroot", "unshare",
    "setns", "open_tree", "move_mount", "fsopen", "bpf", "perf_event_open", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key",
    "request_key", "init_module", "finit_module", "delete_module", "kexec_load", "reboot",
    "swapon", "swapoff", "personality", "setuid", "setgid", "setreuid", "setregid",
    "setresuid", "setresgid", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "chown",
    "fchown", "lchown", "fchownat", "setxattr", "link", "linkat", "symlink", "symlinkat",
    "memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open",
    "name_to_handle_at", "open_by_handle_at", "prlimit64", "setrlimit",
)  # fmt: skip
CLONE_THREAD = 0x00010000
SYSTEM_PATHS = (
    "/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache",
    "/etc/localtime", "/usr/share/zoneinfo", "/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu",
    "/sys/devices/system/node", "/dev/urandom", "/dev/zero",
)  # fmt: skip
MECHANISMS = ("namespace", "seccomp", "landlock")


def lock_down(
    read: list[Path], write: list[Path], parent: int, mechanisms: tuple[str, ...]
) -> dict[str, Any]:
    """Isolate this process before it has a second thread or has touched an uploaded file.

    Returns
    -------
    dict
        What the process itself found to hold: ``network`` (``"namespace"``, ``"seccomp"`` or
        ``"none"``), ``calls`` (``"seccomp"`` or ``"none"``) and ``files`` (``"landlock"`` or
        ``"none"``).
    """
    seccomp = _seccomp() if "seccomp" in mechanisms else None
    alone = "namespace" in mechanisms and kernel.leave_network()
    kernel.drop_capabilities()
    # A new user namespace clears the parent-death signal.
    kernel.die_with_parent(parent)
    readable = [*map(Path, SYSTEM_PATHS), *_python_paths(), *read]
    walled = (
        kernel.landlock(readable, [*write, Path("/dev/null")]) if ("landlock" in mechanisms) else 0
    )
    filtered = seccomp is not None and _filter_calls(seccomp)
    return {
        "network": _network_held(alone=alone, filtered=filtered),
        "calls": "seccomp" if filtered else "none",
        "files": "landlock" if walled and not _can_read(Path("/etc/passwd")) else "none",
        "landlock_abi": walled,
    }


def _python_paths() -> list[Path]:
    found = {Path(entry) for entry in sys.path if entry}
    return [*sorted(found), Path(sys.base_prefix) / "lib"]


def _seccomp() -> Any:
    """Load the library while starting `ldconfig`, which finds it, is still allowed."""
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError):
        return None
    return pyseccomp


def _filter_calls(seccomp: Any) -> bool:
    try:
        rules = seccomp.SyscallFilter(defaction=seccomp.ALLOW)
        refuse = seccomp.ERRNO(errno.EPERM)
        for name in DENIED_CALLS:
            _deny(rules, refuse, name)
        # Threads are allowed, processes are not. clone3 hides its flags behind a pointer, so it
        # is reported as absent and libc falls back on clone.
        _deny(rules, seccomp.ERRNO(errno.ENOSYS), "clone3")
        thread = seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0)
        rules.add_rule(refuse, "clone", thread)
        rules.add_rule(refuse, "prctl", seccomp.Arg(0, seccomp.EQ, kernel.PR_SET_PDEATHSIG))
        rules.load()
    except (OSError, RuntimeError, ValueError):
        return False
    return True


def _deny(rules: Any, action: Any, name: str) -> None:
    """Add a rule; calls this architecture or library does not know need none."""
    try:
        rules.add_rule(action, name)
    except (OSError, RuntimeError, ValueError):
        return


def _network_held(*, alone: bool, filtered: bool) -> str:
    if filtered and not _can_open_socket():
        return "namespace" if alone else "seccomp"
    if alone and {name for _, name in socket.if_nameindex()} <= {"lo"}:
        return "namespace"
    return "none"


def _can_open_socket() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True


def _can_read(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False
