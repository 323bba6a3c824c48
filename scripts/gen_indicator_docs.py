"""Write docs/indicators.md from the catalogue and the functions' docstrings.

    python scripts/gen_indicator_docs.py [--check]

With ``--check`` nothing is written; the exit status is 1 if the file is not what would be written.
"""

import argparse
import inspect
import sys
from pathlib import Path
from typing import Any

import mirrorfast.indicators as ind

TARGET = Path(__file__).parents[1] / "docs" / "indicators.md"

HEAD = """# Indicators

<!-- Written by scripts/gen_indicator_docs.py from the catalogue. Do not edit. -->

{count} indicators in {families} families. Each is a function of `mirrorfast.indicators`, a stream
(`mf.indicators.Stream("rsi", period=14)`), and a method of the polars expression namespace `mf`
(`pl.col("close").mf.rsi(14).over("symbol")`), all three the same Rust state machine, bit for bit.

* *Warm-up* is the number of rows, with the default parameters, before the first complete one. They are null.
* A missing input (null, NaN, infinite) gives null for its row and leaves the state as it is.
* Values follow TA-Lib 0.8 where it has the indicator; the notes name every deliberate difference.
"""


def number(value: float, whole: bool) -> str:
    """Write a number without an exponent where it is short enough."""
    return f"{value:.0f}" if whole else f"{value:g}"


def notes(name: str) -> str:
    """Take the notes of a function's docstring as one paragraph."""
    text = inspect.getdoc(getattr(ind, name)) or ""
    lines = text.partition("Notes\n-----\n")[2].split("\n\n")[0].split("\n")
    return " ".join(line.strip() for line in lines).replace("``", "`").replace(":func:", "")


def section(row: dict[str, Any]) -> str:
    """Write one indicator."""
    lines = [f"### {row['name']}", "", row["summary"], "", notes(row["name"]), ""]
    lines.append(f"* Inputs: {', '.join(f'`{name}`' for name in row['inputs'])}")
    for p in row["params"]:
        low, high, default = (number(p[key], p["integer"]) for key in ("min", "max", "default"))
        lines.append(f"* `{p['name']}` = {default} ({'whole, ' if p['integer'] else ''}{low} to {high})")
    lines.append(f"* Outputs: {', '.join(f'`{name}`' for name in row['outputs'])}; warm-up {row['warm_up']}")
    return "\n".join(lines)


def document() -> str:
    """Write the whole file."""
    rows = ind.catalogue().to_dicts()
    families = list(dict.fromkeys(row["family"] for row in rows))
    parts = [HEAD.format(count=len(rows), families=len(families)).rstrip()]
    for family in families:
        members = [row for row in rows if row["family"] == family]
        links = ", ".join(f"[{row['name']}](#{row['name']})" for row in members)
        parts.append(f"## {family.capitalize()}\n\n{links}")
        parts += [section(row) for row in members]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write or check the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    text = document()
    if not parser.parse_args().check:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text("utf-8") == text:
        return 0
    print(f"{TARGET} is not up to date: run python scripts/gen_indicator_docs.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
