"""What a profile says about a table: kinds, words, guesses, and a draft of the audit."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditapp.datasets import codebooks, joint, sizes
from auditapp.datasets.groups import attribute
from auditapp.datasets.inspect import inspect
from auditapp.datasets.suggest import age_cuts, favourable_values, may_be_feature, plan_defaults
from auditapp.datasets.table import Table

Profile = dict[str, Any]
Make = Callable[[dict[str, list[Any]]], Profile]

N = 240


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Profile a table given as columns of values, through CSV."""

    def run(columns: dict[str, list[Any]]) -> Profile:
        rows = zip(*columns.values(), strict=True)
        lines = [",".join(f'"{cell}"' for cell in row) for row in [tuple(columns), *rows]]
        source = tmp_path / "source"
        source.write_text("\n".join(lines) + "\n")
        return inspect(source, "loan_data.csv", tmp_path / "out")

    return run


def named(profile: Profile) -> dict[str, dict[str, Any]]:
    return {column["name"]: column for column in profile["columns"]}


def guesses(profile: Profile) -> dict[str, str]:
    return {column["name"]: column["guess"] for column in profile["columns"]}


def cycle(*values: Any, n: int = N) -> list[Any]:
    return [values[i % len(values)] for i in range(n)]


@pytest.fixture
def loans() -> dict[str, list[Any]]:
    dice = random.Random(1)
    words = ["asked", "for", "a", "loan", "to", "buy", "house", "car", "and", "land", "again"]
    return {
        "row_id": list(range(N)),
        "applicant": [f"AB-{i:05d}" for i in range(N)],
        "household_id": [f"H{i // 2}" for i in range(N)],
        "gender": cycle("female", "male", "Female"),
        "race": cycle("White", "Black", "Asian", ""),
        "age": [dice.randint(18, 80) for _ in range(N)],
        "amount": [round(dice.uniform(1_000, 9_000), 2) for _ in range(N)],
        "purpose": cycle("car", "house", "other"),
        "remarks": [" ".join(dice.sample(words, 7)) for _ in range(N)],
        "email": [f"p{i}@example.org" for i in range(N)],
        "branch": cycle("north"),
        "unused": cycle(""),
        "approved": cycle("yes", "no", "no"),
        "model_score": [round(dice.random(), 3) for _ in range(N)],
        "sample_weight": [round(dice.uniform(0.5, 2), 2) for _ in range(N)],
    }


def test_it_tells_the_kinds_of_columns_apart(make: Make, loans: dict[str, list[Any]]) -> None:
    profile = make(loans)
    kinds = {name: column["kind"] for name, column in named(profile).items()}
    assert kinds == {
        "row_id": "identifier",
        "applicant": "identifier",
        "household_id": "categorical",
        "gender": "categorical",
        "race": "categorical",
        "age": "numeric",
        "amount": "numeric",
        "purpose": "categorical",
        "remarks": "text",
        "email": "identifier",
        "branch": "constant",
        "unused": "empty",
        "approved": "binary",
        "model_score": "numeric",
        "sample_weight": "numeric",
    }
    race = named(profile)["race"]
    assert (race["missing"], race["distinct"]) == (60, 3)
    assert race["top"][0] == {"value": "Asian", "n": 60}
    assert race["histogram"] == [60, 60, 60]


def test_it_guesses_roles_and_says_why(make: Make, loans: dict[str, list[Any]]) -> None:
    profile = make(loans)
    assert guesses(profile) == {
        "row_id": "unused",
        "applicant": "identifier",
        "household_id": "identifier",
        "gender": "sensitive",
        "race": "sensitive",
        "age": "sensitive",
        "amount": "feature",
        "purpose": "feature",
        "remarks": "unused",
        "email": "unused",
        "branch": "unused",
        "unused": "unused",
        "approved": "label",
        "model_score": "score",
        "sample_weight": "weight",
    }
    assert all(column["why"] for column in profile["columns"])


def test_values_of_texts_names_and_identifiers_are_never_in_a_profile(
    make: Make, loans: dict[str, list[Any]]
) -> None:
    profile = make(loans)
    shown = str(profile)
    assert "@example.org" not in shown
    assert "AB-000" not in shown
    assert loans["remarks"][0] not in shown
    assert "personal-data" in [n["code"] for n in profile["notices"]]


def test_capital_letters_that_split_a_group_are_said(
    make: Make, loans: dict[str, list[Any]]
) -> None:
    notices = [n for n in make(loans)["notices"] if n["code"] == "case-variants"]
    assert [n["column"] for n in notices] == ["gender"]


def test_the_draft_follows_from_the_guesses(make: Make, loans: dict[str, list[Any]]) -> None:
    draft = plan_defaults(make(loans))
    assert draft["label"] == {"column": "approved", "favourable": ["yes"]}
    assert draft["decision"] is None
    assert draft["score"] == {"column": "model_score", "favourable": True, "low": 0.0, "high": 1.0}
    assert draft["model"] == {"kind": "columns", "estimator": None}
    assert draft["unit"] == "household_id"
    assert draft["features"] == ["amount", "purpose"]
    assert draft["about"]["title"] == "Loan data"
    by_column = {spec["column"]: spec for spec in draft["attributes"]}
    assert list(by_column) == ["race", "gender", "age"]
    assert by_column["age"]["kind"] == "binned"
    assert by_column["age"]["cuts"] == [25.0, 35.0, 45.0, 55.0, 65.0]
    assert by_column["gender"]["title"] == "Gender"


def test_a_zero_one_score_is_a_decision_even_when_constant(make: Make) -> None:
    profile = make({"score": cycle("1.0"), "label_value": cycle(1, 0), "sex": cycle("F", "M")})
    assert guesses(profile) == {"score": "decision", "label_value": "label", "sex": "sensitive"}
    draft = plan_defaults(profile)
    assert draft["decision"] == {"column": "score", "favourable": ["1"]}
    assert draft["model"]["kind"] == "columns"


def test_an_unfavourable_outcome_turns_label_and_decision(make: Make) -> None:
    profile = make(
        {"two_year_recid": cycle(1, 0), "predicted": cycle(1, 0, 0), "sex": cycle("F", "M")}
    )
    draft = plan_defaults(profile)
    assert draft["label"] == {"column": "two_year_recid", "favourable": ["0"]}
    assert draft["decision"] == {"column": "predicted", "favourable": ["0"]}


def test_names_that_only_look_sensitive_are_not(make: Make) -> None:
    profile = make(
        {
            "average_income": [i * 7 % 101 for i in range(N)],
            "WhiteCollar": cycle("yes", "no"),
            "racePctAsian": [i / N for i in range(N)],
            "mortgage": cycle("a", "b"),
            "raceethnicity": cycle("a", "b"),
        }
    )
    assert guesses(profile)["raceethnicity"] == "feature"
    assert "sensitive" not in guesses(profile).values()


def test_wide_tables_start_with_columns_not_used(make: Make) -> None:
    columns = {f"x{i}": cycle(1, 2, 3, n=30) for i in range(45)}
    profile = make({**columns, "sex": cycle("F", "M", n=30), "default": cycle(0, 1, n=30)})
    found = guesses(profile)
    assert found["x1"] == "unused"
    assert (found["sex"], found["default"]) == ("sensitive", "label")
    assert plan_defaults(profile)["label"]["favourable"] == ["0"]
    assert may_be_feature(named(profile)["x1"])
    assert not may_be_feature(named(profile)["default"])


def test_columns_of_one_group_get_words(make: Make) -> None:
    spec = plan_defaults(make({"married": cycle(1, 0), "y": cycle(0, 1, 1)}))["attributes"][0]
    assert spec["words"] == {"1": "Married", "0": "Not Married"}


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("label", ["1", "0"], ["1"]),
        ("hired", ["Yes", "No"], ["Yes"]),
        ("income", ["<=50K", ">50K"], [">50K"]),
        ("deny", ["yes", "no"], ["no"]),
        ("class", ["High", "Low"], ["High"]),
        ("outcome", ["a", "b"], []),
    ],
)
def test_it_guesses_the_favourable_value(
    name: str, values: list[str], expected: list[str]
) -> None:
    column = {"name": name, "top": [{"value": v, "n": 1} for v in values], "distinct": 2}
    assert favourable_values(column) == expected


def test_cuts_stay_inside_the_data() -> None:
    column = {"name": "age", "type": "integer", "kind": "numeric", "words": None}
    assert age_cuts({**column, "min": 18, "max": 50}) == [25.0, 35.0, 45.0]
    assert age_cuts({**column, "name": "share", "type": "number", "min": 0.0, "max": 1.0}) == [
        0.25, 0.5, 0.75,
    ]  # fmt: skip
    assert age_cuts({**column, "kind": "categorical", "min": 15, "max": 22}) == []


ACS = {
    "AGEP": [17 + i % 70 for i in range(N)],
    "COW": cycle(1, 2, 6),
    "SCHL": [1 + i % 24 for i in range(N)],
    "MAR": cycle(1, 5),
    "OCCP": [10 + 10 * (i % 60) for i in range(N)],
    "POBP": [1 + i % 50 for i in range(N)],
    "RELP": cycle(0, 1, 17),
    "WKHP": [1 + i % 80 for i in range(N)],
    "SEX": cycle(1, 2),
    "RAC1P": [1 + i % 9 for i in range(N)],
    "PINCP": cycle(0, 1, 0),
    "PWGTP": [1 + i % 90 for i in range(N)],
}


def test_it_recognises_a_folktables_task(make: Make) -> None:
    profile = make(ACS)
    assert profile["recognised"] == {
        "task": "ACSIncome",
        "title": "ACSIncome from Folktables",
        "matched": 11,
        "of": 11,
        "year": None,
    }
    assert guesses(profile) == {
        **dict.fromkeys(ACS, "feature"),
        "PINCP": "label",
        "RAC1P": "sensitive",
        "SEX": "sensitive",
        "PWGTP": "weight",
    }
    columns = named(profile)
    assert columns["RAC1P"]["words"] == {
        "1": "White",
        "2": "Black",
        "3": "American Indian",
        "4": "Alaska Native",
        "5": "AIAN, other tribes",
        "6": "Asian",
        "7": "Pacific Islander",
        "8": "Some other race",
        "9": "Two or more races",
    }
    assert columns["SEX"]["words"] == {"1": "Men", "2": "Women"}
    assert columns["PINCP"]["title"] == "Income above $50,000"
    assert columns["OCCP"]["kind"] == "categorical"
    assert columns["AGEP"]["title"] == "Age"
    assert plan_defaults(profile)["about"]["outcome"] == "A prediction of income above $50,000"


def test_race_from_zero_is_read_one_up_and_asked_about(make: Make) -> None:
    profile = make({**ACS, "RAC1P": [i % 9 for i in range(N)]})
    words = named(profile)["RAC1P"]["words"]
    assert (words["0"], words["1"], words["8"]) == ("White", "Black", "Two or more races")
    notice = next(n for n in profile["notices"] if n["code"] == "race-from-zero")
    assert notice["level"] == "check"
    assert notice["message"] == ("RAC1P runs from 0 to 8; the Census code book runs from 1 to 9.")
    assert notice["detail"] == (
        "We read 0 as White alone, 1 as Black or African American alone, and so on up to 8."
    )
    assert len(notice["lines"]) == 9
    assert notice["lines"][8] == "8 as Two or More Races"


def test_pairs_of_groups_are_counted_where_two_sensitive_columns_meet(
    make: Make, loans: dict[str, list[Any]]
) -> None:
    profile = make(loans)
    pair = next(p for p in profile["joint"] if p["columns"] == ["race", "gender"])
    expected = Counter(
        (race, gender) for race, gender in zip(loans["race"], loans["gender"], strict=True) if race
    )
    assert {(one, other): n for one, other, n in pair["cells"]} == dict(expected)
    assert sizes.cross_sizes(
        profile,
        {"column": "gender", "words": {"female": "Women", "Female": "Women"}},
        {"column": "race", "words": {}},
    ) == {
        (words, race): sum(
            n
            for (r, gender), n in expected.items()
            if r == race and (gender != "male") == (words == "Women")
        )
        for words in ("Women", "male")
        for race in ("Asian", "Black", "White")
    }


def test_sizes_of_cut_ages_are_those_of_the_audit(
    make: Make, loans: dict[str, list[Any]], tmp_path: Path
) -> None:
    age = named(make(loans))["age"]
    spec = {"column": "age", "kind": "binned", "cuts": [30.0, 31.0, 65.0]}
    words, _, codes = attribute(Table.open(tmp_path / "out"), spec)
    counted = [int((codes == i).sum()) for i in range(len(words))]
    assert sizes.group_sizes(age, spec) == list(zip(words, counted, strict=True))


def test_columns_with_very_many_pairs_are_not_counted_together(tmp_path: Path) -> None:
    n = 4000
    rows = [f"{i % 2},{i % 100},{(i * 7) % 90},{i % 3}" for i in range(n)]
    source = tmp_path / "source"
    source.write_text("\n".join(["hired,age,race,sex", *rows]) + "\n")
    profile = inspect(source, "people.csv", tmp_path / "out")
    assert all(len(pair["cells"]) <= joint.MOST_CELLS for pair in profile["joint"])
    assert ["race", "age"] not in [pair["columns"] for pair in profile["joint"]]


def test_few_census_codes_are_not_taken_for_shifted(make: Make) -> None:
    words = named(make({**ACS, "RAC1P": cycle(1, 2)}))["RAC1P"]["words"]
    assert words == {"1": "White", "2": "Black"}


def test_codes_outside_the_book_are_shown_as_they_are(make: Make) -> None:
    profile = make({**ACS, "MAR": cycle(1, 7), "COW": cycle(0, 1)})
    assert named(profile)["MAR"]["words"] is None
    assert named(profile)["COW"]["words"]["0"] == "Not applicable"
    codes = {n["code"]: n["column"] for n in profile["notices"]}
    assert (codes["codes-unknown"], codes["zero-filled"]) == ("MAR", "COW")


def test_the_new_relationship_column_counts(make: Make) -> None:
    table = {("RELSHIPP" if name == "RELP" else name): v for name, v in ACS.items()}
    profile = make(
        {
            **table,
            "RELSHIPP": cycle(20, 21, 38),
            "SERIALNO": cycle(*(f"2023HU{i // 3:07d}" for i in range(N))),
        }
    )
    assert profile["recognised"]["matched"] == 11
    assert profile["recognised"]["year"] == 2023
    assert guesses(profile)["RELSHIPP"] == "feature"
    assert guesses(profile)["SERIALNO"] == "identifier"


def test_income_in_two_classes_is_the_label(make: Make) -> None:
    profile = make({"hours": cycle(20, 40, 50), "income": cycle("<=50K", ">50K")})
    assert guesses(profile)["income"] == "label"


def test_income_in_dollars_is_no_label(make: Make) -> None:
    profile = make({**ACS, "PINCP": [1_000 * i for i in range(N)]})
    assert profile["recognised"] is None
    assert named(profile)["PINCP"]["title"] == "Personal income"
    assert guesses(profile)["PINCP"] != "label"


def test_codes_need_a_survey_around_them(make: Make) -> None:
    assert named(make({"SEX": cycle(1, 2), "MAR": cycle(1, 5)}))["SEX"]["words"] is None


def test_every_task_uses_known_columns() -> None:
    assert len(codebooks.TASKS) == 8
    for target, features in codebooks.TASKS.values():
        assert len(set(features)) == len(features)
        assert target in codebooks.TITLES
        assert set(features) <= set(codebooks.TITLES)


def test_suggestions_are_light_enough_for_the_web_process() -> None:
    code = (
        "import sys\n"
        "from auditapp.datasets import codebooks, lookup, options, sniff, suggest\n"
        "heavy = {'pyarrow', 'pandas', 'numpy', 'scipy', 'sklearn', 'django'}\n"
        "sys.exit(len(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
