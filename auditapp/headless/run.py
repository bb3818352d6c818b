"""Read the files, run the audit in its child, put the results in place."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditapp import delivery, result, sandbox, signing
from auditapp.errors import AuditError
from auditapp.headless import census, image_sets
from auditapp.headless.options import Options
from auditapp.headless.planned import plan_of
from auditapp.plan.checks import check_settings
from auditapp.reports.language import ENGLISH

Json = dict[str, Any]
Say = Callable[[Json], None]


def run(options: Options, say: Say | None = None) -> result.Document:
    """Audit a file and write the result document, and the PDF if asked for.

    Nothing is left behind when it fails: both files are moved into place at the end.

    Raises
    ------
    AuditError
        The input cannot be audited; nothing was written.
    """
    _check_files(options)
    key = _signing_key(options)
    check_settings(options.method)
    census.task_of(options)
    with _scratch() as scratch:
        work = Path(scratch)
        model = _inspect_model(options, work)
        start = _inspect_start(options, work)
        options = image_sets.in_size(options, model, start)
        table, profile, references = _tables(options, work, say)
        options = census.described(options, profile)
        options = image_sets.with_roles(options, profile)
        plan = plan_of(options, profile, model, references, start)
        job = {
            "plan": plan.to_json(),
            "table_dir": str(table),
            "out": str(work / "out"),
            "model_path": None if options.model is None else str(options.model.resolve()),
            "model_profile": model,
            "checkpoint_path": None
            if options.checkpoint is None
            else str(options.checkpoint.resolve()),
            "device": options.device,
            "previous": None if options.previous is None else str(options.previous.resolve()),
            "report": options.pdf is not None,
            "signing_key": key,
            "run": {
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                **({} if options.language == ENGLISH else {"language": options.language}),
            },
        }
        sandbox.run_child(
            "auditapp.pipeline:execute",
            job,
            workdir=work,
            limits=sandbox.Limits.trusted(),
            isolated=False,
            on_progress=say,
        )
        document = result.read(work / "out" / "result.json")
        files = {options.out: work / "out" / "result.json"}
        if options.pdf is not None:
            files[options.pdf] = work / "out" / "report.pdf"
        if options.keep is not None:
            options.keep.mkdir(exist_ok=True)
            files |= {options.keep / path.name: path for path in _kept(work / "out")}
        if options.rules is not None:
            options.rules.mkdir(exist_ok=True)
            found = sorted((work / "out" / "rules").glob("*"))
            files |= {options.rules / path.name: path for path in found}
        delivery.put(files)
    return document


def _kept(out: Path) -> list[Path]:
    """What the command compare needs of an audit."""
    from auditapp.pipeline import kept

    if not (out / kept.ROWS).is_file():
        raise AuditError(
            "nothing-to-keep",
            "Rows are kept of audits of yes/no decisions without weights only.",
            "Leave --keep out.",
        )
    return [out / name for name in ("result.json", kept.ROWS, kept.WORDS)]


def _check_files(options: Options) -> None:
    read = {
        "the table": options.data,
        **{f"table {i}": path for i, path in enumerate(options.more, start=2)},
        "the pictures": options.images,
        "the model": options.model,
        "the starting network": options.checkpoint,
        "the file to join": options.join,
        "the file of reference decisions": options.references,
        "the earlier result": options.previous,
        "the signing key": options.sign,
    }
    targets = {"--out": options.out}
    if options.pdf is not None:
        targets["--pdf"] = options.pdf
    delivery.check(targets, {what: path for what, path in read.items() if path is not None})
    for option, folder in (("--rules", options.rules), ("--keep", options.keep)):
        if folder is not None and not folder.parent.is_dir():
            raise AuditError(
                "no-folder",
                f"{option} names “{folder}”, and its folder does not exist.",
                "Make the folder first.",
            )
    joined = options.join is not None or options.references is not None
    if joined and options.on is None:
        raise AuditError(
            "join-needs-on",
            f"{'--join' if options.join is not None else '--references'} names a second file, and"
            " nothing says which of its rows belongs to whom.",
            "Add --on COL, the id column of both files, or --on COL=OTHER where its name differs.",
        )
    if options.on is not None and not joined:
        raise AuditError(
            "on-without-join",
            "--on names an id column, and there is no second file.",
            "Add --join FILE or --references FILE, or leave --on out.",
        )


def _signing_key(options: Options) -> str | None:
    """The key that the PDF is signed with; None where none was named."""
    if options.sign is None:
        return None
    if options.pdf is None:
        raise AuditError(
            "sign-without-pdf",
            "--sign names a key, and there is no PDF to sign.",
            "Add --pdf FILE, or leave --sign out.",
        )
    try:
        text = options.sign.read_text(encoding="ascii")
        signing.private_key(text)
    except (OSError, UnicodeDecodeError, signing.KeyFault) as error:
        raise AuditError(
            "no-signing-key",
            f"“{options.sign}” cannot be read as a signing key: {error}.",
            "Make one with: openssl genpkey -algorithm ed25519 -out key.pem",
        ) from error
    return text


def _scratch() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="evenhand-")
    except OSError as error:
        raise AuditError(
            "no-scratch",
            "There is no folder for temporary files that can be written to.",
            "Set TMPDIR to a folder with room for the table.",
            found=error.strerror or "",
        ) from error


def _tables(options: Options, work: Path, say: Say | None) -> tuple[Path, Json, tuple[str, ...]]:
    """Folder and profile of the table with everything joined, and the reference columns."""
    table = work / "table"
    profile = _inspect(options, options.data, table, say, options.images, options.more)
    if options.join is not None:
        profile = _joined(options, options.join, table, work / "joined", say)
        table = work / "joined"
    references: tuple[str, ...] = ()
    if options.references is not None:
        profile = _joined(options, options.references, table, work / "referred", say)
        table = work / "referred"
        references = tuple(profile["joins"][-1]["columns"])
        _check_references(options.references, profile, references)
    task = census.task_of(options)
    if task is not None:
        profile = _derived(options, task.to_json(), table, work / "task", say)
        table = work / "task"
    return table, profile, references


def _check_references(file: Path, profile: Json, names: tuple[str, ...]) -> None:
    known = {column["name"]: column for column in profile["columns"]}
    if any(known[name]["distinct"] for name in names):
        return
    what = "no column besides the id" if not names else "no decision in any of its other columns"
    raise AuditError(
        "no-reference-decisions",
        f"{file.name} holds {what}.",
        "Give one column for each decider, with decisions on the people of the table.",
        where=file.name,
    )


def _inspect(
    options: Options,
    source: Path,
    out: Path,
    say: Say | None,
    images: Path | None = None,
    more: Sequence[Path] = (),
) -> Json:
    pictures = None if images is None else str(images.resolve())
    sources = [{"source": str(p.resolve()), "name": census.name_of(p)} for p in (source, *more)]
    return sandbox.run_child(
        "auditapp.datasets.inspect:child_main",
        {
            **sources[0],
            "more": sources[1:],
            "out": str(out),
            "options": dict(options.read),
            "images": pictures,
            "read": [
                *(item["source"] for item in sources),
                *([] if pictures is None else [pictures]),
            ],
        },
        workdir=out.parent,
        limits=sandbox.Limits.parsing(),
        isolated=True,
        on_progress=say,
    )


def _derived(options: Options, task: Json, table: Path, out: Path, say: Say | None) -> Json:
    return sandbox.run_child(
        "auditapp.folktables.derive:child_main",
        {
            "first": str(table),
            "out": str(out),
            "task": task,
            "settings": dict(options.task_settings),
            "read": [str(table)],
        },
        workdir=out.parent,
        limits=sandbox.Limits.parsing(),
        isolated=True,
        on_progress=say,
    )


def _joined(options: Options, second: Path, table: Path, out: Path, say: Say | None) -> Json:
    other = out.with_name(f"{out.name}-second")
    _inspect(options, second, other, say)
    on, second_on = options.on if options.on is not None else ("", "")
    return sandbox.run_child(
        "auditapp.datasets.join:child_main",
        {
            "first": str(table),
            "second": str(other),
            "out": str(out),
            "on": on,
            "second_on": second_on,
            "name": f"“{second.name}”",
            "read": [str(table), str(other)],
        },
        workdir=out.parent,
        limits=sandbox.Limits.parsing(),
        isolated=True,
        on_progress=say,
    )


def _inspect_model(options: Options, work: Path) -> Json | None:
    if options.model is None:
        return None
    from auditapp import predictors

    return predictors.inspect_model(options.model.resolve(), options.model.name, work)


def _inspect_start(options: Options, work: Path) -> Json | None:
    if options.checkpoint is None:
        return None
    from auditapp import predictors

    path = options.checkpoint
    found = predictors.inspect_model(path.resolve(), path.name, work)
    if found["format"] != "network":
        raise AuditError(
            "not-a-network",
            f"--checkpoint names “{path.name}”, which is a model in {found['format']} format.",
            "Give a network: a zip of model.safetensors and config.json, or one .safetensors file"
            " whose metadata holds the config. docs/networks.md says how to write one.",
            where=path.name,
        )
    return found
