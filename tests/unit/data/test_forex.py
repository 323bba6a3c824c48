"""yfinance by an injected ticker: gaps found, nothing empty taken for success, limits kept."""

import asyncio
from typing import Any

import pytest

from mirrorfast.config import DataConfig
from mirrorfast.errors import DataError, ParameterError, TemporaryError

yfinance = pytest.importorskip("yfinance")
pd = pytest.importorskip("pandas")
from mirrorfast.data.forex import ForexFetcher, ticker_of, weekday_gaps  # noqa: E402

MONDAY = 1_704_067_200_000  # 2024-01-01
HOUR = 3_600_000


def table(hours: list[int], **changes: Any) -> Any:
    index = pd.DatetimeIndex([pd.Timestamp(MONDAY + h * HOUR, unit="ms", tz="UTC") for h in hours])
    columns = {"Open": 1.1, "High": 1.2, "Low": 1.0, "Close": 1.15, "Volume": 0} | changes
    return pd.DataFrame(
        {k: [v] * len(hours) if not isinstance(v, list) else v for k, v in columns.items()}, index=index
    )


@pytest.fixture
def yahoo(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {"answer": None, "asked": []}

    class Ticker:
        def __init__(self, name: str, session: Any = None) -> None:
            state["asked"].append((name, session))

        def history(self, **_: Any) -> Any:
            if isinstance(state["answer"], Exception):
                raise state["answer"]
            return state["answer"]

    monkeypatch.setattr(yfinance, "Ticker", Ticker)
    return state


def fetch(now: int, work: Any, **options: Any) -> Any:
    async def run() -> Any:
        async with ForexFetcher(["EUR/USD"], DataConfig(breaker_failures=2), clock=lambda: now, **options) as fetcher:
            return await work(fetcher)

    return asyncio.run(run())


def test_closed_bars_with_the_session_and_the_gap(yahoo: dict[str, Any]) -> None:
    yahoo["answer"] = table([0, 1, 2, 5, 6], Close=[1.1, 1.1, float("nan"), 1.1, 1.1])
    session = object()

    async def work(f: ForexFetcher) -> Any:
        return await f.fetch_many(["EUR/USD"], ["1h"])

    result = fetch(MONDAY + 6 * HOUR + 1, work, session=session)
    hours = [(t - MONDAY) // HOUR for t in result.bars["1h"]["timestamp"].dt.epoch("ms")]
    assert hours == [0, 1, 5]
    assert result.gaps["bars"].to_list() == [3]
    assert yahoo["asked"] == [("EURUSD=X", session)]


def test_empty_is_no_success(yahoo: dict[str, Any]) -> None:
    yahoo["answer"] = table([])
    with pytest.raises(DataError, match="no closed bars"):
        fetch(MONDAY, lambda f: f.fetch_ohlcv("EUR/USD", "1h"))
    result = fetch(MONDAY, lambda f: f.fetch_many(["EUR/USD"], ["1h"]))
    assert result.failures["kind"].to_list() == ["empty"]


def test_failures_open_the_breaker(yahoo: dict[str, Any]) -> None:
    yahoo["answer"] = OSError("down")

    async def work(f: ForexFetcher) -> int:
        for _ in range(5):
            with pytest.raises(TemporaryError):
                await f.fetch_ohlcv("EUR/USD", "1h")
        return len(yahoo["asked"])

    assert fetch(MONDAY, work) == 2


def test_cache_until_the_bar_closes(yahoo: dict[str, Any]) -> None:
    yahoo["answer"] = table([0, 1, 2])

    async def work(f: ForexFetcher) -> int:
        for _ in range(3):
            await f.fetch_ohlcv("EUR/USD", "1h")
        return len(yahoo["asked"])

    assert fetch(MONDAY + 3 * HOUR, work) == 1


def test_weekend_is_no_gap() -> None:
    import polars as pl

    friday, sunday = MONDAY + (4 * 24 + 20) * HOUR, MONDAY + (6 * 24 + 23) * HOUR
    stamps = pl.Series("timestamp", [friday, sunday]).cast(pl.Datetime("ms", "UTC"))
    assert weekday_gaps(pl.DataFrame([stamps]), "1h") == []


def test_names() -> None:
    assert ticker_of("gbp/jpy") == "GBPJPY=X"
    with pytest.raises(ParameterError, match="EUR/USD"):
        ticker_of("BITCOIN/USD")
