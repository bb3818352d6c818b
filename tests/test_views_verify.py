"""The public page Verify: what it answers, refuses, and never keeps."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from auditapp import rate, result, signing, storage
from auditapp.models import Audit, Comparison, Edition, Report, SharedCopy, State
from auditapp.services import verify
from auditapp.services.keys import public_key, signing_key
from auditapp.services.reports import report_store
from tests.factories import Team, make_draft, make_team
from tests.test_attachments import DOCUMENT, TABLES, pdf, saved

pytestmark = pytest.mark.django_db
PAGE = "/verify/"


@pytest.fixture(autouse=True)
def counted() -> Any:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def team() -> Team:
    return make_team()


def files_of(document: dict[str, Any], key: str) -> tuple[bytes, bytes, dict[str, Any]]:
    """Document, PDF and the signature beside it."""
    data = result.canonical(document) + b"\n"
    held = {"result.json": data, "tables.csv": TABLES}
    inside = signing.written(signing.sign(document, held, key))
    file = saved(pdf(result__json=data, tables__csv=TABLES, signature__json=inside))
    return data, file, signing.sign(document, {**held, "report.pdf": file}, key)


def make_report(team: Team, **changes: Any) -> Report:
    """A report whose PDF carries its result, as the pipeline stores one."""
    audit = make_draft(team)
    document = {**DOCUMENT, "number": audit.number, **changes}
    document["run"] = {**DOCUMENT["run"], "id": audit.report_id}
    data, file, signed = files_of(document, signing_key())
    out = storage.work_folder(f"made-{audit.id}")
    (out / "result.json").write_bytes(data)
    (out / "report.pdf").write_bytes(file)
    Audit.objects.filter(id=audit.id).update(state=State.DONE, plan={}, finished_at=timezone.now())
    import hashlib

    outcome = {
        "hash": result.result_hash(document),
        "pages": 1,
        "pdf_hash": hashlib.sha256(file).hexdigest(),
        "signature": signed,
    }
    return report_store(audit=audit, outcome=outcome, out=out)


def hand_in(data: bytes, name: str = "report.pdf") -> Any:
    return Client(enforce_csrf_checks=True).post(PAGE, {"file": SimpleUploadedFile(name, data)})


def title(response: Any) -> str:
    text = response.content.decode()
    assert response.status_code == 200, text
    _, _, rest = text.partition('id="answer-title">')
    return rest.partition("</h2>")[0]


def test_the_page_is_there_for_anybody_and_asks_for_nothing() -> None:
    response = Client().get(PAGE)
    assert response.status_code == 200
    assert "answer-title" not in response.content.decode()
    assert "private" in response["Cache-Control"]


def test_the_pdf_and_the_json_of_a_report_match(team: Team) -> None:
    report = make_report(team)
    for name in ("report.pdf", "result.json"):
        response = hand_in((report.folder / name).read_bytes(), name)
        assert title(response) == "Match"
        text = response.content.decode()
        assert report.audit.report_id in text
        assert "Draft" in text


def test_nothing_but_number_status_and_hash_is_told_to_strangers(team: Team) -> None:
    report = make_report(team)
    text = hand_in((report.folder / "report.pdf").read_bytes()).content.decode()
    for secret in (report.audit.title, team.workspace.name, "Alice", str(report.audit_id)):
        assert secret not in text


def test_a_pdf_with_other_pages_is_told_apart_from_the_true_one(team: Team) -> None:
    """The attachments are genuine; somebody drew pages of their own around them."""
    report = make_report(team)
    import pikepdf

    with pikepdf.open(report.folder / "report.pdf") as made:
        made.add_blank_page()
        forged = saved(made)
    answer = title(hand_in(forged))
    assert answer == "Only the attached result matches, the pages are not ours"


def test_bytes_added_after_the_end_are_seen(team: Team) -> None:
    data = (make_report(team).folder / "report.pdf").read_bytes()
    assert "not ours" in title(hand_in(data + b"\n% more"))


def test_a_result_that_was_changed_in_the_pdf_is_no_match(team: Team) -> None:
    report = make_report(team)
    changed = {**DOCUMENT, "number": report.audit.number, "rows": {"used": 4}}
    document = result.read(report.folder / "result.json")
    held = {"result.json": (report.folder / "result.json").read_bytes(), "tables.csv": TABLES}
    inside = signing.written(signing.sign(document, held, signing_key()))
    forged = saved(
        pdf(result__json=result.canonical(changed), tables__csv=TABLES, signature__json=inside)
    )
    assert title(hand_in(forged)) == "No match: changed after it was signed"
    tables = saved(pdf(result__json=held["result.json"], tables__csv=b"x", signature__json=inside))
    assert title(hand_in(tables)) == "No match: changed after it was signed"


def test_a_broken_signature_is_no_match(team: Team) -> None:
    data = (make_report(team).folder / "result.json").read_bytes()
    for broken in (b"[]", b"{}", b"nothing"):
        forged = saved(pdf(result__json=data, tables__csv=TABLES, signature__json=broken))
        assert title(hand_in(forged)) == "No match: changed after it was signed"


def test_half_a_character_in_a_signature_is_no_match(team: Team) -> None:
    """It could be neither signed nor shown."""
    report = make_report(team)
    for part in ({"report": "\ud800"}, {"files": {"\ud800": ""}}, {"status": float("nan")}):
        broken = {**report.signature, "statement": {**report.signature["statement"], **part}}
        response = hand_in(json.dumps(broken).encode(), "x.sig.json")
        if response.status_code == 200:
            assert title(response) == "No match: changed after it was signed"
        else:
            assert response.status_code == 400


def test_a_report_signed_with_another_key_is_no_match() -> None:
    _, file, beside = files_of({**DOCUMENT, "number": 77}, signing.new_key())
    assert title(hand_in(file)) == "No match: signed with another key"
    assert title(hand_in(signing.written(beside))) == "No match: signed with another key"


def test_a_deleted_report_is_known_by_its_signature() -> None:
    data, file, beside = files_of({**DOCUMENT, "number": 78}, signing_key())
    assert title(hand_in(file)) == "Signed here, and no longer kept"
    assert title(hand_in(signing.written(beside))) == "Signed here, and no longer kept"
    assert title(hand_in(data)) == "No match"


def test_a_claimed_status_is_held_against_the_record(team: Team) -> None:
    report = make_report(team)
    document = result.read(report.folder / "result.json")
    document["run"] = {**document["run"], "status": "final"}
    response = hand_in(result.canonical(document))
    assert title(response) == "The result matches"
    text = response.content.decode()
    assert "The file says its status is “final”; the record says “draft”." in text


def test_a_draft_that_was_made_final_since_is_an_earlier_edition(team: Team) -> None:
    report = make_report(team)
    data = (report.folder / "report.pdf").read_bytes()
    Report.objects.filter(id=report.id).update(status="final", final_at=timezone.now())
    response = hand_in(data)
    assert title(response) == "Match, of an earlier edition"
    assert "Final since" in response.content.decode()


def test_a_superseded_report_says_by_what(team: Team) -> None:
    report, later = make_report(team), make_report(team)
    Report.objects.filter(id=later.id).update(status="final", final_at=timezone.now())
    Report.objects.filter(id=report.id).update(status="superseded", superseded_by=later)
    Edition.objects.filter(report=report).update(status="superseded")
    response = hand_in((report.folder / "report.pdf").read_bytes())
    assert title(response) == "Match, but superseded"
    assert f"Superseded by {later.audit.report_id}" in response.content.decode()
    asked = Client().get(PAGE, {"hash": report.result_hash})
    assert title(asked) == "Match, but superseded"


def test_the_signature_beside_the_pdf_is_known(team: Team) -> None:
    report = make_report(team)
    assert title(hand_in(signing.written(report.signature))) == "Match"


def test_a_statement_of_another_key_about_our_files_is_no_match(team: Team) -> None:
    """The hashes in a genuine signature are public: anybody can sign them again, changed."""
    report = make_report(team)
    statement = {**report.signature["statement"], "status": "final"}
    statement["files"] = {**statement["files"], "report.pdf": "ab" * 32}
    forged = signed_anew(statement, signing.new_key())
    assert title(hand_in(signing.written(forged))) == "No match: signed with another key"


def test_what_was_signed_with_a_former_key_is_still_known(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = make_report(team)
    monkeypatch.setattr(settings, "SIGNING_KEY", signing.new_key())
    assert title(hand_in(signing.written(report.signature))) == "Match"
    assert title(hand_in((report.folder / "report.pdf").read_bytes())) == "Match"


def signed_anew(statement: dict[str, Any], key: str) -> dict[str, Any]:
    private = signing.private_key(key)
    raw = private.public_key().public_bytes_raw()
    said = {**statement, "key": signing.key_id(raw)}
    signed = private.sign(signing.DOMAIN + result.canonical(said))
    return {
        "schema": signing.SCHEMA,
        "statement": said,
        "public_key": base64.b64encode(raw).decode(),
        "signature": base64.b64encode(signed).decode(),
    }


def test_a_report_of_before_files_were_noted_is_known_by_its_files(team: Team) -> None:
    report = make_report(team)
    Edition.objects.all().delete()
    assert title(hand_in((report.folder / "report.pdf").read_bytes())) == "Match"


@pytest.mark.parametrize("form", ["{0}", "sha256 {0}", "{1}", "{2}", "  {3} "])
def test_a_hash_is_found_however_it_is_copied(team: Team, form: str) -> None:
    h = make_report(team).result_hash
    fours = " ".join(h[i : i + 4] for i in range(0, 64, 4))
    text = form.format(h, f"{h[:4]} {h[4:8]} {h[8:12]}", f"{h[:12]}…{h[-4:]}", fours.upper())
    assert title(Client().get(PAGE, {"hash": text})) == "Match"


def test_the_hash_of_a_file_is_found(team: Team) -> None:
    assert title(Client().get(PAGE, {"hash": make_report(team).pdf_hash})) == "Match"


def test_another_hash_is_no_match(team: Team) -> None:
    h = make_report(team).result_hash
    assert title(Client().get(PAGE, {"hash": "0" * 64})) == "No match"
    assert title(Client().get(PAGE, {"hash": f"{h[:12]}…0000"})) == "No match"


@pytest.mark.parametrize("text", ["", "abc", "0" * 65, "zz" * 20, "%", "' OR 1=1 --" + "0" * 12])
def test_what_is_no_hash_is_refused(text: str) -> None:
    assert Client().get(PAGE, {"hash": text}).status_code == 400


def test_two_audits_with_one_hash_are_told_apart_by_their_bytes(team: Team) -> None:
    one, two = make_report(team, number=5), make_report(team, number=5)
    assert one.result_hash == two.result_hash
    for report in (one, two):
        text = hand_in((report.folder / "result.json").read_bytes()).content.decode()
        assert f"<dd>{report.audit.report_id}</dd>" in text
    asked = Client().get(PAGE, {"hash": one.result_hash}).content.decode()
    assert "keeps 2 reports with this hash" in asked


def test_a_copy_without_small_cells_is_known_as_one(team: Team) -> None:
    report = make_report(team)
    document = {**DOCUMENT, "number": report.audit.number, "suppressed": {"smallest": 10}}
    document["run"] = {**DOCUMENT["run"], "id": report.audit.report_id}
    data, file, _ = files_of(document, signing_key())
    path = f"reports/copy-{report.id}"
    storage.absolute(path).mkdir(parents=True)
    (storage.absolute(path) / "report.pdf").write_bytes(file)
    SharedCopy.objects.create(
        report=report, smallest=10, path=path, result_hash=result.result_hash(document)
    )
    for handed, wanted in ((file, "Match"), (data, "The result matches")):
        response = hand_in(handed)
        assert title(response) == wanted
        assert "suppressed copy without cells below 10 people" in response.content.decode()


def test_a_comparison_is_known(team: Team) -> None:
    one, two = make_report(team), make_report(team)
    document = {"schema": "evenhand/comparison/1", "rows": 3, "run": {"id": "EC-2026-0001"}}
    _, file, beside = files_of(document, signing_key())
    assert beside["statement"]["status"] == "comparison"
    path = f"reports/comparison-{one.id}"
    storage.absolute(path).mkdir(parents=True)
    (storage.absolute(path) / "report.pdf").write_bytes(file)
    made = Comparison.objects.create(
        workspace=team.workspace, number=1, title="x", first=one.audit, second=two.audit,
        state="done", path=path, result_hash=result.result_hash(document),
        finished_at=timezone.now(),
    )  # fmt: skip
    response = hand_in(file)
    assert title(response) == "Match"
    assert made.report_id in response.content.decode()
    assert title(Client().get(PAGE, {"hash": made.result_hash})) == "Match"


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7 broken", b"hello", b"\x00" * 5000, b"PK\x03\x04zip", b"[" * 100_000]
)
def test_a_file_that_is_none_of_ours_is_refused_in_words(data: bytes) -> None:
    response = hand_in(data)
    assert response.status_code == 400
    assert "Error:" in response.content.decode()


def test_hostile_names_in_a_file_appear_as_text(team: Team) -> None:
    name = '<script>alert("1")</script>'
    document = {**DOCUMENT, "number": 99, "run": {**DOCUMENT["run"], "id": name}}
    _, file, _ = files_of(document, signing.new_key())
    text = hand_in(file, name).content.decode()
    assert name not in text
    assert "&lt;script&gt;" in text


def test_no_file_and_an_empty_file_are_refused() -> None:
    assert Client().post(PAGE).status_code == 400
    assert hand_in(b"").status_code == 400


def test_a_large_file_is_refused_and_nothing_of_it_stays(monkeypatch: Any) -> None:
    monkeypatch.setattr(settings, "VERIFY_LIMIT_BYTES", 100_000)
    before = set(Path(settings.TEMP_DIR).iterdir())
    assert hand_in(b"x" * 300_000).status_code == 413
    assert set(Path(settings.TEMP_DIR).iterdir()) == before


def test_nothing_that_was_handed_in_is_kept(team: Team) -> None:
    before = set(Path(settings.TEMP_DIR).iterdir())
    hand_in(saved(pdf(result__json=result.canonical({**DOCUMENT, "number": 4}))))
    hand_in(b"broken")
    assert set(Path(settings.TEMP_DIR).iterdir()) == before


def test_only_one_file_of_a_request_is_taken(monkeypatch: Any) -> None:
    seen: list[Path] = []
    monkeypatch.setattr(verify, "verify_file", lambda *, path: seen.append(path))
    files = {"other": io.BytesIO(b"a" * 100), "file": [io.BytesIO(b"b"), io.BytesIO(b"c" * 9)]}
    Client().post(PAGE, files)
    assert len(seen) == 1


def test_an_address_may_ask_so_often_and_no_more(monkeypatch: Any) -> None:
    monkeypatch.setattr(settings, "VERIFY_REQUESTS_PER_MINUTE", 3)
    client = Client()
    codes = [client.get(PAGE, {"hash": "0" * 64}).status_code for _ in range(5)]
    assert codes[:3] == [200] * 3
    # a minute may begin between two of them
    assert 429 in codes or codes == [200] * 5
    assert client.get(PAGE).status_code == 200
    other = Client(REMOTE_ADDR="203.0.113.9").get(PAGE, {"hash": "0" * 64})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::2:3", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
    ],
)
def test_addresses_of_one_customer_count_as_one(
    first: str, second: str, same: bool, rf: Any
) -> None:
    found = [rate.address_of(rf.get("/", REMOTE_ADDR=address)) for address in (first, second)]
    assert (found[0] == found[1]) is same


def test_files_wait_for_a_place_and_are_told_so(monkeypatch: Any) -> None:
    class Full:
        def acquire(self, timeout: float) -> bool:
            return False

    monkeypatch.setattr(verify, "_places", Full())
    assert hand_in(b"%PDF-1.7").status_code == 503


def test_the_key_is_there_for_anybody() -> None:
    response = Client().get("/verify/key.pem")
    assert signing.public_key(response.content.decode()) == public_key()
    assert "attachment" in response["Content-Disposition"]


def test_the_signature_of_a_report_is_for_its_readers(team: Team) -> None:
    report = make_report(team)
    client = Client()
    client.force_login(team.vera)
    response = client.get(reverse("report-signature", args=[report.audit_id]))
    signed = signing.read(response.content)
    assert signed.holds()
    assert signed.file("report.pdf") == report.pdf_hash
    Report.objects.filter(id=report.id).update(signature=None)
    assert client.get(reverse("report-signature", args=[report.audit_id])).status_code == 404
