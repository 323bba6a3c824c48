"""Alternative data: file, HTTP on loopback, as-of join, neutral when absent."""

import asyncio
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.data.alternative import FileSource, HttpSource, checked, fetch_alternative
from mirrorfast.errors import DataError, ParameterError, ShapeError, TemporaryError

BODIES = {
    "/fng": b'{"data":[{"value":"20","timestamp":"1502000000"},{"value":"80","timestamp":"1503000000"}]}',
    "/odd": b'{"data":[{"value":"NaN?","timestamp":"1"}]}',
    "/wide": b'{"data":[{"value":"120","timestamp":"1502000000"}]}',
}


@pytest.fixture
def url() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = BODIES.get(self.path)
            self.send_response(200 if body else 503)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_values_reach_the_features_as_of_their_publication(url: str, market: pl.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "dominance.csv"
    file.write_text("timestamp,btc_dominance\n2017-09-01T00:00:00Z,61\n")
    sources = [HttpSource(f"{url}/fng", "fear_greed"), FileSource(file), HttpSource(f"{url}/gone", "fear_greed")]
    values = asyncio.run(fetch_alternative(sources))
    bars = market.filter(symbol="BTC/USD")
    rows = mf.compute_features(bars, timeframe="1h", columns=["fear_greed", "btc_dominance"], alternative=values)
    stamp = pl.col("timestamp").dt.epoch("s")
    assert set(rows.filter(stamp < 1_502_000_000)["fear_greed"]) == {50.0}
    assert set(rows.filter(stamp.is_between(1_502_000_000, 1_503_000_000, closed="left"))["fear_greed"]) == {20.0}
    assert set(rows.filter(stamp >= 1_503_000_000)["fear_greed"]) == {80.0}
    assert rows["btc_dominance"].unique().sort().to_list() == [50.0, 61.0]


def test_what_cannot_be_used_is_said(url: str, tmp_path: Path) -> None:
    with pytest.raises(TemporaryError, match="503"):
        asyncio.run(HttpSource(f"{url}/gone", "fear_greed").fetch())
    with pytest.raises(DataError, match="expected numbers"):
        asyncio.run(HttpSource(f"{url}/odd", "fear_greed").fetch())
    with pytest.raises(DataError, match="120"):
        asyncio.run(HttpSource(f"{url}/wide", "fear_greed").fetch())
    with pytest.raises(DataError, match="not readable"):
        asyncio.run(FileSource(tmp_path / "none.csv").fetch())
    with pytest.raises(ParameterError, match="column"):
        HttpSource(url, "mood")
    with pytest.raises(ShapeError, match="fear_greed"):
        checked(pl.DataFrame({"timestamp": [1]}), "x")
    assert asyncio.run(fetch_alternative([HttpSource(f"{url}/gone", "fear_greed")])) is None
