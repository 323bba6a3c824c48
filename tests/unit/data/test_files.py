"""Users' files: the notations that are understood, and the one readable line for everything else."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirrorfast.data import read_bars, symbol_of
from mirrorfast.errors import DataError, MirrorfastError, ShapeError

HEADER = "timestamp,open,high,low,close,volume"
ROWS = ["2024-01-01T00:00:00Z,10,12,9,11,5", "2024-01-01T01:00:00Z,11,13,10,12,6"]
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def write(tmp_path: Path, *lines: str, name: str = "x_BTC-USD_1h.csv") -> Path:
    file = tmp_path / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_csv(tmp_path: Path) -> None:
    bars = read_bars(write(tmp_path, HEADER, *ROWS))
    assert bars["symbol"].to_list() == ["BTC/USD"] * 2
    assert bars["timestamp"][0] == FIRST
    assert bars["close"].to_list() == [11.0, 12.0]


def test_parquet_round_trip(tmp_path: Path, market: pl.DataFrame) -> None:
    file = tmp_path / "market.parquet"
    market.write_parquet(file)
    assert read_bars(file).equals(market)
    # The content decides, not the name.
    file.rename(tmp_path / "market.csv")
    assert read_bars(tmp_path / "market.csv").equals(market)


def test_csv_round_trip(tmp_path: Path, market: pl.DataFrame) -> None:
    file = tmp_path / "market.csv"
    market.write_csv(file)
    assert read_bars(file).equals(market)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2024-01-01 00:00:00", "2024-01-01 01:00:00"),
        ("2024-01-01 00:00", "2024-01-01 01:00"),
        ("2024-01-01", "2024-01-02"),
        ("2024-01-01T00:00:00.000Z", "2024-01-01T01:00:00.000Z"),
        ("2024-01-01 00:00:00+00:00", "2024-01-01 01:00:00+00:00"),
        ("2024-01-01T02:00:00+0200", "2024-01-01T03:00:00+0200"),
        ("2023-12-31T19:00:00-05:00", "2024-01-01T02:00:00+01:00"),
        ("2024-01-01 00:00:00 UTC", "2024-01-01 01:00:00 UTC"),
        ("2024-01-01 12-AM", "2024-01-01 01-AM"),
        ("01.01.2024 00:00:00.000", "01.01.2024 01:00:00.000"),
        ("2024.01.01 00:00", "2024.01.01 01:00"),
        ("2024/01/01 00:00:00", "2024/01/01 01:00:00"),
        ("20240101 000000", "20240101 010000"),
        ("20240101", "20240102"),
        ("1704067200", "1704070800"),
        ("1704067200000", "1704070800000"),
        ("1704067200.0", "1704070800.0"),
        ("1.7040672e9", "1.7040708e9"),
    ],
)
def test_notations_of_time(tmp_path: Path, first: str, second: str) -> None:
    bars = read_bars(write(tmp_path, HEADER, f"{first},10,12,9,11,5", f"{second},11,13,10,12,6"))
    assert bars["timestamp"][0] == FIRST
    assert bars["timestamp"][1] > FIRST


def test_zone_of_times_without_one(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER, "2024-01-01 00:00:00,10,12,9,11,5")
    assert read_bars(file, time_zone="America/New_York")["timestamp"][0] == datetime(2024, 1, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Volume",
        "TIME,OPEN,HIGH,LOW,CLOSE,VOL",
        "t,o,h,l,c,v",
        "Open Time,Open,High,Low,Close,Volume",
        "Gmt time,Open,High,Low,Close,Volume",
        '"unix","open","high","low","close","volume"',
        "timestamp;open;high;low;close;volume",
        "timestamp\topen\thigh\tlow\tclose\tvolume",
        "\ufefftimestamp,open,high,low,close,volume",
    ],
)
def test_headers(tmp_path: Path, header: str) -> None:
    separator = next((s for s in ";\t" if s in header), ",")
    row = "1704067200,10,12,9,11,5".replace(",", separator)
    assert read_bars(write(tmp_path, header, row))["timestamp"][0] == FIRST


def test_line_of_attribution_above_the_header(tmp_path: Path) -> None:
    lines = ("Timestamps are UTC timezone,https://www.CryptoDataDownload.com", HEADER, *ROWS)
    assert read_bars(write(tmp_path, *lines)).height == 2
    bad = write(tmp_path, *lines, "2024-01-01T02:00:00Z,11,13,10,oops,6")
    with pytest.raises(DataError, match="line 5: close = oops: expected a number"):
        read_bars(bad)


def test_symbol_column_wins_and_argument_overrides(tmp_path: Path) -> None:
    file = write(tmp_path, f"{HEADER},symbol", f"{ROWS[0]},ETH/USD")
    assert read_bars(file)["symbol"].to_list() == ["ETH/USD"]
    assert read_bars(file, symbol="Z")["symbol"].to_list() == ["Z"]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("binance_BTC-USDT_1h.parquet", "BTC/USDT"),
        ("BTC_USDT-1h.feather", "BTC/USDT"),
        ("eur_usd.csv", "EUR/USD"),
        ("GOOGL.csv", "GOOGL"),
        ("BTCUSDT.csv", "BTCUSDT"),
        ("my data.csv", "my data"),
    ],
)
def test_symbol_of_name(name: str, symbol: str) -> None:
    assert symbol_of(name) == symbol


def test_directory(tmp_path: Path, market: pl.DataFrame) -> None:
    for name, file in (("BTC/USD", "a.parquet"), ("EUR/USD", "b.csv")):
        part = market.filter(pl.col("symbol") == name)
        (part.write_csv if file.endswith("csv") else part.write_parquet)(tmp_path / file)
    (tmp_path / "notes.md").write_text("not bars")
    assert read_bars(tmp_path).equals(market)
    market.write_parquet(tmp_path / "c.parquet")
    with pytest.raises(DataError, match=r"c\.parquet: symbol \S+ is in [ab]\.\S+ too"):
        read_bars(tmp_path)


def test_directory_without_bars(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no \\*.parquet or \\*.csv in this directory"):
        read_bars(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n \n", "the file is empty"),
        (bytes(range(256)) * 40, "a binary file that is not Parquet"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "a binary file that is not Parquet"),
        (b"PAR1 and then nothing of the kind", "not a readable Parquet file"),
        (b"timestamp,open,high,low,close,volume\n", "no rows"),
        (b"hello world\nthis is a letter\n", "column symbol is missing|column timestamp is missing"),
        (b"timestamp,open,high,low,close\n2024-01-01,1,1,1,1\n", "column volume is missing"),
        (b"timestamp,open,open,high,low,close,volume\n2024-01-01,1,1,1,1,1,1\n", "open"),
        (b"timestamp,open,high,low,close,volume\n2024-01-01,1,1,1,1\n2024-01-02,1,1,1,1,1,1,1\n", "."),
    ],
)
def test_not_a_table_of_bars(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_bars(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["2024-01-01,10,12,9,11,5", "2024-01-02,10,12,9,x,5"], "line 3: close = x: expected a number"),
        (
            ["2024-01-01,10,12,9,11,5", "2024-01-02,10,12,9,nan,5"],
            r"line 3 \(.*\): close = nan: expected a finite price",
        ),
        (
            ["2024-01-01,10,12,9,11,5", "2024-01-02,10,12,9,,5"],
            r"line 3 \(.*\): close = nothing: expected a finite price",
        ),
        (["2024-01-01,10,8,9,11,5"], r"line 2 \(.*\): high = 8.0: expected high >= low \(9.0\)"),
        (["2024-01-02,10,12,9,11,5", "2024-01-01,10,12,9,11,5"], "line 3 .*expected a time after the bar before it"),
        (["2024-01-01,10,12,9,11,5", "2024-01-01,10,12,9,11,5"], "line 3 .*expected one bar for each symbol and time"),
        (["2024-01-01,10,12,9,11,5", "yesterday,10,12,9,11,5"], "line 3: timestamp = yesterday: expected ISO 8601"),
        (["01/02/2024,10,12,9,11,5"], "line 2: timestamp = 01/02/2024: expected ISO 8601"),
        (["1704067200,10,12,9,11,5", "2024-01-02,1,1,1,1,1"], "line 3: timestamp = 2024-01-02: expected a time in the"),
        (
            ["2024-01-01T00:00:00Z,10,12,9,11,5", "2024-01-01T01:00:00,10,12,9,11,5"],
            "line 3: timestamp = 2024-01-01T01:00:00: expected a time with an offset",
        ),
        (
            ["2024-01-01T00:00:00,10,12,9,11,5", "2024-01-01T01:00:00Z,10,12,9,11,5"],
            "line 3: timestamp = 2024-01-01T01:00:00Z: expected a time without an offset",
        ),
        ([",10,12,9,11,5"], r"line 2 \(.*\): timestamp = nothing: expected a time"),
    ],
)
def test_bad_row_is_named(tmp_path: Path, rows: list[str], message: str) -> None:
    file = write(tmp_path, HEADER, *rows)
    with pytest.raises(DataError, match=message) as caught:
        read_bars(file)
    assert str(caught.value).startswith(f"{file}: ")


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere.csv: no such file"):
        read_bars(tmp_path / "nowhere.csv")


def test_two_columns_of_one_meaning(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="'Close' and 'close ' both mean close"):
        read_bars(write(tmp_path, "timestamp,open,high,low,Close,close ,volume", "2024-01-01,1,1,1,1,1,1"))


def test_drop(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER, ROWS[1], ROWS[0], "2024-01-01T02:00:00Z,1,2,3,4,5")
    assert read_bars(file, on_bad="drop")["close"].to_list() == [11.0, 12.0]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=200), st.text(alphabet="timesapohlcv,.0123456789-:TZ\n\"'#;eE+ ", max_size=200)
    )
)
def test_no_bytes_whatever_get_past_the_typed_errors(tmp_path: Path, content: bytes | str) -> None:
    file = tmp_path / "fuzz.csv"
    file.write_bytes(content if isinstance(content, bytes) else (HEADER + "\n" + content).encode())
    message = ""
    try:
        read_bars(file)
    except MirrorfastError as error:
        message = str(error)
    assert "\n" not in message
