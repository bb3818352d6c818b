"""Words for the codes of the American Community Survey public-use files, and plain titles.

Code lists follow the Census Bureau's PUMS data dictionaries of 2018 and 2023, shortened to words
that fit a chart. Keys are codes without leading zeros.
"""

from __future__ import annotations

from auditapp.datasets.pums_states import NAMES


def _numbered(words: str, *, start: int = 1) -> dict[str, str]:
    return {str(i): word.strip() for i, word in enumerate(words.split("|"), start=start)}


_YES_NO = {"1": "Yes", "2": "No"}
_FLAG = {"0": "No", "1": "Yes"}

RACE = _numbered(
    "White|Black|American Indian|Alaska Native|AIAN, other tribes|Asian|Pacific Islander|"
    "Some other race|Two or more races"
)
RACE_LONG = _numbered(
    "White alone|Black or African American alone|American Indian alone|Alaska Native alone|"
    "American Indian and Alaska Native, other or unspecified tribes|Asian alone|"
    "Native Hawaiian and Other Pacific Islander alone|Some Other Race alone|Two or More Races"
)

CODES: dict[str, dict[str, str]] = {
    "RAC1P": RACE,
    "SEX": _numbered("Men|Women"),
    "SCHL": _numbered(
        "No schooling|Nursery school|Kindergarten|Grade 1|Grade 2|Grade 3|Grade 4|Grade 5|"
        "Grade 6|Grade 7|Grade 8|Grade 9|Grade 10|Grade 11|Grade 12, no diploma|"
        "High school diploma|GED or alternative|Some college, under 1 year|"
        "Some college, no degree|Associate's degree|Bachelor's degree|Master's degree|"
        "Professional degree|Doctorate"
    ),
    "MAR": _numbered("Married|Widowed|Divorced|Separated|Never married"),
    "MSP": _numbered(
        "Married, spouse present|Married, spouse absent|Widowed|Divorced|Separated|Never married"
    ),
    "COW": _numbered(
        "Private for-profit|Private not-for-profit|Local government|State government|"
        "Federal government|Self-employed, not incorporated|Self-employed, incorporated|"
        "Unpaid family worker|Unemployed or never worked"
    ),
    "RELP": _numbered(
        "Reference person|Husband or wife|Biological child|Adopted child|Stepchild|Sibling|"
        "Parent|Grandchild|Parent-in-law|Child-in-law|Other relative|Roomer or boarder|"
        "Housemate|Unmarried partner|Foster child|Other nonrelative|Institutional quarters|"
        "Other group quarters",
        start=0,
    ),
    "RELSHIPP": _numbered(
        "Reference person|Opposite-sex spouse|Opposite-sex partner|Same-sex spouse|"
        "Same-sex partner|Biological child|Adopted child|Stepchild|Sibling|Parent|Grandchild|"
        "Parent-in-law|Child-in-law|Other relative|Housemate|Foster child|Other nonrelative|"
        "Institutional quarters|Other group quarters",
        start=20,
    ),
    "ESR": _numbered(
        "Employed, at work|Employed, not at work|Unemployed|Armed forces, at work|"
        "Armed forces, not at work|Not in labor force"
    ),
    "CIT": _numbered(
        "Born in the U.S.|Born in a U.S. territory|Born abroad of U.S. parents|"
        "Naturalized citizen|Not a U.S. citizen"
    ),
    "NATIVITY": _numbered("Native|Foreign born"),
    "ANC": {**_numbered("Single|Multiple|Unclassified|Not reported"), "8": "Withheld"},
    **dict.fromkeys(("ST", "STATE"), NAMES),
    "DIS": _numbered("With a disability|Without a disability"),
    "MIG": _numbered("Same house a year ago|Abroad a year ago|Another U.S. house a year ago"),
    "MIL": _numbered("On active duty|On active duty in the past|Training only|Never served"),
    "HISP": _numbered(
        "Not Hispanic|Mexican|Puerto Rican|Cuban|Dominican|Costa Rican|Guatemalan|Honduran|"
        "Nicaraguan|Panamanian|Salvadoran|Other Central American|Argentinean|Bolivian|Chilean|"
        "Colombian|Ecuadorian|Paraguayan|Peruvian|Uruguayan|Venezuelan|Other South American|"
        "Spaniard|Other Hispanic"
    ),
    "ESP": _numbered(
        "Both parents in labor force|Father only in labor force|Mother only in labor force|"
        "Neither parent in labor force|With father, in labor force|"
        "With father, not in labor force|With mother, in labor force|"
        "With mother, not in labor force"
    ),
    "ENG": _numbered("Very well|Well|Not well|Not at all"),
    "LANX": _numbered("Speaks another language|Speaks only English"),
    "SCH": _numbered("Not attending|Public school or college|Private school or home school"),
    "WKL": _numbered("Within 12 months|1 to 5 years ago|Over 5 years ago or never"),
    "WAOB": _numbered(
        "U.S. state|U.S. island area|Latin America|Asia|Europe|Africa|Northern America|"
        "Oceania and at sea"
    ),
    "JWTR": _numbered(
        "Car, truck or van|Bus|Streetcar|Subway or elevated|Railroad|Ferryboat|Taxicab|"
        "Motorcycle|Bicycle|Walked|Worked at home|Other method"
    ),
    "JWTRNS": _numbered(
        "Car, truck or van|Bus|Subway or elevated rail|Commuter rail|Light rail|Ferryboat|"
        "Taxicab|Motorcycle|Bicycle|Walked|Worked from home|Other method"
    ),
    "PUBCOV": _numbered("With public coverage|Without public coverage"),
    "PRIVCOV": _numbered("With private coverage|Without private coverage"),
    "HICOV": _numbered("With health insurance|Without health insurance"),
    **dict.fromkeys(("DEAR", "DEYE", "DREM", "DPHY", "DOUT", "DDRS", "FER", "GCL"), _YES_NO),
    **{f"HINS{i}": _YES_NO for i in range(1, 8)},
    **dict.fromkeys(("RACAIAN", "RACASN", "RACBLK", "RACNH", "RACPI", "RACSOR", "RACWHT"), _FLAG),
}

NOT_ASKED = "Not applicable"
"""Word for 0 where a source filled blanks with 0 and the code book has no 0."""

BLANKS = frozenset(
    {"COW", "ESR", "ESP", "MIL", "FER", "GCL", "ENG", "LANX", "SCH", "WKL", "JWTR", "JWTRNS"}
    | {"MIG", "DREM", "DPHY", "DOUT", "DDRS", "MSP", "SCHL"}
)
"""Coded columns in which the Census leaves blanks, so that a 0 can stand for one."""

CODED = frozenset(CODES) | {
    *("OCCP", "POBP", "INDP", "PUMA", "POWPUMA", "ST", "STATE", "ANC", "ANC1P", "FOD1P"),
    *("TYPE", "REGION", "DIVISION", "NAICSP", "SOCP"),
}
"""Columns whose numbers are codes, even where there are many."""

TITLES: dict[str, str] = {
    "PINCP": "Personal income",
    "RAC1P": "Race",
    "SEX": "Sex",
    "AGEP": "Age",
    "SCHL": "Schooling",
    "MAR": "Marital status",
    "MSP": "Marital status",
    "COW": "Class of worker",
    "OCCP": "Occupation",
    "INDP": "Industry",
    "POBP": "Place of birth",
    "RELP": "Relationship",
    "RELSHIPP": "Relationship",
    "WKHP": "Hours a week",
    "ESR": "Employment",
    "CIT": "Citizenship",
    "NATIVITY": "Nativity",
    "DIS": "Disability",
    "MIG": "Moved in the past year",
    "MIL": "Military service",
    "HISP": "Hispanic origin",
    "ESP": "Parents' employment",
    "ENG": "English",
    "LANX": "Language at home",
    "SCH": "School enrollment",
    "WKL": "Last worked",
    "WAOB": "Area of birth",
    "JWTR": "Way to work",
    "JWTRNS": "Way to work",
    "JWMNP": "Minutes to work",
    "POVPIP": "Income to poverty ratio",
    "PUBCOV": "Public health coverage",
    "PRIVCOV": "Private health coverage",
    "HICOV": "Health insurance",
    "HINS2": "Insurance bought directly",
    "DEAR": "Hearing difficulty",
    "DEYE": "Vision difficulty",
    "DREM": "Cognitive difficulty",
    "DPHY": "Walking difficulty",
    "DOUT": "Difficulty going out",
    "DDRS": "Self-care difficulty",
    "FER": "Gave birth in the past year",
    "GCL": "Lives with grandchildren",
    "ANC": "Ancestry",
    "ST": "State",
    "STATE": "State",
    "PUMA": "Area (PUMA)",
    "POWPUMA": "Area of work (PUMA)",
    "PWGTP": "Person weight",
    "WGTP": "Household weight",
    "SERIALNO": "Household number",
    "SPORDER": "Person number",
    "ADJINC": "Income adjustment",
    "INCOME_ABOVE_50K": "Income above $50,000",
    "RACAIAN": "American Indian or Alaska Native",
    "RACASN": "Asian",
    "RACBLK": "Black",
    "RACNH": "Native Hawaiian",
    "RACPI": "Pacific Islander",
    "RACSOR": "Some other race",
    "RACWHT": "White",
}

BINARY_TITLES: dict[str, str] = {
    "PINCP": "Income above $50,000",
    "PUBCOV": "Has public health coverage",
    "MIG": "Same house as a year ago",
    "ESR": "Employed",
    "JWMNP": "More than 20 minutes to work",
    "HINS2": "Buys insurance directly",
    "POVPIP": "Income under 250% of poverty",
}
"""Titles of the columns that Folktables tasks turn into 0 and 1."""
