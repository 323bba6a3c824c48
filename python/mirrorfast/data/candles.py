"""Candles as a venue sends them, read in a thread: text → columns → closed bars, and a count of what was none.

Answers that arrive while the thread is busy are read together: polars reads a hundred in one call, without Python
objects and without the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mirrorfast.data.schema import usable

if TYPE_CHECKING:
    from mirrorfast.data.venue.rates import Layout

__all__ = ["CANDLE_SCHEMA", "Answer", "CandleReader", "Candles", "read_answers"]

CANDLE_SCHEMA: Final = pl.Schema(
    {
        "timestamp": pl.Datetime("ms", "UTC"),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
    }
)
"""Columns of one series of candles: those of bars without the symbol."""

_NAMES: Final = tuple(CANDLE_SCHEMA)
_ROWS: Final = pl.List(pl.List(pl.String()))
_MOST: Final = 128  # answers read in one call
_DAY: Final = 86_400_000
_WEEK: Final = 7 * _DAY
_FIRST_MONDAY: Final = 4 * _DAY


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to be read.

    Attributes
    ----------
    body
        Its text, or rows that ccxt has already read.
    layout
        Where the candles stand in the text.
    step
        Length of a bar, ms.
    now
        The venue's time, ms: bars that end later have not closed.
    """

    body: str | list[Any]
    layout: Layout
    step: int
    now: int


@dataclass(frozen=True, slots=True)
class Candles:
    """What an answer held.

    Attributes
    ----------
    frame
        Closed bars, ascending, one for each time; the last of several wins.
    rows
        Rows of the answer; ``None`` when it held no list of candles at all.
    refused, unfinished, duplicates
        Rows that were no bars, had not closed, or came again.
    """

    frame: pl.DataFrame
    rows: int | None
    refused: int = 0
    unfinished: int = 0
    duplicates: int = 0


def read_answers(answers: list[Answer]) -> list[Candles]:
    """Read answers of any venues.

    Parameters
    ----------
    answers
        Any number.

    Returns
    -------
    list of Candles
        One an answer, in their order. Nothing that a venue can send raises.

    Examples
    --------
    >>> from mirrorfast.data.venue.rates import Layout
    >>> text = '[[60000,"1","2","0.5","1.5","10"],[120000,"1","NaN","0.5","1.5","10"],[180000,"1","2","1","2","3"]]'
    >>> read = read_answers([Answer(text, Layout(), 60_000, 200_000)])[0]
    >>> read.frame["close"].to_list(), read.refused, read.unfinished
    ([1.5], 1, 1)
    """
    texts = {k: text for k, answer in enumerate(answers) if (text := _cut(answer)) is not None}
    found = _read(_decoded(texts), answers)
    nothing = Candles(pl.DataFrame(schema=CANDLE_SCHEMA), None)
    return [found.get(k, nothing) for k in range(len(answers))]


def _cut(answer: Answer) -> str | None:
    """Cut the list of rows out of the document, as text; ``None`` when there is none."""
    body, path = answer.body, answer.layout.path
    if not isinstance(body, str):
        # Already read by ccxt: text again, so that every venue's candles pass the same gate.
        rows = [[str(value) for value in row] if isinstance(row, list | tuple) else None for row in body]
        return json.dumps(rows)
    body = body.strip()
    if not path and not body.startswith("["):
        return None
    if path and not body.startswith("{"):
        return None
    start, end = body.find("[["), body.rfind("]]")
    if 0 <= start < end:
        return body[start : end + 2] if path else body
    return _short(body, path)


def _short(body: str, path: tuple[str, ...]) -> str | None:
    """Find the rows of a document that has no list in a list: an empty answer, an error, or garbage."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for key in path:
        if not isinstance(value, dict):
            return None
        value = next((v for v in value.values() if isinstance(v, list)), None) if key == "*" else value.get(key)
    return "[]" if value == [] else None


def _decoded(texts: dict[int, str]) -> dict[int, pl.Series]:
    """Decode JSON rows, in one call where all of them are such."""
    if not texts:
        return {}
    try:
        rows = pl.Series("row", list(texts.values())).str.json_decode(_ROWS)
    except pl.exceptions.ComputeError:
        # One of them is no JSON of rows; which one shows when each is decoded alone.
        if len(texts) == 1:
            return {}
        return {k: rows for key, text in texts.items() for k, rows in _decoded({key: text}).items()}
    empty = rows.is_null().to_list()
    return {k: rows.slice(place, 1) for place, k in enumerate(texts) if not empty[place]}


def _read(decoded: dict[int, pl.Series], answers: list[Answer]) -> dict[int, Candles]:
    keys = list(decoded)
    if not keys:
        return {}
    rows = pl.concat(list(decoded.values()))
    lengths = rows.list.len().to_list()
    per_key = pl.DataFrame(
        {
            "key": pl.Series(keys, dtype=pl.UInt32),
            "row": rows,
            "unit": [float(answers[k].layout.time_unit) for k in keys],
            "step": pl.Series([answers[k].step for k in keys], dtype=pl.Int64),
            "now": pl.Series([answers[k].now for k in keys], dtype=pl.Int64),
        }
    ).filter(pl.col("row").list.len() > 0)
    table = per_key.explode("row")
    places = {k: answers[k].layout.columns for k in keys}
    if len(set(places.values())) == 1:
        table = table.with_columns(_columns(places[keys[0]]))
    else:
        table = pl.concat(
            [
                table.filter(pl.col("key").is_in([k for k in keys if places[k] == place])).with_columns(_columns(place))
                for place in sorted(set(places.values()))
            ]
        )
    stamp = pl.col("timestamp") * pl.col("unit")
    # A time that is no whole number of milliseconds of this millennium is none.
    whole = stamp.is_finite() & (stamp > 0) & (stamp < 4e12) & (stamp == stamp.floor())
    table = table.with_columns(timestamp=pl.when(whole).then(stamp).cast(pl.Int64))
    step, first = pl.col("step"), pl.when(pl.col("step") == _WEEK).then(_FIRST_MONDAY).otherwise(0)
    aligned = ((pl.col("timestamp") - first) % step == 0) | ((step > _DAY) & (step != _WEEK))
    # Beyond the running bar there is no bar.
    known = pl.col("timestamp") <= pl.col("now") + step
    table = table.with_columns(
        good=usable() & aligned.fill_null(value=False) & known.fill_null(value=False),
        closed=(pl.col("timestamp") + step <= pl.col("now")).fill_null(value=False),
    )
    bars = table.filter("good", "closed").select("key", *_NAMES)
    kept = bars.unique(["key", "timestamp"], keep="last", maintain_order=True).sort("key", "timestamp")
    kept = kept.with_columns(pl.col("timestamp").cast(CANDLE_SCHEMA["timestamp"]))
    counts = {
        key: (refused, unfinished)
        for key, refused, unfinished in table.group_by("key")
        .agg((~pl.col("good")).sum().alias("bad"), (pl.col("good") & ~pl.col("closed")).sum().alias("running"))
        .iter_rows()
    }
    before = dict(bars.group_by("key").len().iter_rows())
    after = dict(kept.group_by("key", maintain_order=True).len().iter_rows())
    result, offset = {}, 0
    plain = kept.select(_NAMES)
    for key, length in zip(keys, lengths, strict=True):
        height = int(after.get(key, 0))
        refused, unfinished = counts[key] if length else (0, 0)
        result[key] = Candles(
            plain.slice(offset, height), int(length), int(refused), int(unfinished), int(before.get(key, 0)) - height
        )
        offset += height
    return result


def _columns(places: tuple[int, ...]) -> list[pl.Expr]:
    return [
        pl.col("row").list.get(place, null_on_oob=True).cast(pl.Float64, strict=False).alias(name)
        for name, place in zip(_NAMES, places, strict=True)
    ]


class CandleReader:
    """Reads answers in one thread, those that wait together."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="candles")
        self._waiting: deque[tuple[Answer, asyncio.Future[Candles]]] = deque()
        self._reading = False

    async def read(self, answer: Answer) -> Candles:
        """Read one answer.

        Parameters
        ----------
        answer
            What the venue sent.

        Returns
        -------
        Candles
            What it held.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Candles] = loop.create_future()
        self._waiting.append((answer, done))
        self._next(loop)
        return await done

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._reading or not self._waiting:
            return
        batch = [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]
        self._reading = True
        job = loop.run_in_executor(self._thread, read_answers, [answer for answer, _ in batch])

        def finished(read: asyncio.Future[list[Candles]]) -> None:
            self._reading = False
            for k, (_, done) in enumerate(batch):
                if done.done():
                    continue  # its caller was cancelled
                if read.cancelled():
                    done.cancel()
                elif (error := read.exception()) is not None:
                    done.set_exception(error)
                else:
                    done.set_result(read.result()[k])
            self._next(loop)

        job.add_done_callback(finished)
