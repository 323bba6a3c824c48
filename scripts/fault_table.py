"""Write docs/faults.md: each row of the fault matrix, the tests that show it, and how they went.

Run by ``make faults``: the tests run, their results are read from pytest's XML. A row is shown by every test whose name
begins with it (``test_a1_…``). Rows without a test are listed with the reason.
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What each row is about, in the order of the matrix.
ROWS = {
    "A1": "request lost before the venue saw it", "A2": "accepted, connection dropped",
    "A3": "accepted, answer after the timeout", "A4": "gateway error after acceptance",
    "A5": "gateway error before acceptance", "A6": "processed after a first 'not found'",
    "A7": "200 with garbage after acceptance", "A8": "execution status unknown", "A9": "duplicate order",
    "A10": "insufficient balance", "A11": "below a limit, or off the grid", "A12": "unknown error code",
    "A13": "key, signature or permission gone",
    "B1": "kill after intent", "B2": "kill between send and answer", "B3": "kill after a partial fill",
    "B4": "kill during a cancel", "B5": "kill during reconciliation", "B6": "random kills under random faults",
    "B7": "orders and positions of others", "B8": "history older than the venue's window", "B9": "two daemons",
    "B10": "SIGTERM",
    "C1": "database locked", "C2": "disk full at intent", "C3": "disk full after send", "C4": "power loss",
    "C5": "torn database", "C6": "schema of another release",
    "D1": "fills while nobody listens", "D2": "cancel races with fill", "D3": "cancel's answer lost",
    "D4": "events doubled and disordered", "D5": "live order not found", "D6": "dust", "D7": "stop refused or lost",
    "D8": "symbol halted", "D9": "fee in base or third coin",
    "E1": "stale candle or silent stream", "E2": "open candle", "E3": "prices that are none",
    "E4": "disordered, doubled, gapped candles", "E5": "one candle off", "E6": "stream drop, gap, resubscribe",
    "E7": "yfinance", "E8": "limits changed",
    "F1": "clock off", "F2": "wall clock steps back", "F3": "429", "F4": "418", "F5": "venue down",
    "F6": "one slow symbol", "F7": "order path during a scan",
    "G1": "balance drift", "G2": "balances empty", "G3": "kill switch", "G4": "limits hit", "G5": "signal twice",
    "G6": "paper and live", "G7": "dashboard",
}  # fmt: skip
#: Where a row is shown outside tests/faults, or why it is not shown.
ELSEWHERE = {
    "C6": "tests/unit/ledger/test_store.py (upgrade, newer ledger)",
    "C5": "tests/unit/ledger/test_store.py (damage)",
    "E1": "tests/integration/test_market_data.py", "E2": "tests/integration/test_market_data.py",
    "E3": "tests/integration/test_market_data.py", "E4": "tests/integration/test_market_data.py",
    "F3": "tests/integration/test_market_data.py", "F4": "tests/integration/test_market_data.py",
    "F5": "tests/integration/test_market_data.py",
}  # fmt: skip


def results(report: Path) -> dict[str, list[tuple[str, str]]]:
    """Read pytest's report: row → (test, result)."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for case in ET.parse(report).getroot().iter("testcase"):
        name = case.get("name", "")
        match = re.match(r"test_([a-g]\d+)_", name)
        if match is None:
            continue
        bad = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
        found[match[1].upper()][name.partition("[")[0]].append(bad)
    return {row: [(test, _told(outcomes)) for test, outcomes in tests.items()] for row, tests in found.items()}


def _told(outcomes: list[str]) -> str:
    good = sum(o == "passed" for o in outcomes)
    return f"{good} of {len(outcomes)} passed"


def table(found: dict[str, list[tuple[str, str]]]) -> str:
    """Write the page."""
    written: dict[str, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "tests" / "faults").rglob("test_*.py")):
        for name in re.findall(r"^def (test_([a-g]\d+)_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE):
            written[name[1].upper()].append(name[0])
    lines = [
        "# The fault matrix",
        "",
        "Written by `make faults` from a run of `tests/faults`: the real ccxt client against the exchange simulator,",
        "whose own ledger is the oracle after every test. Kills are SIGKILL of real processes.",
        "",
        "| row | fault | tests | result |",
        "|---|---|---|---|",
    ]
    for row, what in ROWS.items():
        tests = found.get(row)
        if tests:
            names = "<br>".join(f"`{test}`" for test, _ in tests)
            lines.append(f"| {row} | {what} | {names} | {'<br>'.join(result for _, result in tests)} |")
        elif row in written:
            names = "<br>".join(f"`{test}`" for test in written[row])
            lines.append(f"| {row} | {what} | {names} | not in this run |")
        elif row in ELSEWHERE:
            lines.append(f"| {row} | {what} | {ELSEWHERE[row]} | elsewhere, without orders |")
        else:
            lines.append(f"| {row} | {what} | – | not shown yet |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page from a report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", type=Path, nargs="+", help="pytest's --junit-xml, in as many parts as there are")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "faults.md")
    arguments = parser.parse_args()
    found: dict[str, list[tuple[str, str]]] = {}
    for report in arguments.reports:
        for row, tests in results(report).items():
            found[row] = found.get(row, []) + tests
    if not found:
        sys.stderr.write("no test of a row in the report\n")
        return 1
    arguments.page.write_text(table(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
