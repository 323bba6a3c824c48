"""`make bench-peers`: writes benches/RESULTS.md."""

import argparse
import datetime
import pathlib

from benches.peers import backtest, indicators, scanner, streams
from benches.peers.harness import machine, version

PACKAGES = (
    "mirrorfast",
    "TA-Lib",
    "polars-talib",
    "newtulipy",
    "tulip-rs",
    "polars",
    "numpy",
    "vectorbt",
    "backtesting",
)
PARTS = {"indicators": indicators.run, "scanner": scanner.run, "streams": streams.run, "backtests": backtest.run}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=[*PARTS], default=None)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("benches/RESULTS.md"))
    options = parser.parse_args()
    versions = ", ".join(f"{p} {version(p)}" for p in PACKAGES)
    text = [
        f"# Against the peers\n\nMeasured {datetime.date.today():%Y-%m-%d} on {machine()}; one thread.\n{versions}\n"
    ]
    for name, run in PARTS.items():
        if options.only in (None, name):
            text.append(f"## {name.capitalize()}\n\n{run(options.rounds)}\n")
            print(text[-1], flush=True)
    if options.only is None:
        options.output.write_text("\n".join([*text, *others(options.output)]))


def others(output: pathlib.Path) -> list[str]:
    """Sections of the file that are measured elsewhere."""
    if not output.exists():
        return []
    found = output.read_text().split("\n## ")[1:]
    return [f"## {part}" for part in found if part.split("\n", 1)[0].lower() not in PARTS]


if __name__ == "__main__":
    main()
