"""The name, logo, colour and language of an organisation on its reports."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from auditapp import storage
from auditapp.datasets.logos import HIGHEST, LARGEST, WIDEST, encode
from auditapp.errors import AuditError
from auditapp.models import Event
from auditapp.reports import brand, build
from auditapp.services import branding
from tests.factories import Team, make_team
from tests.report_documents import cached


def picture(kind: str = "PNG", size: tuple[int, int] = (900, 300), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "teal" if mode != "L" else 90).save(out, kind)
    return out.getvalue()


def test_contrast_is_that_of_wcag() -> None:
    assert brand.contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert brand.contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)
    assert brand.contrast("#8A5E17", "#FFFFFF") == pytest.approx(5.68, abs=0.01)


@pytest.mark.parametrize("colour", ["#FFFF00", "#00FF00", "#FFFFFF", "#777777", "#123456"])
def test_the_nearest_colour_can_be_read_on_every_ground_of_its_theme(colour: str) -> None:
    assert brand.readable(brand.nearest(colour))
    assert brand.readable(brand.nearest(colour, dark=True), dark=True)


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert brand.nearest("#8a5e17") == "#8A5E17"


def test_a_logo_is_made_small_and_keeps_nothing_but_pixels() -> None:
    data = picture("JPEG", (3000, 3000))
    made, width, height = encode(data + b"<script>")
    assert (width, height) == (HIGHEST, HIGHEST)
    assert width <= WIDEST
    assert len(made) <= LARGEST
    assert b"script" not in made
    with Image.open(io.BytesIO(made)) as opened:
        assert opened.format == "PNG"
        assert not opened.info


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + bytes(40),
        b"%PDF-1.7",
        b"",
        b"\x89PNG\r\n\x1a\n" + bytes(60),
        picture()[:-40],
        picture("WEBP"),
    ],
)
def test_what_is_no_png_or_jpeg_is_refused(data: bytes) -> None:
    with pytest.raises(AuditError) as refused:
        encode(data)
    assert refused.value.code == "logo-refused"


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(AuditError):
        encode(picture(size=(6000, 4000), mode="L"))


@pytest.mark.parametrize(
    "given",
    [
        None,
        "x",
        {},
        {"accent": "red;}", "logo": "javascript:alert(1)", "organisation": ""},
        {"logo": base64.b64encode(b"<svg/>").decode()},
        {"logo": "A" * 10**6},
        {"logo": 3},
    ],
)
def test_nothing_strange_in_a_document_becomes_a_brand(given: Any) -> None:
    assert brand.of_run({"brand": given}) is None


def _document(**run: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(cached(n=800)))
    document["run"].update(run)
    return document


def test_a_report_carries_name_logo_and_colour(tmp_path: Path) -> None:
    logo = base64.b64encode(encode(picture())[0]).decode()
    look = {"organisation": "Office <b> *Typst* #x", "accent": "#FFEE00", "logo": logo}
    build.build(_document(brand=look), tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["brand"]["organisation"] == look["organisation"]
    assert brand.readable(report["brand"]["accent"])
    assert report["brand"]["logo"].startswith("data:image/png;base64,")
    with pikepdf.open(tmp_path / "report.pdf") as pdf:
        images = pdf.pages[0].get_images()
        assert len(images) >= 1
        assert "/StructTreeRoot" in pdf.Root


def test_a_brand_changes_neither_hash_nor_table(tmp_path: Path) -> None:
    plain = build.build(_document(), tmp_path / "plain")
    named = build.build(_document(brand={"organisation": "Office"}), tmp_path / "named")
    assert plain["hash"] == named["hash"]
    tables = [(tmp_path / name / "tables.csv").read_bytes() for name in ("plain", "named")]
    assert tables[0] == tables[1]
    assert "brand" not in json.loads((tmp_path / "plain" / "report.json").read_text())


@pytest.fixture
def team(client: Client) -> Team:
    found = make_team()
    client.force_login(found.alice)
    return found


def _save(client: Client, **fields: Any) -> Any:
    data = {"organisation": "", "accent": "", "language": "en", **fields}
    return client.post(reverse("workspace-settings"), data)


@pytest.mark.django_db
def test_an_owner_sets_the_look_of_new_reports(client: Client, team: Team) -> None:
    file = SimpleUploadedFile("logo.png", picture())
    answer = _save(
        client, organisation="Riverside Office", accent="005c6e", language="es", logo=file
    )
    assert answer.status_code == 302
    team.workspace.refresh_from_db()
    assert team.workspace.accent == "#005C6E"
    run = branding.of_run(team.workspace)
    assert run["language"] == "es"
    assert run["brand"]["organisation"] == "Riverside Office"
    assert brand.logo_bytes(run["brand"]) == storage.absolute(team.workspace.logo).read_bytes()
    assert "data:image/png;base64," in client.get(reverse("workspace-settings")).content.decode()
    event = Event.objects.latest("sequence")
    assert event.verb == "changed the look of reports"
    assert event.detail["logo"] == "set"


@pytest.mark.django_db
def test_a_plain_workspace_adds_nothing_to_a_run(team: Team) -> None:
    assert branding.of_run(team.workspace) == {}


@pytest.mark.django_db(transaction=True)
def test_a_logo_can_be_taken_away(client: Client) -> None:
    team = make_team()
    client.force_login(team.alice)
    _save(client, logo=SimpleUploadedFile("logo.jpg", picture("JPEG")))
    team.workspace.refresh_from_db()
    stored = storage.absolute(team.workspace.logo)
    assert stored.is_file()
    _save(client, remove_logo="on")
    team.workspace.refresh_from_db()
    assert team.workspace.logo == ""
    assert not stored.exists()
    assert "data:image" not in client.get(reverse("workspace-settings")).content.decode()


@pytest.mark.django_db
def test_a_colour_nobody_can_read_is_refused_with_the_nearest(client: Client, team: Team) -> None:
    page = _save(client, accent="#FFD200")
    assert page.status_code == 422
    text = page.content.decode()
    assert "the nearest that has it is #" in text
    team.workspace.refresh_from_db()
    assert team.workspace.accent == ""


@pytest.mark.django_db
@pytest.mark.parametrize("accent", ["red", "#12345", "#12345G", "url(x)"])
def test_what_is_no_colour_is_refused(client: Client, team: Team, accent: str) -> None:
    assert _save(client, accent=accent).status_code == 422


@pytest.mark.django_db
def test_a_drawing_with_scripts_is_refused_and_nothing_kept(client: Client, team: Team) -> None:
    file = SimpleUploadedFile("logo.png", b"<svg onload='alert(1)'/>", "image/png")
    page = _save(client, organisation="Office", logo=file)
    assert page.status_code == 422
    assert (
        "Choose a PNG or JPEG picture" in page.content.decode() or "SVG" in page.content.decode()
    )
    team.workspace.refresh_from_db()
    assert team.workspace.organisation == ""


@pytest.mark.django_db
def test_only_owners_see_the_page(client: Client) -> None:
    team = make_team()
    client.force_login(team.bob)
    assert client.get(reverse("workspace-settings")).status_code == 403
    assert _save(client, organisation="Mine").status_code == 403
