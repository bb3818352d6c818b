"""`manage.py verify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from django.core.management import CommandError, call_command

from auditapp import result, signing

DOCUMENT = {"schema": result.SCHEMA, "rows": {"used": 3}, "run": {"id": "EH-2026-0001"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def test_it_prints_the_hash_of_the_document(file: Path, capsys: Any) -> None:
    call_command("verify", str(file))
    assert capsys.readouterr().out.strip() == f"sha256 {result.result_hash(DOCUMENT)}"


def test_it_accepts_the_begun_hash_with_its_spaces(file: Path, capsys: Any) -> None:
    found = result.result_hash(DOCUMENT)
    call_command("verify", str(file), "--hash", f"{found[:4]} {found[4:8]} {found[8:12]}")
    assert "has this hash" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["sha256 {}…{}", "{}...{}", "SHA256: {}", "{}"])
def test_it_accepts_the_hash_as_a_cover_prints_it(file: Path, form: str) -> None:
    found = result.result_hash(DOCUMENT)
    call_command("verify", str(file), "--hash", form.format(found[:12], found[-4:]))
    with pytest.raises(CommandError, match="belongs to another"):
        call_command("verify", str(file), "--hash", f"{found[:12]}…{'0' * 5}")


def test_a_changed_document_is_found_out(file: Path) -> None:
    file.write_text(json.dumps({**DOCUMENT, "rows": {"used": 4}}))
    with pytest.raises(CommandError, match="was changed") as caught:
        call_command("verify", str(file), "--hash", result.result_hash(DOCUMENT))
    assert caught.value.returncode == 3


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other"}', '{"a": NaN}'])
def test_what_is_no_result_document_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(CommandError) as caught:
        call_command("verify", str(path))
    assert caught.value.returncode == 2


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report that was drawn and signed, its signature and its public key."""
    from auditapp.reports.build import build
    from tests.report_documents import cached

    out = tmp_path_factory.mktemp("signed")
    key = signing.new_key()
    made = build(cached(n=2000), out, key=key)
    (out / "report.sig.json").write_bytes(signing.written(made["signature"]))
    raw = signing.private_key(key).public_key().public_bytes_raw()
    (out / "key.pem").write_text(signing.public_pem(raw))
    other = signing.private_key(signing.new_key()).public_key().public_bytes_raw()
    (out / "other.pem").write_text(signing.public_pem(other))
    return out


def verified(capsys: Any, *given: Any) -> str:
    call_command("verify", *map(str, given))
    return str(capsys.readouterr().out)


def different(*given: Any) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("verify", *map(str, given))
    assert caught.value.returncode == 3
    return str(caught.value)


def test_a_pdf_proves_itself_with_the_key_and_its_signature(report: Path, capsys: Any) -> None:
    said = verified(
        capsys, report / "report.pdf", "--key", report / "key.pem",
        "--signature", report / "report.sig.json",
    )  # fmt: skip
    assert "The attached files are as signed." in said
    assert "The whole file is as signed." in said
    assert "Signed with the key of" in said


def test_without_a_key_it_says_what_was_not_looked_at(report: Path, capsys: Any) -> None:
    said = verified(capsys, report / "report.pdf")
    assert "Whose it is, --key says" in said
    assert "What the pages show was not looked at" in said


def test_another_key_is_told_apart(report: Path) -> None:
    words = different(report / "report.pdf", "--key", report / "other.pem")
    assert "It is signed with the key" in words


def test_a_pdf_that_was_saved_anew_is_not_the_one_that_was_signed(
    report: Path, tmp_path: Path, capsys: Any
) -> None:
    forged = tmp_path / "forged.pdf"
    forged.write_bytes((report / "report.pdf").read_bytes() + b"\n")
    assert "as signed" in verified(capsys, forged)
    words = different(forged, "--signature", report / "report.sig.json")
    assert "report.pdf is not the file that was signed" in words


@pytest.mark.slow
def test_pages_are_drawn_anew_and_compared(report: Path, tmp_path: Path, capsys: Any) -> None:
    assert "draws of the attached result" in verified(capsys, report / "report.pdf", "--pages")
    forged = tmp_path / "forged.pdf"
    forged.write_bytes((report / "report.pdf").read_bytes() + b"\n")
    assert "The pages are not what" in different(forged, "--pages")


def test_a_signature_is_read_by_a_terminal_without_harm(tmp_path: Path, capsys: Any) -> None:
    document = {**DOCUMENT, "run": {"id": "\x1b[2Jgone", "date": "2026"}}
    path = tmp_path / "x.sig.json"
    path.write_bytes(signing.written(signing.sign(document, {}, signing.new_key())))
    said = verified(capsys, path)
    assert "\x1b" not in said
    assert "gone" in said


def test_an_unsigned_pdf_says_so(tmp_path: Path, capsys: Any) -> None:
    from tests.test_attachments import RESULT, pdf, saved

    path = tmp_path / "report.pdf"
    path.write_bytes(saved(pdf(result__json=RESULT)))
    assert "Nothing is signed" in verified(capsys, path)
    key = tmp_path / "key.pem"
    raw = signing.private_key(signing.new_key()).public_key().public_bytes_raw()
    key.write_text(signing.public_pem(raw))
    assert "no key can have signed it" in different(path, "--key", key)


def test_a_signature_that_was_taken_out_is_missed(tmp_path: Path) -> None:
    from tests.test_attachments import pdf, saved

    run = {**DOCUMENT["run"], "signed_with": "ab" * 16}
    data = result.canonical({**DOCUMENT, "run": run})
    path = tmp_path / "report.pdf"
    path.write_bytes(saved(pdf(result__json=data)))
    assert "signature is missing" in different(path)
    (tmp_path / "result.json").write_bytes(data)  # a JSON carries none
    call_command("verify", str(tmp_path / "result.json"))


def test_a_changed_attachment_is_found_out(tmp_path: Path) -> None:
    from tests.test_attachments import RESULT, pdf, saved, signature

    path = tmp_path / "report.pdf"
    path.write_bytes(
        saved(pdf(result__json=RESULT, tables__csv=b"x", signature__json=signature()))
    )
    assert "tables.csv is not the file that was signed" in different(path)
    changed = RESULT.replace(b'"used":3', b'"used":4')
    path.write_bytes(saved(pdf(result__json=changed, signature__json=signature())))
    assert "was changed after it was signed" in different(path)
    path.write_bytes(saved(pdf(result__json=RESULT, signature__json=b"[]")))
    assert "The attached signature is none" in different(path)


@pytest.mark.parametrize(
    "given", [["--key", "nothing.pem"], ["--signature", "nothing.json"], ["--hash", "abc"]]
)
def test_options_that_cannot_be_read_are_no_finding(file: Path, given: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("verify", str(file), *given)
    assert caught.value.returncode == 2


def test_the_program_in_the_docs_checks_a_signature(report: Path) -> None:
    text = (Path(__file__).parent.parent / "docs" / "verify.md").read_text(encoding="utf-8")
    program = text.split("```python\n")[1].split("```")[0]
    program = program.replace("evenhand-key.pem", str(report / "key.pem"))
    program = program.replace("signature.json", str(report / "report.sig.json"))
    exec(compile(program, "docs/verify.md", "exec"), {})
    wrong = program.replace(str(report / "key.pem"), str(report / "other.pem"))
    with pytest.raises(InvalidSignature):
        exec(compile(wrong, "docs/verify.md", "exec"), {})
