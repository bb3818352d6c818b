"""Fetching a table from an address: what is refused, and that nothing private is reached."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditapp import outward, queue, storage
from auditapp.errors import AuditError
from auditapp.models import Alert, Dataset, UploadState
from auditapp.services import schedule_runs, sources
from auditapp.services.schedules import Source
from tests.factories import make_team
from tests.schedule_years import PROFILE, make_schedule
from tests.web_targets import certificate, hangs, says, serve

CSV = b"sex,race,hired\nf,a,1\nm,b,0\n"
URL = "https://data.example.org/people.csv"


@pytest.fixture(autouse=True)
def hosts(settings: Any) -> None:
    settings.SOURCE_HOSTS = ["data.example.org", "*.example.com"]


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Addresses of data.example.org, a public one by default; every connection is counted."""
    addresses, opened = ["93.184.215.14"], []
    monkeypatch.setattr(outward, "resolve", lambda _: list(addresses))

    def connect(place: tuple[str, int], timeout: float) -> Any:
        opened.append(place[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(outward.socket, "create_connection", connect)
    yield addresses
    assert set(opened) <= {"93.184.215.14"}


def refused(url: str, folder: Path) -> str:
    with pytest.raises(AuditError) as caught:
        sources.source_fetch(url, folder)
    assert str(caught.value)
    return caught.value.code


# --- before anything is sent -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://data.example.org/x.csv", "not-https"),
        ("ftp://data.example.org/x.csv", "not-https"),
        ("file:///etc/passwd", "bad-url"),
        ("https://", "bad-url"),
        ("people.csv", "bad-url"),
        ("https://data.example.org:99999/x", "bad-url"),
        ("https://user:word@data.example.org/x", "bad-url"),
        ("https://data.example.org/a b", "bad-url"),
        ("https://data.example.org/a\r\nHost: x", "bad-url"),
        ("https://data.example.org/\u00fc", "bad-url"),
        ("https://[::1", "bad-url"),
        ("https://other.example.org/x.csv", "host-not-allowed"),
        ("https://example.com/x.csv", "host-not-allowed"),
        ("https://notexample.com/x.csv", "host-not-allowed"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, code: str) -> None:
    with pytest.raises(AuditError) as caught:
        sources.source_check(url)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "url", [URL, "https://a.b.example.com/x?k=1", "https://DATA.example.org."]
)
def test_allowed_hosts_pass(url: str) -> None:
    sources.source_check(url)


def test_without_a_list_nothing_is_fetched_and_a_star_allows_any_public_host(
    settings: Any,
) -> None:
    settings.SOURCE_HOSTS = []
    with pytest.raises(AuditError, match="may not be fetched"):
        sources.source_check(URL)
    settings.SOURCE_HOSTS = ["*"]
    sources.source_check("https://anything.example.net/x")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.4.4", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
        "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "192.0.2.1", "198.18.0.1", "240.0.0.1",
    ],
)  # fmt: skip
def test_private_addresses_are_not_reached(
    address: str, reached: list[str], tmp_path: Path
) -> None:
    reached[:] = [address]
    assert refused(URL, tmp_path) == "private-address"
    reached[:] = ["93.184.215.14", address]
    assert refused(URL, tmp_path) == "private-address"


def test_public_addresses_are(reached: list[str], tmp_path: Path) -> None:
    assert outward.is_public("2606:4700:4700::1111")
    assert refused(URL, tmp_path) == "unreachable"


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "localhost"])
def test_a_host_written_as_a_private_address_is_not_reached(
    host: str, settings: Any, tmp_path: Path
) -> None:
    settings.SOURCE_HOSTS = ["*"]
    assert refused(f"https://{host}/x.csv", tmp_path) in {"private-address", "no-such-host"}


def test_a_name_that_is_not_there_is_said(reached: list[str], tmp_path: Path) -> None:
    reached.clear()
    assert refused(URL, tmp_path) == "no-such-host"


# --- what comes back -------------------------------------------------------------------------


def fetched(answer: Any, folder: Path, settings: Any, path: str = "/people.csv") -> Any:
    with serve(answer) as server:
        settings.TRUSTED_TARGETS = [server.origin]
        return sources.source_fetch(server.origin + path, folder)


@pytest.mark.parametrize("length", [True, False])
def test_a_table_is_fetched(length: bool, tmp_path: Path, settings: Any) -> None:
    file = fetched(says(CSV, length=length), tmp_path, settings, "/a/people%202.csv?k=1")
    assert (file.name, file.size) == ("people 2.csv", len(CSV))
    assert Path(file.temporary_file_path()).read_bytes() == CSV


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "html"),
        (b"\xef\xbb\xbf  \n<html lang=en>", "html"),
        (b"<!-- cached --><HTML>", "html"),
        (b'<?xml version="1.0"?>\n<html xmlns="x">', "html"),
        (b"", "empty-file"),
    ],
)
def test_a_page_in_place_of_a_table_is_refused_whatever_it_calls_itself(
    body: bytes, code: str, tmp_path: Path, settings: Any
) -> None:
    answer = says(body, Content_Type="text/csv")
    with serve(answer) as server:
        settings.TRUSTED_TARGETS = [server.origin]
        assert refused(server.origin, tmp_path) == code


@pytest.mark.parametrize("status", [404, 403, 500, 204])
def test_an_answer_without_a_table_is_said(status: int, tmp_path: Path, settings: Any) -> None:
    with serve(says(CSV if status != 204 else b"", status=status)) as server:
        settings.TRUSTED_TARGETS = [server.origin]
        assert refused(server.origin + "/x?key=hush", tmp_path) == "http-status"


def test_the_query_of_an_address_is_in_no_message(tmp_path: Path, settings: Any) -> None:
    with serve(says(b"", status=404)) as server:
        settings.TRUSTED_TARGETS = [server.origin]
        with pytest.raises(AuditError) as caught:
            sources.source_fetch(server.origin + "/x?key=hush", tmp_path)
    assert "hush" not in str(caught.value.as_dict())


@pytest.mark.parametrize("length", [True, False])
def test_a_file_that_is_too_large_is_left(length: bool, tmp_path: Path, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 1000
    with serve(says(b"a,b\n" * 200_000, length=length)) as server:
        settings.TRUSTED_TARGETS = [server.origin]
        assert refused(server.origin, tmp_path) == "file-too-large"
    assert (tmp_path / "fetched").stat().st_size <= 1000 if not length else True


@pytest.mark.parametrize("drip", [b"", b"a"])
def test_a_source_that_hangs_or_drips_is_left_in_time(
    drip: bytes, tmp_path: Path, settings: Any
) -> None:
    settings.SOURCE_TIME_LIMIT = 1
    over = threading.Event()
    began = time.monotonic()
    with serve(hangs(over, drip)) as server:
        settings.TRUSTED_TARGETS = [server.origin]
        assert refused(server.origin, tmp_path) == "too-slow"
        over.set()
    assert time.monotonic() - began < 8


def test_a_file_that_breaks_off_is_no_table(tmp_path: Path, settings: Any) -> None:
    def half(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "9999")
        handler.end_headers()
        handler.wfile.write(CSV)

    with serve(half) as server:
        settings.TRUSTED_TARGETS = [server.origin]
        assert refused(server.origin, tmp_path) == "unreachable"


# --- redirects -------------------------------------------------------------------------------


def test_redirects_are_followed_a_few_times(tmp_path: Path, settings: Any) -> None:
    def answer(handler: Any) -> None:
        turn = int(handler.path.strip("/"))
        says(b"", status=302, Location=f"/{turn - 1}")(handler) if turn else says(CSV)(handler)

    with serve(answer) as server:
        settings.TRUSTED_TARGETS = [server.origin]
        assert sources.source_fetch(f"{server.origin}/5", tmp_path).size == len(CSV)
        assert refused(f"{server.origin}/6", tmp_path) == "too-many-redirects"


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("https://data.example.org:8443/inside", "private-address"),
        ("https://169.254.169.254/latest/meta-data", "host-not-allowed"),
        ("http://data.example.org/x", "not-https"),
        ("file:///etc/passwd", "bad-url"),
        ("//other.example.net/x", "not-https"),
    ],
)
def test_a_redirect_is_checked_like_the_address_itself(
    place: str, code: str, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(says(b"", status=302, Location=place)) as server:
        settings.TRUSTED_TARGETS = [server.origin]
        real = outward.resolve
        inside = {"data.example.org": ["10.1.2.3"]}
        monkeypatch.setattr(outward, "resolve", lambda t: inside.get(t.host) or real(t))
        assert refused(server.origin, tmp_path) == code
        assert len(server.seen) == 1


# --- HTTPS -----------------------------------------------------------------------------------


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """data.example.org is this machine, and for this test a public place."""
    monkeypatch.setattr(outward, "resolve", lambda _: ["127.0.0.1"])
    monkeypatch.setattr(outward, "is_public", lambda _: True)


def test_a_certificate_has_to_be_known_and_of_the_host(
    named: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(says(CSV), https=True) as server:
        url = f"https://data.example.org:{server.port}/people.csv"
        with pytest.raises(AuditError, match="certificate"):
            sources.source_fetch(url, tmp_path)
        known = ssl.create_default_context(cafile=str(certificate()[0]))
        monkeypatch.setattr(outward, "tls", lambda: known)
        assert sources.source_fetch(url, tmp_path).size == len(CSV)
        assert server.seen[0]["headers"]["Host"] == f"data.example.org:{server.port}"
        with pytest.raises(AuditError, match="certificate"):
            sources.source_fetch(f"https://a.example.com:{server.port}/", tmp_path)


# --- a schedule over an address --------------------------------------------------------------


@pytest.mark.django_db
def test_a_schedule_fetches_keeps_versions_and_survives_a_page(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditapp.models import ScheduleRun

    monkeypatch.setattr(queue, "send", lambda *_: True)
    settings.SOURCE_VERSIONS = 2
    team = make_team()
    bodies = [CSV, b"<html>Sign in</html>", CSV + b"f,b,1\n", CSV + b"f,b,1\n", CSV * 2]
    with serve(lambda handler: says(bodies[0])(handler)) as server:
        settings.TRUSTED_TARGETS = [server.origin]
        schedule = make_schedule(team, source=Source(url=f"{server.origin}/people.csv"))
        ends = []
        while bodies:
            from django.utils import timezone

            run = schedule_runs.run_create(schedule=schedule, due_at=timezone.now())
            schedule_runs.run_advance(run_id=run.id)
            run.refresh_from_db()
            if run.state == "checking":
                Dataset.objects.filter(id=run.dataset_id).update(
                    state=UploadState.READY, profile=PROFILE
                )
                schedule_runs.run_advance(run_id=run.id)
                run.refresh_from_db()
                assert run.audit is not None
                type(run.audit).objects.filter(id=run.audit_id).update(state="done")
                schedule_runs.run_advance(run_id=run.id)
                run.refresh_from_db()
            ends.append((run.state, run.skipped, (run.error or {}).get("code")))
            bodies.pop(0)
    assert ends == [
        ("done", "", None), ("failed", "", "html"), ("done", "", None),
        ("skipped", "same-data", None), ("done", "", None),
    ]  # fmt: skip
    kept = Dataset.objects.order_by("created_at")
    assert [row.bytes for row in kept] == [len(CSV) + 6, 2 * len(CSV)]
    assert {row.series for row in kept} == {schedule.id}
    assert kept[0].source.read_bytes() == CSV + b"f,b,1\n"
    assert Alert.objects.get().kind == "source"
    assert not list((Path(settings.DATA_DIR) / "tmp").glob("source-*"))
    assert storage.absolute(kept[0].path).is_dir()
    assert ScheduleRun.objects.filter(state="done").count() == 3
