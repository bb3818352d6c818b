"""What is said when a child does not come back with a result."""

from __future__ import annotations

import signal

from auditapp.errors import AuditError
from auditapp.sandbox.limits import GIB, MIB, Limits

OUT_OF_MEMORY_MARKS = (
    "bad_alloc",
    "Cannot allocate memory",
    "MemoryError",
    "Memory allocation still failed",
    "memory allocation of",
)
CRASHES = {
    signal.SIGSEGV: "a memory fault",
    signal.SIGBUS: "a bus error",
    signal.SIGILL: "an instruction this processor does not have",
    signal.SIGFPE: "an arithmetic fault",
    signal.SIGABRT: "an internal check",
    signal.SIGSYS: "a forbidden system call",
}
STOPS = {
    "cancel": ("cancelled", "The audit was cancelled.", ""),
    "deadline": (
        "deadline",
        "{what} was stopped at its deadline.",
        "Try a smaller table, or fewer draws.",
    ),
}


def size(n_bytes: int) -> str:
    """A number of bytes as people say it."""
    if n_bytes >= GIB:
        return f"{n_bytes / GIB:.1f} GB".replace(".0 GB", " GB")
    return f"{n_bytes / MIB:.0f} MB"


def duration(seconds: float) -> str:
    """A time limit as people say it."""
    if seconds >= 120:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds:g} seconds"


def stopped(reason: str, limits: Limits) -> AuditError:
    """The parent was asked to stop: cancelled, deadline, or a reason of the caller's own."""
    default = (reason, "{what} was stopped.", "Start it again.")
    code, message, hint = STOPS.get(reason, default)
    return AuditError(code, message.format(what=limits.what), hint, permanent=False)


def time_limit(limits: Limits, seconds: float) -> AuditError:
    """Wall clock or processor time is used up."""
    return AuditError(
        "time-limit",
        f"{limits.what} took longer than {duration(seconds)} and was stopped.",
        "Use a smaller file or a simpler model.",
    )


def out_of_memory(limits: Limits) -> AuditError:
    """The address space limit was reached."""
    limit = "there is" if limits.memory is None else size(limits.memory)
    return AuditError(
        "out-of-memory",
        f"{limits.what} needed more memory than {limit}.",
        "Use a smaller file or a simpler model.",
    )


def internal(limits: Limits, kind: str) -> AuditError:
    """An exception nobody foresaw; details are in the log only."""
    return AuditError(
        "child-crashed",
        f"{limits.what} stopped on an unexpected {kind}.",
        "Details are in the log of the worker.",
    )


def ended(code: int, limits: Limits, stderr: str) -> AuditError:
    """The process ended by itself and left no result."""
    if any(mark in stderr for mark in OUT_OF_MEMORY_MARKS):
        return out_of_memory(limits)
    if code == -signal.SIGXCPU:
        return time_limit(limits, 0.0 if limits.cpu is None else limits.cpu)
    if code == -signal.SIGKILL:
        return AuditError(
            "child-killed",
            f"{limits.what} was ended by the system, most often because memory ran out.",
            "Start it again when the machine is less busy, or use a smaller file.",
            permanent=False,
        )
    reason = CRASHES.get(signal.Signals(-code), f"signal {-code}") if code < 0 else f"code {code}"
    return AuditError(
        "child-crashed",
        f"{limits.what} crashed: the process ended with {reason}.",
        "If this file does it every time, the file is damaged or asks for something forbidden.",
    )


def no_isolation() -> AuditError:
    """Nothing on this machine keeps an uploaded model off the network."""
    return AuditError(
        "no-isolation",
        "This machine offers nothing that cuts an uploaded model off the network.",
        "Allow user namespaces or seccomp on the server (manage.py doctor says what is missing),"
        " put the model's scores into a column, or set EVENHAND_ALLOW_UNISOLATED_MODELS=1 when"
        " every uploaded model is trusted.",
    )


def disk(limits: Limits, *, full: bool) -> AuditError:
    """Nothing more could be written."""
    if full:
        return AuditError(
            "disk-full",
            f"{limits.what} found no room on the disk.",
            "Free some space on the server, then start it again.",
            permanent=False,
        )
    return AuditError(
        "disk-limit",
        f"{limits.what} wrote a file larger than {size(limits.file_bytes or 0)}.",
        "Use a smaller file.",
    )
