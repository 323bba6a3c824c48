"""Candles as a venue sends them, read in a thread: text → columns → closed bars, and a count of what was none.

Answers that arrive while the thread is busy are read together, in one call to the core: no Python object for a number,
and no interpreter's lock.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mirrorfast import _core
from mirrorfast.data.venue.wire import Reply

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

_MOST: Final = 32  # answers read in one call


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to be read.

    Attributes
    ----------
    body
        The answer as it came, its bytes, or rows that ccxt has already read.
    layout
        Where the candles stand in the text.
    step
        Length of a bar, ms.
    now
        The venue's time, ms: bars that end later have not closed.
    """

    body: Reply | bytes | list[Any]
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
    >>> text = b'[[60000,"1","2","0.5","1.5","10"],[120000,"1","NaN","0.5","1.5","10"],[180000,"1","2","1","2","3"]]'
    >>> read = read_answers([Answer(text, Layout(), 60_000, 200_000)])[0]
    >>> read.frame["close"].to_list(), read.refused, read.unfinished
    ([1.5], 1, 1)
    """
    table, counts = _core.read_candles([_asked(answer) for answer in answers])
    frame = pl.DataFrame(table).cast(CANDLE_SCHEMA)
    result, start = [], 0
    for height, rows, refused, unfinished, duplicates in counts:
        result.append(Candles(frame.slice(start, height), rows, refused, unfinished, duplicates))
        start += height
    return result


def _asked(answer: Answer) -> tuple[bytes, list[str], list[int], int, int, int]:
    body, layout = answer.body, answer.layout
    if isinstance(body, Reply):
        body = body.body()
    elif not isinstance(body, bytes):
        # Already read by ccxt: text again, so that every venue's candles pass the same gate.
        rows = [[str(value) for value in row] if isinstance(row, list | tuple) else None for row in body]
        body = json.dumps(rows).encode()
    return body, list(layout.path), list(layout.columns), layout.time_unit, answer.step, answer.now


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
