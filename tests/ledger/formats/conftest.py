"""The real hledger, for a second opinion."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

Balances = dict[tuple[str, str], Decimal]


class Hledger:
    """Runs the program over a text; it never sees ours, and we never see its code."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder

    def run(self, text: str, *words: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / "the.journal"
        path.write_text(text, encoding="utf-8")
        return subprocess.run(
            [self.program, "-f", str(path), *words], capture_output=True, text=True, timeout=60, check=False
        )

    def balances(self, text: str, codes: Mapping[str, str] | None = None) -> Balances:
        """Every amount of every account, exactly; zero ones left out. `codes` renames symbols."""
        done = self.run(text, "print", "-x", "-O", "json")
        assert done.returncode == 0, done.stderr
        sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for entry in json.loads(done.stdout, parse_float=Decimal):
            for posting in entry["tpostings"]:
                for amount in posting["pamount"]:
                    quantity, symbol = amount["aquantity"], amount["acommodity"]
                    value = Decimal(quantity["decimalMantissa"]).scaleb(-quantity["decimalPlaces"])
                    sums[posting["paccount"], (codes or {}).get(symbol, symbol)] += value
        return {key: value for key, value in sums.items() if value}

    def refuses(self, text: str) -> bool:
        return self.run(text, "print").returncode != 0


@pytest.fixture
def oracle(hledger: str, tmp_path: Path) -> Hledger:
    """The installed hledger; without it these tests are skipped by name."""
    return Hledger(hledger, tmp_path)
