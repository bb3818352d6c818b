"""Census public-use files as they come: bare, packed, from several states and years, and odd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from auditapp.datasets import pums
from auditapp.datasets.inspect import child_main, inspect, inspect_several
from auditapp.datasets.options import ReadOptions
from auditapp.datasets.table import Table
from auditapp.errors import AuditError
from tests import pums_fixtures as made


def read(path: Path, out: Path, **options: Any) -> dict[str, Any]:
    return inspect(path, path.name, out, ReadOptions(**options))


def several(out: Path, *paths: Path) -> dict[str, Any]:
    return inspect_several([(path, str(path)) for path in paths], out)


def codes(profile: dict[str, Any]) -> set[str]:
    return {notice["code"] for notice in profile["notices"]}


def column(profile: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in profile["columns"] if c["name"] == name)


@pytest.mark.parametrize(
    ("name", "record", "year", "state"),
    [
        ("psam_p06.csv", "person", None, "06"),
        ("2017/1-Year/psam_p06.csv", "person", 2017, "06"),
        ("psam_pusb.csv", "person", None, None),
        ("ss16pca.csv", "person", 2016, "06"),
        ("ss14hny.csv", "housing", 2014, "36"),
        ("csv_pdc.zip", "person", None, "11"),
        ("csv_hus.zip", "housing", None, None),
        ("people.csv", None, None, None),
        ("PSAM_P48.CSV", "person", None, "48"),
    ],
)
def test_names_say_record_year_and_state(
    name: str, record: str | None, year: int | None, state: str | None
) -> None:
    said = pums.origin(name)
    assert (said.record, said.year, said.state) == (record, year, state)


def test_a_bare_file_is_read_with_the_types_of_the_census(tmp_path: Path) -> None:
    frame = made.persons(500)
    profile = read(made.write_csv(tmp_path, frame), tmp_path / "out")
    survey = profile["survey"]
    assert (profile["rows"], profile["format"]) == (500, "csv")
    assert (survey["record"], survey["years"], survey["horizon"]) == ("person", [2018], "1-Year")
    assert survey["states"] == [{"code": "6", "name": "California"}]
    assert (survey["weight"], survey["household"]) == ("PWGTP", "SERIALNO")
    assert survey["replicates"] == [f"PWGTP{r}" for r in range(1, 81)]
    assert survey["weights"]["total"] == frame["PWGTP"].sum()
    types = {c["name"]: c["type"] for c in profile["columns"]}
    assert types["SERIALNO"] == types["NAICSP"] == types["SOCP"] == "text"
    assert types["PUMA"] == types["OCCP"] == types["PINCP"] == types["ST"] == "integer"
    assert "RT" not in types
    assert "FAGEP" not in types
    assert column(profile, "ST")["words"] == {"6": "California"}
    assert column(profile, "NAICSP")["top"][0]["value"] in {"33MS", "7211", "N"}
    table = Table.open(tmp_path / "out")
    np.testing.assert_array_equal(table.numbers("PINCP"), frame["PINCP"].astype(float))
    np.testing.assert_array_equal(table.numbers("PWGTP80"), frame["PWGTP80"])


def test_an_archive_with_a_readme_is_the_table_in_it(tmp_path: Path) -> None:
    frame = made.persons(300)
    bare = read(made.write_csv(tmp_path, frame), tmp_path / "bare")
    path = made.write_zip(tmp_path / "csv_pca.zip", {"psam_p06.csv": made.text(frame)})
    packed = read(path, tmp_path / "packed")
    assert packed["read"]["compression"] == "zip"
    assert packed["read"]["inner_name"] == "psam_p06.csv"
    assert packed["columns"] == bare["columns"]


def test_several_members_become_one_table(tmp_path: Path) -> None:
    members = {
        "psam_pusa.csv": made.text(made.persons(200, state="06")),
        "psam_pusb.csv": made.text(made.persons(150, state="48")),
    }
    profile = read(made.write_zip(tmp_path / "csv_pus.zip", members), tmp_path / "out")
    assert profile["rows"] == 350
    assert {state["name"] for state in profile["survey"]["states"]} == {"California", "Texas"}
    assert "several-files" in codes(profile)


def test_mixed_years_are_united_with_a_notice(tmp_path: Path) -> None:
    paths = [
        made.write_csv(tmp_path / str(y), made.persons(120, year=y), year=y)
        for y in (2016, 2018, 2022, 2023)
    ]
    profile = several(tmp_path / "out", *paths)
    assert profile["rows"] == 480
    assert profile["survey"]["years"] == [2016, 2018, 2022, 2023]
    notice = next(n for n in profile["notices"] if n["code"] == "mixed-columns")
    assert notice["lines"] == ["JWTR", "JWTRNS", "RELP", "RELSHIPP"]
    assert notice["level"] == "check"
    table = Table.open(tmp_path / "out")
    assert "STATE" not in table.names
    assert np.isnan(table.numbers("RELSHIPP")[:240]).all()
    assert np.unique(table.numbers("YEAR")).tolist() == [2016, 2018, 2022, 2023]
    assert table.codes("SERIALNO")[0][0].startswith("2016-")
    assert len(profile["survey"]["replicates"]) == 80
    assert all(task["computable"] for task in profile["survey"]["tasks"])
    assert [item["name"] for item in profile["files"]][1:3] == ["psam_p06.csv"] * 2
    assert profile["name"] == "ss16pca.csv and 3 more files"


def test_the_year_comes_from_the_folder_or_the_dollars_else_it_is_said_missing(
    tmp_path: Path,
) -> None:
    old = made.persons(80, year=2016)
    folder = made.write_csv(tmp_path / "2017" / "1-Year", old.assign(ADJINC=1), year=2017)
    assert several(tmp_path / "a", folder)["survey"]["years"] == [2017]
    dollars = made.write_csv(tmp_path, old, year=2018)
    assert read(dollars, tmp_path / "b")["survey"]["years"] == [2016]
    nothing = made.write_csv(tmp_path / "x", old.assign(ADJINC=1), year=2018)
    profile = read(nothing, tmp_path / "c")
    assert profile["survey"]["years"] == []
    assert "year-unknown" in codes(profile)


def test_several_years_in_one_file_are_a_five_year_file(tmp_path: Path) -> None:
    frame = pd.concat([made.persons(60, year=y) for y in (2018, 2019)])
    frame = frame.drop(columns=["RELSHIPP", "JWTRNS"])
    profile = read(made.write_csv(tmp_path, frame), tmp_path / "out")
    assert profile["survey"]["horizon"] == "5-Year"
    assert profile["survey"]["years"] == [2018, 2019]
    assert np.unique(Table.open(tmp_path / "out").numbers("YEAR")).tolist() == [2018, 2019]


def test_parquet_and_csv_are_read_together(tmp_path: Path) -> None:
    first = made.write_csv(tmp_path, made.persons(100))
    second = tmp_path / "p_48.parquet"
    other = made.persons(90, year=2024, state="48")
    other.assign(PUMA=other["PUMA"].astype(str)).to_parquet(second)
    profile = several(tmp_path / "out", first, second)
    assert profile["rows"] == 190
    table = Table.open(tmp_path / "out")
    assert np.unique(table.numbers("ST")).tolist() == [6, 48]
    assert np.unique(table.numbers("PUMA")).max() == 800
    assert profile["survey"]["years"] == [2018, 2024]


def test_households_are_suggested_as_units(tmp_path: Path) -> None:
    from auditapp.datasets.suggest import plan_defaults

    profile = read(made.write_csv(tmp_path, made.persons(300)), tmp_path / "out")
    assert plan_defaults(profile)["unit"] == "SERIALNO"


def test_negative_replicates_are_kept_and_said(tmp_path: Path) -> None:
    frame = made.persons(300, negatives=7)
    profile = read(made.write_csv(tmp_path, frame), tmp_path / "out")
    assert profile["survey"]["weights"]["negative_replicates"] == 7
    assert len(profile["survey"]["replicates"]) == 80
    assert "replicate-negative" in codes(profile)
    assert Table.open(tmp_path / "out").numbers("PWGTP1").min() == -7


def test_79_replicates_are_not_used_and_the_fallback_is_said(tmp_path: Path) -> None:
    profile = read(made.write_csv(tmp_path, made.persons(200, replicates=79)), tmp_path / "out")
    assert profile["survey"]["replicates"] == []
    notice = next(n for n in profile["notices"] if n["code"] == "replicates-incomplete")
    assert "PWGTP80 is missing" in notice["message"]
    assert "approximate" in notice["detail"]
    assert notice["level"] == "check"


def test_a_blank_replicate_makes_all_of_them_unused(tmp_path: Path) -> None:
    frame = made.persons(200)
    frame["PWGTP3"] = frame["PWGTP3"].astype("Int64").mask(frame.index == 5)
    profile = read(made.write_csv(tmp_path, frame), tmp_path / "out")
    assert profile["survey"]["replicates"] == []
    assert "replicates-incomplete" in codes(profile)


def test_weights_of_zero_and_none_are_said(tmp_path: Path) -> None:
    frame = made.persons(200)
    frame["PWGTP"] = frame["PWGTP"].astype("Int64")
    frame.loc[:3, "PWGTP"] = 0
    frame.loc[10, "PWGTP"] = pd.NA
    frame.loc[11, "PWGTP"] = 12_000
    profile = read(made.write_csv(tmp_path, frame), tmp_path / "out")
    assert profile["survey"]["weights"]["zero"] == 4
    assert profile["survey"]["weights"]["blank"] == 1
    assert {"weight-zero", "weight-blank", "weight-large"} <= codes(profile)


@pytest.mark.parametrize(("weight", "code"), [(-1, "negative-weight"), (0, "no-weight")])
def test_weights_that_cannot_be_are_refused(tmp_path: Path, weight: int, code: str) -> None:
    frame = made.persons(50).assign(PWGTP=weight)
    with pytest.raises(AuditError) as caught:
        read(made.write_csv(tmp_path, frame), tmp_path / "out")
    assert caught.value.code == code
    assert not (tmp_path / "out").exists()


def test_a_person_who_is_there_twice_is_refused_with_examples(tmp_path: Path) -> None:
    frame = made.persons(300)
    twice = pd.concat([frame, frame.iloc[[7, 9]]])
    with pytest.raises(AuditError) as caught:
        read(made.write_csv(tmp_path, twice), tmp_path / "out")
    assert caught.value.code == "duplicate-persons"
    assert "2 rows name a person" in caught.value.message
    assert str(frame["SERIALNO"][7]) in caught.value.found


def test_the_same_file_twice_is_refused_with_a_hint(tmp_path: Path) -> None:
    path = made.write_csv(tmp_path, made.persons(100))
    with pytest.raises(AuditError, match="earlier row") as caught:
        several(tmp_path / "out", path, path)
    assert "Give every file once" in caught.value.hint


def test_n_for_blank_is_understood_wherever_it_begins(tmp_path: Path) -> None:
    plain = made.persons(300)
    frame = plain.drop(columns=["NAICSP"]).astype(object)
    marked = frame.where(frame.notna(), "N")
    late = made.text(frame.iloc[:290]) + made.text(marked.iloc[290:]).split("\n", 1)[1]
    for name, content in (("a", made.text(marked)), ("b", late)):
        path = tmp_path / name / "psam_p06.csv"
        path.parent.mkdir()
        path.write_text(content)
        profile = read(path, tmp_path / name / "out")
        assert column(profile, "PINCP")["type"] == "integer"
        assert column(profile, "PINCP")["missing"] == int(plain["PINCP"].isna().sum())
    assert "not-asked" in codes(profile)


def test_decimals_and_text_late_in_a_file_widen_a_column(tmp_path: Path) -> None:
    frame = made.persons(4000).astype({"POVPIP": object, "HISP": object})
    frame.loc[3998, "POVPIP"] = 12.5
    frame.loc[3999, "HISP"] = "zz"
    profile = read(made.write_csv(tmp_path, frame), tmp_path / "out")
    assert column(profile, "POVPIP")["type"] == "number"
    assert column(profile, "HISP")["type"] == "text"


def test_spaces_as_in_early_files_are_blanks(tmp_path: Path) -> None:
    text = made.text(made.persons(100)).replace(",,", ",   ,").replace(",,", ", ,")
    path = tmp_path / "psam_p06.csv"
    path.write_text(text)
    profile = read(path, tmp_path / "out")
    assert column(profile, "PINCP")["type"] == "integer"
    assert column(profile, "OCCP")["missing"] > 0


def test_a_damaged_census_file_is_refused_by_its_row(tmp_path: Path) -> None:
    path = made.write_csv(tmp_path, made.persons(100))
    path.write_text(path.read_text() + "P,2018HU0000999,9,1\n")
    with pytest.raises(AuditError) as caught:
        read(path, tmp_path / "out")
    assert caught.value.code == "ragged-rows"
    good = made.write_csv(tmp_path / "b", made.persons(50, state="48"), state="48")
    with pytest.raises(AuditError) as many:
        several(tmp_path / "out", good, path)
    assert many.value.code == "census-file-odd"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!DOCTYPE html><html><title>404 Not Found</title>", "a web page"),
        (b"<html><head><title>404</title></head></html>", "a web page"),
        (b"\n\n  <HTML>not found</HTML>", "a web page"),
        (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "a web page"),
        (b"404 Not Found\nnginx\n", "no zip file"),
    ],
)
def test_an_error_page_saved_as_an_archive_is_named_for_what_it_is(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "csv_pca.zip"
    path.write_bytes(content)
    with pytest.raises(AuditError, match=says) as caught:
        read(path, tmp_path / "out")
    assert caught.value.code == "not-a-zip"
    assert "address" in caught.value.hint


def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = made.write_zip(tmp_path / "csv_pca.zip", {"psam_p06.csv": made.text(made.persons(300))})
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(AuditError) as caught:
        read(path, tmp_path / "out")
    assert caught.value.code == "truncated-file"


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    members = {
        f"psam_pus{c}.csv": made.text(made.persons(200, replicates=0, seed=i))
        for i, c in enumerate("ab")
    }
    path = made.write_zip(tmp_path / "csv_pus.zip", members)
    with pytest.raises(AuditError) as caught:
        read(path, tmp_path / "out", max_expanded=len(members["psam_pusa.csv"]) + 10)
    assert caught.value.code == "over-the-limit"


def test_a_locked_archive_is_refused(tmp_path: Path) -> None:
    path = made.write_zip(tmp_path / "csv_pca.zip", {"psam_p06.csv": "x,y\n"}, readme=False)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(bytes(content))
    with pytest.raises(AuditError) as caught:
        read(path, tmp_path / "out")
    assert caught.value.code == "encrypted-file"


def test_persons_and_housing_units_are_not_one_table(tmp_path: Path) -> None:
    persons = made.write_csv(tmp_path, made.persons(50))
    housing = tmp_path / "psam_h06.csv"
    housing.write_text(made.text(made.housing(60)))
    with pytest.raises(AuditError, match="holds persons and") as caught:
        several(tmp_path / "out", persons, housing)
    assert caught.value.code == "persons-and-housing"
    profile = read(housing, tmp_path / "out")
    assert profile["survey"]["weight"] == "WGTP"
    assert profile["survey"]["record"] == "housing"
    assert len(profile["survey"]["replicates"]) == 80


def test_other_tables_are_not_read_as_one(tmp_path: Path) -> None:
    persons = made.write_csv(tmp_path, made.persons(50))
    other = tmp_path / "people.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(AuditError, match="no Census") as caught:
        several(tmp_path / "out", persons, other)
    assert caught.value.code == "several-tables"


def test_a_dictionary_beside_the_table_turns_codes_into_words(tmp_path: Path) -> None:
    book = made.dictionary(
        {
            "OCCP": ("Occupation recode", {"0020": "MGR-General", "0440": "MGR-Other"}),
            "DIVISION": ("Division code", {"9": "Pacific"}),
            "SEX": ("Sex", {"1": "Male", "2": "Female"}),
        }
    )
    members = {"psam_p06.csv": made.text(made.persons(200)), "PUMS_Data_Dictionary_2018.csv": book}
    profile = read(made.write_zip(tmp_path / "csv_pca.zip", members), tmp_path / "out")
    assert column(profile, "OCCP")["words"] == {"20": "MGR-General", "440": "MGR-Other"}
    assert column(profile, "DIVISION")["title"] == "Division code"
    assert column(profile, "SEX")["words"] == {"1": "Men", "2": "Women"}
    (tmp_path / "d.csv").write_text(book)
    path = made.write_csv(tmp_path, made.persons(200))
    again = several(tmp_path / "two", path, tmp_path / "d.csv")
    assert column(again, "OCCP")["words"] == column(profile, "OCCP")["words"]


def test_a_census_table_read_by_hand_is_an_ordinary_one(tmp_path: Path) -> None:
    path = made.write_csv(tmp_path, made.persons(100))
    profile = read(path, tmp_path / "out", encoding="utf-8")
    assert column(profile, "PUMA")["type"] == "text"
    assert profile["survey"]["record"] == "person"


def test_the_child_takes_several_sources(tmp_path: Path) -> None:
    first = made.write_csv(tmp_path / "2018", made.persons(50))
    second = made.write_csv(tmp_path / "2022", made.persons(50, year=2022), year=2022)
    payload = {
        "source": str(first),
        "name": str(first),
        "more": [{"source": str(second), "name": str(second)}],
        "out": str(tmp_path / "out"),
    }
    assert child_main(payload, lambda *_a, **_k: None)["rows"] == 100


def test_tables_without_weights_have_no_survey(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("sex,label\n1,0\n2,1\n")
    assert "survey" not in read(path, tmp_path / "out")


def test_a_table_with_columns_of_ones_own_keeps_its_names(tmp_path: Path) -> None:
    frame = made.persons(60, state="06").rename(columns={"ST": "STATE"})
    frame["above"] = (frame.pop("PINCP").fillna(0) > 30_000).astype(int)
    profile = read(made.write_csv(tmp_path, frame), tmp_path / "out")
    assert {"above", "STATE"} <= {c["name"] for c in profile["columns"]}
