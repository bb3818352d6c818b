"""The files a command leaves behind: all of them whole, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from auditapp.errors import AuditError


def check(targets: Mapping[str, Path], inputs: Mapping[str, Path]) -> None:
    """Refuse files that cannot be read, and places that could only fail at the end.

    Parameters
    ----------
    targets
        Files to be written, by the option that names them.
    inputs
        Files that are read, by what they are; none of them may be overwritten.

    Raises
    ------
    AuditError
        ``no-file``, ``unreadable-file``, ``no-folder``, ``not-a-file``, ``same-file`` or
        ``not-writable``.
    """
    for what, path in inputs.items():
        _check_input(what, path)
    taken = {_resolved(path): words for words, path in inputs.items()}
    for option, path in targets.items():
        try:
            _check_place(option, path)
        except OSError as error:
            raise _not_writable(option, path, error) from error
        place = _resolved(path)
        if place in taken:
            raise AuditError(
                "same-file",
                f"{option} names “{path}”, which is {taken[place]}.",
                "Name another file.",
            )
        taken[place] = f"also the file of {option}"


def put(files: Mapping[Path, Path]) -> None:
    """Move finished files to their places, each whole; on failure none is left half-written.

    Parameters
    ----------
    files
        Place wanted, and the file to put there.

    Raises
    ------
    AuditError
        ``not-writable``: a place that could be written to before cannot be any more.
    """
    ready: dict[Path, Path] = {}
    try:
        for i, (target, source) in enumerate(files.items()):
            place = _resolved(target)
            ready[place] = place.with_name(f".evenhand-{os.getpid()}-{i}.partial")
            shutil.copyfile(source, ready[place])
        for place, partial in ready.items():
            partial.replace(place)
    except OSError as error:
        raise _not_writable("The result", Path(error.filename or "."), error) from error
    finally:
        for partial in ready.values():
            partial.unlink(missing_ok=True)


def _check_input(what: str, path: Path) -> None:
    if not path.is_file():
        raise AuditError("no-file", f"There is no file “{path}”.", f"Check the path of {what}.")
    try:
        path.open("rb").close()
    except OSError as error:
        raise AuditError(
            "unreadable-file",
            f"“{path}” cannot be opened: {error.strerror}.",
            "Give the account that runs the audit permission to read it.",
        ) from error


def _check_place(option: str, path: Path) -> None:
    place = _resolved(path)
    if not place.parent.is_dir():
        raise AuditError(
            "no-folder",
            f"The folder of “{path}” does not exist.",
            "Create it, or name another place.",
        )
    if place.exists() and not place.is_file():
        what = "a folder" if place.is_dir() else "a device or pipe"
        raise AuditError(
            "not-a-file",
            f"{option} names “{path}”, which is {what}.",
            "Name a file; it is made or replaced at the end.",
        )
    tempfile.TemporaryFile(dir=place.parent, prefix=".evenhand-").close()


def _resolved(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _not_writable(option: str, path: Path, error: OSError) -> AuditError:
    return AuditError(
        "not-writable",
        f"{option} cannot be written to “{path}”: {error.strerror or error}.",
        "Name another place, or make room and permission there.",
    )
