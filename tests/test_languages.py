"""Pages and reports in another language: nothing untranslated, no number changed."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import translation

from auditapp.reports import build, language, phrases, sections
from auditapp.reports.numbers import count, decimal, p_value, percent, plural, points
from auditapp.services.accounts import language_change
from auditapp.templatetags import ui
from tests import catalogue
from tests.factories import make_team
from tests.report_documents import cached

HOLES = re.compile(r"{\w*(?:[!:][^{}]*)?}|%\(\w+\)[sd]")
TAGS = re.compile(r"</?\w+>")
#: Words of the audited file and of the auditor, which stay as they are.
GIVEN = re.compile(
    r"[Ii]n work in the United|more than \$50,000|above \$50,000|Riverside|American|Pacific|race|"
    r"sha256|no decision"
)
COUNTED = re.compile(r'\|plural:"([^",]+),([^"]+)"')


def test_every_marked_text_has_a_spanish_one() -> None:
    said = catalogue.compiled()
    marked = {**catalogue.of_code(), **catalogue.of_templates()}
    silent = {text: where for text, where in marked.items() if not all(said.get(text, ("",)))}
    assert not silent, f"make messages, then translate: {silent}"


def test_the_compiled_catalogue_is_that_of_the_text_file() -> None:
    assert catalogue.compiled() == {k: v for k, v in catalogue.entries().items() if all(v)}


def test_a_translation_fills_in_what_the_text_fills_in() -> None:
    for text, said in catalogue.entries().items():
        holes = set(HOLES.findall(text.split(catalogue.BETWEEN)[-1]))
        for words in said:
            if len(said) == 1:
                assert set(HOLES.findall(words)) == holes, text
            assert set(HOLES.findall(words)) <= holes or len(said) > 1, text
            assert sorted(TAGS.findall(words)) == sorted(TAGS.findall(text)), text


def test_the_nouns_that_templates_count_are_listed() -> None:
    pairs = {
        pair
        for path in (catalogue.ROOT / "templates").rglob("*.html")
        for pair in COUNTED.findall(path.read_text(encoding="utf-8"))
    }
    assert pairs
    for one, many in pairs:
        assert len(catalogue.compiled().get(one, ())) == 2, f"{one}, {many}: templatetags/plurals"


def test_the_nouns_that_translated_chapters_count_are_listed() -> None:
    folder = catalogue.ROOT / "auditapp" / "reports"
    modules = [folder / "sections" / f"{name}.py" for name in sections.TRANSLATED]
    modules += [folder / f"{name}.py" for name in ("words", "headlines", "tables", "figures")]
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "plural"
            if named and isinstance(node.args[1], ast.Constant):
                noun = str(node.args[1].value)
                assert len(catalogue.compiled().get(noun, ())) == 2, f"{noun}: reports/counted"


def test_numbers_are_punctuated_as_the_language_does_it() -> None:
    english = (count(1234), count(12345.0), decimal(0.5), percent(0.345, 1), points(-0.12))
    assert english == ("1,234", "12,345", "0.50", "34.5%", "−12.0")
    with language.speaking("es"):
        spanish = (count(1234), count(12345.0), decimal(0.5), percent(0.345, 1), points(-0.12))
        assert p_value(0.0001) == "p < 0,001"
        assert plural(1, "row") == "1 fila"
        assert plural(12345, "person", "people") == "12\u00a0345 personas"
    assert spanish == ("1234", "12\u00a0345", "0,50", "34,5\u00a0%", "−12,0")
    assert count(12345) == "12,345"


def test_groups_are_named_with_their_article() -> None:
    titles = {"SEX": "Sexo", "AGE": "Edad", "RAC1P": "Raza"}
    with language.speaking("es"):
        assert phrases.people({"SEX": "Mujeres"}, titles) == "las mujeres"
        assert phrases.people({"AGE": "25 a 34", "SEX": "Hombre"}, titles) == (
            "los hombres de 25 a 34 años"
        )
        assert phrases.people({"RAC1P": "White", "SEX": "F"}, titles) == (
            "las personas con raza «White» y sexo «F»"
        )
        assert phrases.people({"RAC1P": "{x} <b>"}, titles) == "las personas con raza «{x} <b>»"
    assert phrases.people({"SEX": "Women"}, {}) == "women"


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() if key != "chart" for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], Path]]:
    found = {}
    for code in language.LANGUAGES:
        document = json.loads(json.dumps(cached(n=3000)))
        document["run"]["language"] = code
        out = tmp_path_factory.mktemp(code)
        made = build.build(document, out)
        found[code] = ({**json.loads((out / "report.json").read_text()), "made": made}, out)
    return found


def test_the_language_changes_no_number_and_no_hash(reports: Any) -> None:
    (english, first), (spanish, second) = reports["en"], reports["es"]
    assert english["hash"] == spanish["hash"]
    assert (first / "tables.csv").read_bytes() == (second / "tables.csv").read_bytes()
    assert english["language"] == "en"
    assert spanish["language"] == "es"


def test_an_english_report_says_nothing_of_languages(reports: Any) -> None:
    assert not any("language" in section for section in reports["en"][0]["sections"])


def test_the_main_chapters_speak_spanish(reports: Any) -> None:
    made = {section["slug"]: section for section in reports["es"][0]["sections"]}
    for slug in made.keys() & sections.TRANSLATED:
        assert "language" not in made[slug], f"a text of {slug} has no translation"
    english = {text for text in _texts(reports["en"][0]["sections"]) if text.count(" ") > 3}
    same = english & set(_texts(list(made.values())))
    # What the auditor and the file say stays as they say it.
    assert not {text for text in same if not GIVEN.search(text)}
    said = " ".join(_texts(list(made.values())))
    assert made["answer"]["title"] == "La respuesta"
    assert "Diferencia detectada" in said
    assert "34,5" in said or re.search(r"\d,\d", said)


def test_the_pdf_says_its_language(reports: Any) -> None:
    import pikepdf

    with pikepdf.open(reports["es"][1] / "report.pdf") as pdf:
        assert str(pdf.Root.Lang).startswith("es")
    with pikepdf.open(reports["en"][1] / "report.pdf") as pdf:
        assert str(pdf.Root.Lang).startswith("en")


def test_a_chapter_without_a_translation_is_english_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sections, "TRANSLATED", sections.TRANSLATED - {"limits"})
    document = json.loads(json.dumps(cached(n=3000)))
    document["run"]["language"] = "es"
    build.build(document, tmp_path)
    made = json.loads((tmp_path / "report.json").read_text())["sections"]
    limits = next(section for section in made if section["slug"] == "limits")
    assert limits["language"] == "en"
    assert limits["title"] == "Límites"
    assert "Association" in json.dumps(limits["blocks"])


def test_one_missing_text_is_noticed() -> None:
    with language.speaking("es"), language.noting() as missed:
        assert language.gettext("nobody has translated this") == "nobody has translated this"
        assert language.gettext("Limits") == "Límites"
    assert missed == ["nobody has translated this"]


@pytest.mark.parametrize("code", ["", None, "xx", "../es", 3])
def test_an_unknown_language_is_english(code: Any) -> None:
    assert language.known(code) == "en"


@pytest.mark.django_db
class TestPages:
    """Which language a page is in."""

    @pytest.fixture(autouse=True)
    def _no_old_tries(self) -> None:
        cache.clear()

    def test_a_page_follows_the_browser(self, client: Client) -> None:
        page = client.get(
            reverse("signin"), headers={"accept-language": "es-MX,es;q=0.9,en;q=0.5"}
        )
        assert page["Content-Language"] == "es"
        assert '<html lang="es"' in page.content.decode()
        assert "<title>Iniciar sesión - Evenhand</title>" in page.content.decode()

    @pytest.mark.parametrize("header", ["", "de-DE", "*", "x" * 300, "en;q=0.9,es;q=0.1"])
    def test_without_a_language_of_ours_it_is_english(self, client: Client, header: str) -> None:
        page = client.get(reverse("signin"), headers={"accept-language": header})
        assert '<html lang="en"' in page.content.decode()

    def test_the_foot_of_a_page_switches(self, client: Client) -> None:
        answer = client.post(reverse("language"), {"language": "es", "next": "/docs/"})
        assert answer["Location"] == "/docs/"
        assert '<html lang="es"' in client.get(reverse("signin")).content.decode()
        client.post(reverse("language"), {"language": "tlh"})
        assert '<html lang="en"' in client.get(reverse("signin")).content.decode()

    def test_it_leads_nowhere_else(self, client: Client) -> None:
        answer = client.post(
            reverse("language"), {"language": "es", "next": "https://evil.example/"}
        )
        assert answer["Location"] == reverse("home")

    def test_the_account_goes_before_the_browser(self, client: Client) -> None:
        team = make_team()
        client.force_login(team.alice)
        language_change(user=team.alice, language="es")
        page = client.get(reverse("account"), headers={"accept-language": "en"})
        assert "Nombre y contraseña" in page.content.decode()

    def test_programs_are_answered_in_english(self, client: Client) -> None:
        answer = client.get("/api/v1/token", headers={"accept-language": "es"})
        assert answer.status_code == 401
        assert "Content-Language" not in answer
        assert "ñ" not in answer.content.decode()

    def test_mistakes_are_told_in_the_language(self, client: Client) -> None:
        page = client.post(
            reverse("signin"), {"email": "", "password": ""}, headers={"accept-language": "es"}
        )
        assert "Escriba su dirección de correo" in page.content.decode()


def test_filters_write_for_the_reader_and_bare_numbers_for_programs() -> None:
    from django.template import Context, Template

    bare = Template('<rect width="{{ w }}"/>{{ n }}')
    with translation.override("es"):
        assert bare.render(Context({"w": 1.5, "n": 12345})) == '<rect width="1.5"/>12345'
        assert ui.thousands(12345) == "12\u00a0345"
        assert ui.percent(0.125) == "12,5\u00a0%"
        assert ui.plural(2, "row,rows") == "2 filas"
    with translation.override("en"):
        assert bare.render(Context({"w": 1.5, "n": 12345})) == '<rect width="1.5"/>12345'
        assert ui.thousands(12345) == "12,345"
        assert ui.percent(0.125) == "12.5%"
        assert ui.plural(2, "row,rows") == "2 rows"


def test_every_text_that_a_script_says_is_handed_to_it() -> None:
    from auditapp.script_words import WORDS

    said = {
        text
        for path in (catalogue.ROOT / "static" / "js").glob("*.js")
        for call in re.findall(
            r"\b(?:say|inWords|sayMany)\(([^)]*)", path.read_text(encoding="utf-8")
        )
        for text in re.findall(r'"([^"]{4,})"', call)
    }
    assert said
    assert said <= set(WORDS)


@pytest.mark.django_db
def test_only_pages_in_another_language_carry_the_words_of_scripts(client: Client) -> None:
    english = client.get(reverse("signin")).content.decode()
    spanish = client.get(reverse("signin"), headers={"accept-language": "es"}).content.decode()
    assert "script-words" not in english
    assert '"Remove {name}": "Quitar {name}"' in spanish
