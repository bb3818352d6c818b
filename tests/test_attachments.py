"""Reading report files of strangers: what is found, and what is refused."""

from __future__ import annotations

import io
import json
import zlib
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from auditapp import attachments, signing
from auditapp.errors import AuditError
from auditapp.result import SCHEMA, canonical, result_hash

DOCUMENT: dict[str, Any] = {
    "schema": SCHEMA,
    "rows": {"used": 3},
    "run": {"id": "EH-2026-0001", "date": "2026-11-23T10:00:00+00:00", "status": "draft"},
}
RESULT = canonical(DOCUMENT) + b"\n"
TABLES = b"a,b\n1,2\n"
KEY = signing.new_key()


def signature() -> bytes:
    return signing.written(
        signing.sign(DOCUMENT, {"result.json": RESULT, "tables.csv": TABLES}, KEY)
    )


def pdf(**held: bytes) -> pikepdf.Pdf:
    """A PDF of one page with attachments; `__` in a name stands for a dot."""
    made = pikepdf.new()
    made.add_blank_page()
    for name, body in held.items():
        made.attachments[name.replace("__", ".")] = body
    return made


def saved(made: pikepdf.Pdf, **options: Any) -> bytes:
    out = io.BytesIO()
    made.save(out, **options)
    return out.getvalue()


def report(**more: bytes) -> bytes:
    held = {"result__json": RESULT, "tables__csv": TABLES, "signature__json": signature()}
    return saved(pdf(**{**held, **more}))


def examined(tmp_path: Path, data: bytes) -> dict[str, Any]:
    path = tmp_path / "handed-in"
    path.write_bytes(data)
    return attachments.examine({"path": str(path)})


def refused(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(AuditError) as caught:
        examined(tmp_path, data)
    return caught.value.code


def test_a_pdf_says_what_it_carries(tmp_path: Path) -> None:
    found = examined(tmp_path, report())
    assert found["kind"] == "pdf"
    assert found["hash"] == result_hash(DOCUMENT)
    assert found["says"] == DOCUMENT["run"]
    assert set(found["files"]) == {"result.json", "tables.csv", "signature.json"}
    signed = signing.read(found["signature"])
    assert signed.holds()
    assert signed.file("tables.csv") == found["files"]["tables.csv"]


@pytest.mark.parametrize(
    "options",
    [
        {"object_stream_mode": pikepdf.ObjectStreamMode.generate},
        {"object_stream_mode": pikepdf.ObjectStreamMode.disable},
        {"linearize": True},
    ],
)
def test_a_pdf_that_another_program_saved_is_read_too(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    data = saved(pikepdf.open(io.BytesIO(report())), **options)
    assert examined(tmp_path, data)["hash"] == result_hash(DOCUMENT)


def test_a_result_document_may_be_indented(tmp_path: Path) -> None:
    found = examined(tmp_path, json.dumps(DOCUMENT, indent=4).encode())
    assert (found["kind"], found["hash"]) == ("json", result_hash(DOCUMENT))
    assert found["signature"] is None


def test_a_signature_alone_is_told_apart(tmp_path: Path) -> None:
    found = examined(tmp_path, signature())
    assert found["kind"] == "signature"
    assert signing.read(found["signature"]).holds()


def test_what_a_document_says_of_itself_comes_back_short_and_as_text(tmp_path: Path) -> None:
    run = {"id": "x" * 10_000, "status": ["final"], "date": 7, "people": "Ann"}
    found = examined(tmp_path, json.dumps({**DOCUMENT, "run": run}).encode())
    assert found["says"] == {"id": "x" * attachments.LONGEST_TEXT}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"schema": NaN}',
        b"\xff\xfe\x00",
        b'{"n": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, data: bytes) -> None:
    assert refused(tmp_path, data) == "unreadable"


@pytest.mark.parametrize("data", [b"[]", b"7", b'{"schema": "other"}', b'{"a": 1}'])
def test_other_json_is_no_report(tmp_path: Path, data: bytes) -> None:
    assert refused(tmp_path, data) == "not-a-report"


def test_a_number_past_the_range_of_json_is_refused(tmp_path: Path) -> None:
    data = json.dumps(DOCUMENT).replace("3", "1e999", 1).encode()
    assert refused(tmp_path, data) == "unreadable"


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """One reader would show 0 people, another one hash 3."""
    data = RESULT.replace(b'{"used":3}', b'{"used":0,"used":3}')
    assert refused(tmp_path, data) == "unreadable"


def test_a_pdf_without_a_result_is_no_report(tmp_path: Path) -> None:
    assert refused(tmp_path, saved(pdf())) == "not-a-report"
    assert refused(tmp_path, saved(pdf(other__json=RESULT))) == "not-a-report"


def test_an_encrypted_pdf_is_refused(tmp_path: Path) -> None:
    made = pdf(result__json=RESULT)
    data = saved(made, encryption=pikepdf.Encryption(owner="a", user=""))
    assert refused(tmp_path, data) == "encrypted"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_pdf_that_was_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    data = report()
    assert refused(tmp_path, data[: int(len(data) * share)]) in {"unreadable", "not-a-report"}


def _spec(made: pikepdf.Pdf, name: str, **bodies: bytes) -> Any:
    streams = {f"/{key}": made.make_stream(body) for key, body in bodies.items()}
    return made.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Filespec, F=name, UF=name, EF=pikepdf.Dictionary(streams)
        )
    )


def _with_names(*pairs: tuple[str, Any], made: pikepdf.Pdf) -> bytes:
    names = pikepdf.Array([item for pair in pairs for item in pair])
    made.Root.Names = pikepdf.Dictionary(EmbeddedFiles=pikepdf.Dictionary(Names=names))
    return saved(made)


def test_two_results_in_one_pdf_are_refused(tmp_path: Path) -> None:
    made = pdf()
    one, two = (_spec(made, "result.json", F=body) for body in (RESULT, b"{}"))
    data = _with_names(("result.json", one), ("result.json", two), made=made)
    assert refused(tmp_path, data) == "ambiguous"


def test_a_file_that_some_readers_would_show_as_the_result_is_refused(tmp_path: Path) -> None:
    made = pdf()
    true, false = _spec(made, "result.json", F=RESULT), _spec(made, "result.json", F=b"{}")
    data = _with_names(("other", false), ("result.json", true), made=made)
    assert refused(tmp_path, data) == "ambiguous"


def test_a_second_result_pinned_to_a_page_is_refused(tmp_path: Path) -> None:
    made = pdf(result__json=RESULT)
    for name, wanted in (("other.json", None), ("result.json", "ambiguous")):
        mark = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.FileAttachment, Rect=[0, 0, 9, 9],
            FS=_spec(made, name, F=b"{}"),
        )  # fmt: skip
        made.pages[0].obj.Annots = pikepdf.Array([made.make_indirect(mark)])
        if wanted is None:
            assert examined(tmp_path, saved(made))["hash"] == result_hash(DOCUMENT)
        else:
            assert refused(tmp_path, saved(made)) == wanted


def test_an_attachment_with_two_contents_is_refused(tmp_path: Path) -> None:
    made = pdf()
    data = _with_names(("result.json", _spec(made, "result.json", F=RESULT, UF=b"{}")), made=made)
    assert refused(tmp_path, data) == "ambiguous"
    made = pdf()
    data = _with_names(("result.json", _spec(made, "result.json", F=RESULT, UF=RESULT)), made=made)
    assert examined(tmp_path, data)["hash"] == result_hash(DOCUMENT)


def test_a_signature_without_the_shape_of_one_counts_as_a_broken_one(tmp_path: Path) -> None:
    assert examined(tmp_path, report(signature__json=b"[]"))["signature"] == {}


def bomb(tmp_path: Path) -> bytes:
    """A result of 400 MB in some 400 kB."""
    body = zlib.compress(b" " * (400 << 20), 9)
    made = pdf()
    stream = pikepdf.Stream(made, body)
    stream.Filter = pikepdf.Name.FlateDecode
    spec = pikepdf.Dictionary(
        Type=pikepdf.Name.Filespec, F="result.json", EF=pikepdf.Dictionary(F=stream)
    )
    return _with_names(("result.json", made.make_indirect(spec)), made=made)


@pytest.mark.slow
def test_a_file_that_unpacks_to_more_than_there_is_ends_in_words(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pdf"
    path.write_bytes(bomb(tmp_path))
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(AuditError) as caught:
        attachments.examine_file(path, workdir=work)
    assert caught.value.code in {"unreadable", "too-large", "out-of-memory", "time-limit"}


def test_the_child_reads_the_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(report())
    work = tmp_path / "work"
    work.mkdir()
    found = attachments.examine_file(path, workdir=work)
    assert found["hash"] == result_hash(DOCUMENT)
    assert list(work.iterdir()) == []
