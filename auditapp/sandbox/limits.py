"""How much of the machine one child may use."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Limits of one child process; None leaves a resource unlimited.

    Parameters
    ----------
    what
        Subject of the messages, such as ``"The model"``.
    wall, cpu
        Seconds by the clock, and seconds of processor time over all threads.
    memory
        Bytes of address space; compare with the peak of ``VmPeak``, which exceeds what is used.
    file_bytes
        Largest file the child may write.
    files
        Open files.
    threads
        Threads of numerical libraries, fixed so that results repeat on other machines.
    strict
        With ``isolated=True``: refuse to run where nothing cuts the child off the network.
    """

    what: str = "The work"
    wall: float | None = 3600.0
    cpu: float | None = None
    memory: int | None = None
    file_bytes: int | None = None
    files: int = 256
    threads: int = 2
    strict: bool = True

    @classmethod
    def trusted(cls, what: str = "The audit", wall: float = 6 * 3600.0) -> Limits:
        """For code of ours on data already checked: fitting, counting, drawing."""
        return cls(what=what, wall=wall, files=1024)

    @classmethod
    def parsing(cls, what: str = "Reading the file", wall: float = 1800.0) -> Limits:
        """For reading an uploaded table."""
        return cls(
            what=what, wall=wall, cpu=wall, memory=4 * GIB, file_bytes=64 * GIB, strict=False
        )

    @classmethod
    def model(cls, what: str = "The model", wall: float = 900.0, memory: int = 3 * GIB) -> Limits:
        """For opening and running an uploaded model."""
        return cls(
            what=what,
            wall=wall,
            cpu=2 * wall,
            memory=memory,
            file_bytes=4 * GIB,
            files=128,
            threads=2,
        )

    def but(self, **changes: Any) -> Limits:
        """The same limits with some changed."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for the child."""
        return asdict(self)
