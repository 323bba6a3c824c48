"""What happened on the way to a venue, counted: for a person, for a test, for Prometheus."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

__all__ = ["Counters"]

_MEANING: Final = {
    "requests": "requests that left for the venue",
    "answers": "answers that arrived, of any status",
    "repetitions": "calls made again after a failure",
    "unavailable": "answers 5xx, dropped connections, time-outs",
    "throttled": "answers 429",
    "banned": "answers 418",
    "garbage": "answers 200 that were no answer",
    "breaker_opened": "times that a breaker opened",
    "breaker_refused": "calls not made since a breaker was open",
    "closed_refused": "calls not made since the venue was closed to us for too long",
    "deadline": "calls that took too long with their repetitions",
    "limit_wait_ms": "milliseconds spent in the queue of the rate limit",
    "cache_hits": "series taken from memory",
    "cache_misses": "series asked for",
    "bars": "bars accepted",
    "rows_refused": "rows that were no bars",
    "rows_open": "bars that had not closed",
    "rows_duplicate": "bars that came twice",
    "gaps": "gaps found",
    "gaps_refilled": "gaps that a second request closed",
    "stale": "series whose newest bar was too old",
    "reconnects": "stream connections made again",
    "stream_updates": "candle updates of streams",
    "late_bars": "bars that came after their batch",
    "clock_steps": "times that the venue's time jumped against ours",
}


class Counters:
    """Counts by name; also a collector that ``prometheus_client`` can register.

    Parameters
    ----------
    exchange
        Label of every figure.

    Examples
    --------
    >>> counters = Counters("binance")
    >>> counters.add("requests")
    >>> counters.add("requests", 2)
    >>> counters["requests"], counters["garbage"]
    (3, 0)
    """

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self._counts: Counter[str] = Counter()

    def add(self, name: str, count: int = 1) -> None:
        """Count.

        Parameters
        ----------
        name
            One of the figures.
        count
            How many.

        Raises
        ------
        KeyError
            If it is none of them: a bug.
        """
        if name not in _MEANING:
            raise KeyError(name)
        self._counts[name] += count

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def snapshot(self) -> dict[str, int]:
        """Copy all figures, zeros included.

        Returns
        -------
        dict
            Figure by name.
        """
        return {name: self._counts[name] for name in _MEANING}

    def collect(self) -> Iterable[Metric]:
        """Give the figures as Prometheus metrics.

        Yields
        ------
        prometheus_client.core.Metric
            ``mirrorfast_data_<name>_total`` with the label ``exchange``.
        """
        from prometheus_client.core import CounterMetricFamily

        for name, meaning in _MEANING.items():
            metric = CounterMetricFamily(f"mirrorfast_data_{name}", meaning, labels=["exchange"])
            metric.add_metric([self.exchange], self._counts[name])
            yield metric
