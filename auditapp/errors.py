"""The one exception a user of Evenhand ever reads."""

from __future__ import annotations

from typing import Any


class AuditError(Exception):
    """Something was found that the audit cannot go on with.

    Parameters
    ----------
    code
        Kebab-case slug that programs can test for, such as ``"ragged-rows"``.
    message
        One sentence: what was found, naming column, row count and value.
    hint
        What to do about it.
    where, found
        Detail lines of the refusal card: the place, and the evidence with its counts.
    code_block
        Text to copy and run elsewhere, for refusals that have a way out.
    permanent
        False when the same request may go through later (a worker was lost, say).
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        *,
        where: str = "",
        found: str = "",
        code_block: str = "",
        permanent: bool = True,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.where = where
        self.found = found
        self.code_block = code_block
        self.permanent = permanent

    def as_dict(self) -> dict[str, Any]:
        """Everything but the traceback, as JSON."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "where": self.where,
            "found": self.found,
            "code_block": self.code_block,
            "permanent": self.permanent,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AuditError:
        """Rebuild the error a child process or a database row carries."""
        return cls(
            data["code"],
            data["message"],
            data.get("hint", ""),
            where=data.get("where", ""),
            found=data.get("found", ""),
            code_block=data.get("code_block", ""),
            permanent=data.get("permanent", True),
        )

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
