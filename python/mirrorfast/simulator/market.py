"""What is traded: symbols with their filters, made from recorded bars."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from mirrorfast.data import read_bars, sample_bars, symbol_of
from mirrorfast.errors import DataError, ParameterError
from mirrorfast.simulator.series import INTERVALS, Candle, Series

__all__ = ["Instrument", "load_market"]

_DAY: Final = 86_400_000
_WEEK: Final = 7 * _DAY
_PAIR: Final = re.compile(r"^[A-Z0-9]+/[A-Z0-9]+$")


@dataclass
class Instrument:
    """One traded pair and its rules.

    Attributes
    ----------
    base, quote : str
        Assets.
    series : Series
        Recorded bars in ticks and lots.
    price_digits, lot_digits : int
        Decimals of a price and of a quantity.
    status : str
        ``"TRADING"``, ``"BREAK"`` when halted, or ``"DELISTED"``: then the venue does not know it any more.
    min_notional : Decimal
        Least price × quantity of an order.
    """

    base: str
    quote: str
    series: Series
    price_digits: int
    lot_digits: int
    status: str = "TRADING"
    min_notional: Decimal = Decimal(5)
    max_notional: Decimal = Decimal(9_000_000)
    min_lots: int = 1
    max_lots: int = 10**12
    percent_up: Decimal = Decimal(5)
    percent_down: Decimal = Decimal("0.2")
    max_orders: int = 200
    max_algo_orders: int = 5
    empty_book: bool = False
    futures: bool = False
    tick: Decimal = field(init=False)
    lot: Decimal = field(init=False)

    def __post_init__(self) -> None:
        self.tick = Decimal(1).scaleb(-self.price_digits)
        self.lot = Decimal(1).scaleb(-self.lot_digits)
        # Spot writes every number with eight decimals, futures with those of the symbol.
        self._price_form = f".{self.price_digits if self.futures else 8}f"
        self._lot_form = f".{self.lot_digits if self.futures else 8}f"

    @property
    def id(self) -> str:
        """Binance's name: ``BTCUSDT``."""
        return self.base + self.quote

    @property
    def listed(self) -> bool:
        """Whether the venue still knows it."""
        return self.status != "DELISTED"

    @property
    def symbol(self) -> str:
        """Ccxt's name: ``BTC/USDT``."""
        return f"{self.base}/{self.quote}"

    def price(self, ticks: int) -> Decimal:
        """Price of a number of ticks."""
        return Decimal(ticks).scaleb(-self.price_digits)

    def quantity(self, lots: int) -> Decimal:
        """Quantity of a number of lots."""
        return Decimal(lots).scaleb(-self.lot_digits)

    def price_text(self, ticks: int) -> str:
        """Price as the venue writes it."""
        return format(self.price(ticks), self._price_form)

    def quantity_text(self, lots: int) -> str:
        """Quantity as the venue writes it."""
        return format(self.quantity(lots), self._lot_form)

    def last(self, now: int) -> int | None:
        """Last traded price in ticks."""
        trade = self.series.last(now)
        return None if trade is None else trade.price

    def depth(self, now: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Order book at a moment.

        Parameters
        ----------
        now : int
            Milliseconds since the epoch.
        levels : int
            How many prices a side.

        Returns
        -------
        tuple of two lists of (int, int)
            Bids and asks, best first, as ticks and lots. Each price one tick further from the last trade; the quantity
            grows outwards from one per cent of the bar's mean trade.
        """
        position = self.series.position(now)
        if position < 0 or self.empty_book:
            return [], []
        trade = self.series.trade(position)
        bar = position // 13
        each = max(self.min_lots, int(self.series.volume[bar]) // 130)
        bids = [(trade.price - i, each * i) for i in range(1, levels + 1) if trade.price - i > 0]
        asks = [(trade.price + i, each * i) for i in range(1, levels + 1)]
        return bids, asks

    def candle_rows(self, interval: str, start: int | None, end: int | None, limit: int, now: int) -> list[bytes]:
        """Candles as Binance writes them: closed ones from a cache, and the open one.

        Parameters
        ----------
        interval : str
            One of `INTERVALS`.
        start, end : int or None
            Bounds of the opening time, inclusive.
        limit : int
            With a start the first so many, else the last.
        now : int
            The moment.

        Returns
        -------
        list of bytes
            One JSON row each.
        """
        candles, closed, current = self.series.closed_and_open(interval, now)
        first = 0 if start is None else int(np.searchsorted(candles.time, start, "left"))
        stop = closed if end is None else min(closed, int(np.searchsorted(candles.time, end, "right")))
        include = (
            current is not None
            and (start is None or current.open_time >= start)
            and (end is None or current.open_time <= end)
        )
        if start is None:
            first = max(first, stop + include - limit)
        elif stop + include - first > limit:
            include = False if stop - first >= limit else include
            stop = min(stop, first + limit)
        rendered = candles.rendered.get(self.futures)
        if rendered is None:
            rendered = candles.rendered[self.futures] = [None] * len(candles.times)
        rows = []
        for i in range(first, stop):
            row = rendered[i]
            if row is None:
                row = rendered[i] = self.render(candles.row(i))
            rows.append(row)
        if include and current is not None and len(rows) < limit:
            rows.append(self.render(current))
        return rows

    def render(self, c: Candle) -> bytes:
        """One candle as Binance writes it."""
        p, q, f, g = 10.0**self.price_digits, 10.0**self.lot_digits, self._price_form, self._lot_form
        quote = c.quote / (p * q)
        return (
            f'[{c.open_time},"{c.open / p:{f}}","{c.high / p:{f}}","{c.low / p:{f}}","{c.close / p:{f}}",'
            f'"{c.volume / q:{g}}",{c.close_time},"{quote:.8f}",{c.trades},'
            f'"{c.volume / q / 2:.8f}","{quote / 2:.8f}","0"]'
        ).encode()

    def day(self, now: int) -> "Candle | None":
        """Trades of the last 24 hours as one candle, from the first recorded bar that opened in them."""
        series = self.series
        first = int(series.time.searchsorted(now - _DAY, "left"))
        # After the recording's end the last bar stands for the day.
        start = int(series.time[min(first, len(series.time) - 1)])
        return None if start > now else series.summed("1M", start, now)


def load_market(
    data: "str | Path | pl.DataFrame | Sequence[str | Path]" = "bundled", *, symbols: int | None = None
) -> dict[str, Instrument]:
    """Make the venue's symbols from recorded bars.

    Parameters
    ----------
    data : str, Path, sequence of paths or polars.DataFrame, default "bundled"
        A table of bars, a file, a folder, files with ``*`` in their name (of each symbol the file with the shortest
        bars is taken), or ``"bundled"``: the sample market, whose dollars are listed as USDT as they would be on
        Binance.
    symbols : int, optional
        List this many symbols. Where the recordings are fewer, further ones repeat them as ``X0001BTC/USDT`` ….

    Returns
    -------
    dict of str to Instrument
        By Binance's name.

    Raises
    ------
    DataError
        If there are no bars of a pair.
    ParameterError
        If ``symbols`` is not positive.
    """
    if symbols is not None and symbols < 1:
        raise ParameterError(f"symbols = {symbols}: expected a number >= 1")
    market: dict[str, Instrument] = {}
    for name, frame in _frames(data):
        if _PAIR.match(name):
            instrument = _instrument(name, frame)
            kept = market.get(instrument.id)
            if kept is None or kept.series.interval > instrument.series.interval:
                market[instrument.id] = instrument
    if not market:
        raise DataError(f"data = {data!r}: no bars of a pair such as BTC/USDT: expected at least one")
    originals = list(market.values())
    for i in range((symbols or len(originals)) - len(originals)):
        twin = originals[i % len(originals)]
        # One series serves all twins: memory does not grow with the number of symbols.
        copy = Instrument(f"X{i:04d}{twin.base}", twin.quote, twin.series, twin.price_digits, twin.lot_digits)
        market[copy.id] = copy
    return dict(list(market.items())[:symbols])


def futures_of(market: dict[str, Instrument]) -> dict[str, Instrument]:
    """List a perpetual on every spot symbol quoted in a stable coin, with the same recorded prices."""
    return {
        name: Instrument(
            i.base,
            i.quote,
            i.series,
            i.price_digits,
            i.lot_digits,
            futures=True,
            percent_up=Decimal("1.05"),
            percent_down=Decimal("0.95"),
        )
        for name, i in market.items()
        if i.quote in {"USDT", "USDC"}
    }


def shift_to(market: Iterable[Instrument], now: int) -> None:
    """Move recordings in time by whole weeks so that ``now`` lies in them with a quarter of each still to come.

    Parameters
    ----------
    market : iterable of Instrument
        Symbols; those that share a recording go on sharing it.
    now : int
        Milliseconds since the epoch.
    """
    moved: dict[int, Series] = {}
    instruments = list(market)
    distinct = {id(i.series): i.series for i in instruments}.values()
    start, end = max(s.start for s in distinct), min(s.end for s in distinct)
    shift = -(-(now - (end - (end - start) // 4)) // _WEEK) * _WEEK
    for instrument in instruments:
        old = instrument.series
        if id(old) not in moved:
            moved[id(old)] = Series(old.time + shift, old.open, old.high, old.low, old.close, old.volume, old.interval)
        instrument.series = moved[id(old)]


def _frames(data: "str | Path | pl.DataFrame | Sequence[str | Path]") -> Iterable[tuple[str, pl.DataFrame]]:
    if isinstance(data, pl.DataFrame):
        frames: Iterable[pl.DataFrame] = [data]
    elif data == "bundled":
        sample = sample_bars()
        frames = [sample.with_columns(pl.col("symbol").str.replace("/USD$", "/USDT"))]
    else:
        paths = [Path(data)] if isinstance(data, str | Path) else [Path(p) for p in data]
        frames = (read_bars(file) for file in _files(paths))
    for frame in frames:
        for (name,), part in frame.group_by("symbol", maintain_order=True):
            yield str(name), part


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in {".parquet", ".csv"})
            # Other tables may lie in the folder; what is no pair could not be listed anyway.
            files += [p for p in found if _PAIR.match(symbol_of(p))] or found
        elif "*" in path.name:
            files += sorted(path.parent.glob(path.name))
        else:
            files.append(path)
    # Of several files for one symbol only the finest is read; the name tells it without reading all of them.
    best: dict[str, tuple[float, Path]] = {}
    for file in files:
        length = next((INTERVALS[w] for w in reversed(file.stem.split("_")) if w in INTERVALS), float("inf"))
        name = symbol_of(file)
        if name not in best or length < best[name][0]:
            best[name] = (length, file)
    return [file for _, file in best.values()]


def _instrument(name: str, frame: pl.DataFrame) -> Instrument:
    base, quote = name.split("/")
    time = frame["timestamp"].dt.epoch("ms").to_numpy()
    if len(time) < 2:
        raise DataError(f"{name}: {len(time)} bar: expected at least 2, to tell their length")
    prices = {c: frame[c].to_numpy() for c in ("open", "high", "low", "close")}
    digits = _digits(np.concatenate([p[-500:] for p in prices.values()]))
    typical = float(np.median(prices["close"]))
    # As on Binance: about a cent's to a dollar's worth of the base asset is one lot.
    lot_digits = int(np.clip(np.floor(np.log10(typical)) + 1, 0, 5))
    scale = 10.0**digits
    ticks = {c: np.maximum(np.rint(p * scale).astype(np.int64), 1) for c, p in prices.items()}
    volume = np.rint(frame["volume"].to_numpy() * 10.0**lot_digits).astype(np.int64)
    interval = int(np.median(np.diff(time)))
    known: Literal[True] | None = True if interval in INTERVALS.values() else None
    if known is None:
        raise DataError(f"{name}: bars of {interval} ms: expected one of {', '.join(INTERVALS)}")
    series = Series(time, ticks["open"], ticks["high"], ticks["low"], ticks["close"], volume, interval)
    return Instrument(base, quote, series, digits, lot_digits)


def _digits(prices: "np.ndarray[Any, np.dtype[np.float64]]") -> int:
    """Fewest decimals that write recorded prices exactly, at most 8, at least enough for four figures."""
    least = int(np.clip(4 - np.ceil(np.log10(np.median(prices) + 1e-12)), 0, 8))
    for digits in range(least, 8):
        scaled = prices * 10.0**digits
        if np.all(np.abs(scaled - np.rint(scaled)) < 1e-6 * np.maximum(1.0, np.abs(scaled)) * 1e-3):
            return digits
    return min(8, max(least, 5 - int(np.floor(np.log10(np.median(prices))))))
