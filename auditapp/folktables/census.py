"""Files of the Census: what they are called there and here.

``{root}/{year}/{horizon}/psam_p06.csv``; from 2014 to 2016 ``ss16pca.csv``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from auditapp.datasets import pums
from auditapp.datasets.pums_states import NAMES, NUMBERS, POSTAL
from auditapp.errors import AuditError

HORIZONS = ("1-Year", "5-Year")
FIRST_YEAR = 2014


@dataclass(frozen=True)
class Wanted:
    """One file of the Census: a state by its postal code, a year, a horizon, a record type."""

    state: str
    year: int
    horizon: str = "1-Year"
    record: pums.Record = "person"

    @property
    def archive(self) -> str:
        """Name of the archive on the host."""
        return f"csv_{self.record[0]}{self.state.lower()}.zip"

    @property
    def table(self) -> str:
        """Name of the table in it, and of the file that is kept."""
        if self.year >= 2017:
            return f"psam_{self.record[0]}{NUMBERS[self.state]}.csv"
        return f"ss{self.year % 100:02d}{self.record[0]}{self.state.lower()}.csv"

    def folder(self, root: Path) -> Path:
        """Where the folktables package looks for it."""
        return root / str(self.year) / self.horizon

    def url(self, base: str) -> str:
        """Its address."""
        return f"{base.rstrip('/')}/{self.year}/{self.horizon}/{self.archive}"


def wanted(
    state: str, year: int, horizon: str = "1-Year", record: pums.Record = "person"
) -> Wanted:
    """Read what somebody asked for; a state by postal code, name or number.

    Raises
    ------
    AuditError
        ``unknown-state`` or ``no-such-file``.
    """
    text = state.strip()
    names = {name.casefold(): number.zfill(2) for number, name in NAMES.items()}
    number = NUMBERS.get(text.upper(), names.get(text.casefold(), text.zfill(2)))
    if number not in POSTAL:
        raise AuditError(
            "unknown-state",
            f"There is no state “{text}”.",
            "Write its postal code, such as CA, its name or its Census number.",
            where="state",
        )
    if horizon not in HORIZONS:
        raise AuditError(
            "no-such-file",
            f"The Census has no horizon “{horizon}”.",
            f"Choose {' or '.join(HORIZONS)}.",
            where="horizon",
        )
    last = datetime.now(UTC).year - 1
    if not FIRST_YEAR <= year <= last:
        raise AuditError(
            "no-such-file",
            f"Files of {year} are not loaded from here.",
            f"Choose a year from {FIRST_YEAR} to {last}.",
            where="year",
        )
    if year == 2020 and horizon == "1-Year":
        raise AuditError(
            "no-such-file",
            "The Census published no ordinary 1-Year file of 2020: too few people answered.",
            "Choose 2019 or 2021, or the 5-Year file of 2020.",
            where="year",
        )
    return Wanted(POSTAL[number], year, horizon, record)
