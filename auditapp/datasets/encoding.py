"""Find a text file's encoding, check every byte of it, and bring it to UTF-8."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from auditapp.datasets.options import ReadOptions, Tick
from auditapp.datasets.staged import counted
from auditapp.errors import AuditError

_CHUNK = 4 << 20
_CONTROL = bytes([*range(1, 9), 11, 12, *range(14, 32)])
_NONCHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Text:
    """A checked UTF-8 file: where it is, what it was, and what was counted in it.

    ``control`` says whether it holds characters that XML 1.0 forbids.
    """

    path: Path
    encoding: str
    guessed: bool
    size: int
    newlines: int
    quotes: int
    control: bool


def to_utf8(source: Path, name: str, target: Path, options: ReadOptions, tick: Tick) -> Text:
    """Check a text file from start to end; write it as UTF-8 to `target` when it is not.

    Raises
    ------
    AuditError
        ``wrong-encoding``, ``unknown-encoding`` or ``nul-bytes``, each naming the row.
    """
    with source.open("rb") as file:
        head = file.read(1 << 16)
    encoding, guessed = _encoding(head, options.encoding)
    path = source
    if encoding not in {"utf-8", "utf-8-sig"}:
        _transcode(source, target, name, encoding, tick)
        path = target
    size, newlines, quotes, control = _check(path, name, encoding, tick)
    shown = "utf-8" if encoding == "utf-8-sig" else encoding
    return Text(path, shown, guessed, size, newlines, quotes, control)


def _encoding(head: bytes, declared: str | None) -> tuple[str, bool]:
    for bom, encoding in _BOMS:
        if head.startswith(bom) and (declared is None or encoding.startswith("utf-8")):
            return encoding, False
    if declared is not None:
        try:
            info = codecs.lookup(declared)
        except LookupError:
            info = None
        if info is None or not getattr(info, "_is_text_encoding", False):
            raise AuditError(
                "unknown-encoding",
                f"There is no text encoding called “{declared}”.",
                "Choose UTF-8, Windows-1252 (cp1252), Latin-1, UTF-16 or UTF-32.",
            )
        return info.name, False
    if head.count(0):
        for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
            if zeros.count(0) > 0.7 * len(zeros):
                return encoding, True
    return "utf-8", True


def _transcode(source: Path, target: Path, name: str, encoding: str, tick: Tick) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    total = source.stat().st_size
    done = rows = 0
    with source.open("rb") as file, target.open("wb") as out:
        while True:
            chunk = file.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(encoding, "ignore")
                raise AuditError(
                    "wrong-encoding",
                    f"{name} is not {_shown(encoding)} text: a byte in row "
                    f"{rows + good.count(chr(10)) + 1:,} has no meaning in it.",
                    "Choose another encoding, or save the file as UTF-8.",
                ) from error
            except UnicodeError as error:  # no byte order mark where one must be
                raise AuditError(
                    "wrong-encoding",
                    f"{name} is not {_shown(encoding)} text: it does not begin with that"
                    " encoding's mark.",
                    "Choose another encoding, or save the file as UTF-8.",
                ) from error
            rows += text.count("\n")
            out.write(text.encode("utf-8", "surrogatepass"))
            done += len(chunk)
            tick(done, total, "Checking the text")
            if not chunk:
                return


def _check(path: Path, name: str, encoding: str, tick: Tick) -> tuple[int, int, int, bool]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    total = path.stat().st_size
    done = newlines = quotes = 0
    control = False
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            if 0 in chunk:
                raise _nul_bytes(path, name)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = chunk[: max(0, error.start - pending)].count(b"\n")
                raise _not_utf8(name, encoding, error, newlines + before + 1) from error
            newlines += chunk.count(b"\n")
            quotes += chunk.count(b'"')
            control = control or len(chunk.translate(None, _CONTROL)) != len(chunk)
            control = control or any(mark in chunk for mark in _NONCHARACTERS)
            done += len(chunk)
            tick(done, total, "Checking the text")
            if not chunk:
                return total, newlines, quotes, control


def _not_utf8(name: str, encoding: str, error: UnicodeDecodeError, row: int) -> AuditError:
    byte = error.object[error.start]
    return AuditError(
        "wrong-encoding",
        f"{name} is not UTF-8 text: byte 0x{byte:02X} in row {row:,} has no meaning in it.",
        "If it comes from Excel or another Windows program, choose the encoding Windows-1252 "
        "(--encoding cp1252 on the command line); otherwise save the file as UTF-8.",
        where=f"row {row:,}",
        found=f"byte 0x{byte:02X}" + ("" if encoding.startswith("utf-8") else f", {encoding}"),
    )


def _nul_bytes(path: Path, name: str) -> AuditError:
    count = newlines = 0
    first = None
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if first is None and 0 in chunk:
                first = newlines + chunk[: chunk.index(0)].count(b"\n") + 1
            count += chunk.count(0)
            newlines += chunk.count(b"\n")
    return AuditError(
        "nul-bytes",
        f"{name} holds {counted(count, 'NUL byte')}, which no text table has.",
        "The file may be cut off, damaged, not a table, or UTF-16 text: choose its encoding, or "
        "export it again as UTF-8 CSV or as Parquet.",
        where=f"first in row {first:,}",
    )


def _shown(encoding: str) -> str:
    names = {"cp1252": "Windows-1252", "iso8859-1": "Latin-1"}
    return names.get(encoding, encoding.upper())
