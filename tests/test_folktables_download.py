"""Loading Census files, from a server on this machine that behaves as well or badly as told."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from auditapp.errors import AuditError
from auditapp.folktables import census, download
from tests import pums_fixtures as made

ARCHIVE = made.zipped({"psam_p06.csv": made.text(made.persons(400, replicates=3))})


class Census(ThreadingHTTPServer):
    """What it holds, how it misbehaves, and what was asked of it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {"/2018/1-Year/csv_pca.zip": ARCHIVE}
        self.kind = "application/zip"
        self.status = 0
        self.cut: int | None = None
        self.tag = '"one"'
        self.ranges = True
        self.redirect = ""
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Census

    def do_HEAD(self) -> None:
        self._send(b"")

    def do_GET(self) -> None:
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        if server.redirect:
            self.send_response(302)
            self.send_header("Location", server.redirect)
            self.end_headers()
            return
        if server.status:
            self.send_error(server.status)
            return
        if self.path not in server.files:
            self.send_error(404)
            return
        self._send(server.files[self.path])

    def _send(self, body: bytes) -> None:
        server, start = self.server, 0
        found = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
        same = self.headers.get("If-Range") == server.tag
        if found and server.ranges and same:
            start = int(found[1])
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("Content-Type", server.kind)
        self.send_header("ETag", server.tag)
        self.end_headers()
        end = len(body) if server.cut is None else server.cut
        self.wfile.write(body[start:end])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def host() -> Iterator[Census]:
    server = Census()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


CA = census.wanted("CA", 2018)


def refused(host: Census, root: Path, what: census.Wanted = CA) -> AuditError:
    with pytest.raises(AuditError) as caught:
        download.load(what, root, base=host.url)
    return caught.value


def tables(root: Path) -> list[str]:
    return sorted(p.name for p in root.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("state", "year", "archive", "table"),
    [
        ("ca", 2018, "csv_pca.zip", "psam_p06.csv"),
        ("California", 2016, "csv_pca.zip", "ss16pca.csv"),
        ("11", 2022, "csv_pdc.zip", "psam_p11.csv"),
        ("6", 2014, "csv_pca.zip", "ss14pca.csv"),
    ],
)
def test_files_are_called_as_the_package_calls_them(
    state: str, year: int, archive: str, table: str
) -> None:
    what = census.wanted(state, year)
    assert (what.archive, what.table) == (archive, table)
    folktables = pytest.importorskip("folktables.load_acs")
    if what.state in folktables.state_list:
        code = folktables._STATE_CODES[what.state]
        assert what.table in {f"psam_p{code}.csv", f"ss{year % 100}p{what.state.lower()}.csv"}
    assert what.folder(Path("acs")) == Path("acs") / str(year) / "1-Year"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("ZZ", 2018), "unknown-state"),
        (("03", 2018), "unknown-state"),
        (("CA", 2013), "no-such-file"),
        (("CA", 2999), "no-such-file"),
        (("CA", 2020), "no-such-file"),
        (("CA", 2018, "3-Year"), "no-such-file"),
    ],
)
def test_what_the_census_does_not_have_is_refused_before_asking(args: Any, code: str) -> None:
    with pytest.raises(AuditError) as caught:
        census.wanted(*args)
    assert caught.value.code == code


def test_a_file_is_loaded_checked_and_recorded(host: Census, tmp_path: Path) -> None:
    ticks: list[tuple[int, int]] = []
    loaded = download.load(
        CA, tmp_path, base=host.url, tick=lambda done, total, _text: ticks.append((done, total))
    )
    assert loaded.fresh
    assert loaded.path == tmp_path / "2018" / "1-Year" / "psam_p06.csv"
    assert loaded.path.read_text() == made.text(made.persons(400, replicates=3))
    assert tables(tmp_path) == ["psam_p06.csv", "psam_p06.csv.json"]
    record = json.loads(loaded.path.with_name("psam_p06.csv.json").read_text())
    assert record == loaded.record
    assert record["url"] == f"{host.url}/2018/1-Year/csv_pca.zip"
    assert record["archive"]["bytes"] == len(ARCHIVE)
    assert len(record["table"]["sha256"]) == 64
    assert (len(ARCHIVE), len(ARCHIVE)) in ticks
    again = download.load(CA, tmp_path, base=host.url)
    assert not again.fresh
    assert len(host.asked) == 1


def test_the_package_reads_what_was_loaded(host: Census, tmp_path: Path) -> None:
    folktables = pytest.importorskip("folktables")
    download.load(CA, tmp_path, base=host.url)
    source = folktables.ACSDataSource("2018", "1-Year", "person", root_dir=str(tmp_path))
    assert len(source.get_data(states=["CA"])) == 400


def test_a_load_that_was_cut_off_goes_on_where_it_stopped(host: Census, tmp_path: Path) -> None:
    host.cut = 5000
    error = refused(host, tmp_path)
    assert (error.code, error.permanent) == ("census-cut-off", False)
    assert "psam_p06.csv" not in tables(tmp_path)
    host.cut = None
    assert download.load(CA, tmp_path, base=host.url).fresh
    assert host.asked[-1][1] == "bytes=5000-"
    assert tables(tmp_path) == ["psam_p06.csv", "psam_p06.csv.json"]


@pytest.mark.parametrize("change", ["tag", "ranges", "longer"])
def test_a_file_that_changed_meanwhile_is_loaded_anew(
    host: Census, tmp_path: Path, change: str
) -> None:
    host.cut = 5000
    refused(host, tmp_path)
    host.cut = None
    if change == "tag":
        host.tag = '"two"'
    elif change == "ranges":
        host.ranges = False
    else:
        part = next(tmp_path.rglob(".csv_pca.zip.part"))
        part.write_bytes(b"PK" + b"x" * (len(ARCHIVE) + 10))
    loaded = download.load(CA, tmp_path, base=host.url)
    assert loaded.path.read_text() == made.text(made.persons(400, replicates=3))


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_a_status_is_looked_at(host: Census, tmp_path: Path, status: int) -> None:
    host.status = status
    error = refused(host, tmp_path)
    assert (error.code, error.found) == ("census-status", f"status {status}")
    assert tables(tmp_path) == []


def test_a_missing_file_is_told_from_a_missing_host(host: Census, tmp_path: Path) -> None:
    assert refused(host, tmp_path, census.wanted("TX", 2018)).code == "census-no-file"
    host.shutdown()
    host.server_close()
    assert refused(host, tmp_path).code == "no-census-host"
    assert "cannot be reached" in download.reachable(host.url, timeout=1)


@pytest.mark.parametrize("kind", ["text/html; charset=UTF-8", "application/zip"])
def test_an_error_page_with_status_200_is_not_kept(
    host: Census, tmp_path: Path, kind: str
) -> None:
    host.kind = kind
    host.files["/2018/1-Year/csv_pca.zip"] = b"<html>404 Not Found</html>"
    assert refused(host, tmp_path).code == "census-not-zip"
    assert tables(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        ARCHIVE[:-300],
        ARCHIVE[:3000] + b"\0\0\0\0" + ARCHIVE[3004:],
        made.zipped({"other.csv": "a,b\n1,2\n"}),
        made.zipped({"psam_p06.csv": "a,b\n1,2\n"}),
        made.zipped({"psam_p48.csv": made.text(made.persons(9, state="48"))}),
    ],
)
def test_a_damaged_archive_is_not_kept(host: Census, tmp_path: Path, content: bytes) -> None:
    host.files["/2018/1-Year/csv_pca.zip"] = content
    assert refused(host, tmp_path).code == "census-damaged"
    assert tables(tmp_path) == []


def test_a_redirect_to_another_host_is_not_followed(host: Census, tmp_path: Path) -> None:
    host.redirect = "http://localhost.invalid/csv_pca.zip"
    assert refused(host, tmp_path).code == "census-status"


def test_a_table_changed_since_is_not_taken_for_the_loaded_one(
    host: Census, tmp_path: Path
) -> None:
    path = download.load(CA, tmp_path, base=host.url).path
    path.write_text(path.read_text() + "x")
    assert refused(host, tmp_path).code == "census-changed"


def test_a_table_somebody_put_there_is_taken(tmp_path: Path) -> None:
    made.write_csv(tmp_path / "2018" / "1-Year", made.persons(20, replicates=0))
    loaded = download.load(CA, tmp_path, base="http://127.0.0.1:9")
    assert (loaded.fresh, loaded.record) == (False, {})


def test_it_says_when_it_is_switched_off_or_can_be_used(host: Census, tmp_path: Path) -> None:
    assert download.reachable(host.url) == ""
    assert "switched off" in download.reachable("")
    with pytest.raises(AuditError) as caught:
        download.load(CA, tmp_path, base="")
    assert caught.value.code == "census-off"


def test_the_command_loads_several_states(host: Census, tmp_path: Path, settings: Any) -> None:
    host.files["/2018/1-Year/csv_ptx.zip"] = made.zipped(
        {"psam_p48.csv": made.text(made.persons(30, state="48"))}
    )
    settings.CENSUS_URL = host.url
    out = StringIO()
    call_command("acs", "CA,TX", "2018", "--folder", str(tmp_path), stdout=out)
    lines = out.getvalue().strip().split("\n")
    assert [line.split("  ")[0] for line in lines] == [
        str(tmp_path / "2018" / "1-Year" / name) for name in ("psam_p06.csv", "psam_p48.csv")
    ]
    assert all("loaded, sha256 " in line for line in lines)
    with pytest.raises(CommandError) as caught:
        call_command("acs", "NY", "2018", "--folder", str(tmp_path))
    assert caught.value.returncode == 2
    assert "has no file csv_pny.zip" in str(caught.value)


def test_the_default_address_is_that_of_the_settings(settings: Any) -> None:
    assert settings.CENSUS_URL == download.BASE
