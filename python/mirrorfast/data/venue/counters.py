"""What happened on the way to a venue, counted: for a person, for a test, for Prometheus."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    "suspects": "bars far off their neighbours",
    "suspects_confirmed": "suspect bars that a second source or the next bar agreed with",
    "market_loads": "times that the markets were loaded",
    "market_changes": "changes of markets: status, precision, limits",
    "stale": "series whose newest bar was too old",
    "reconnects": "stream connections made again",
    "stream_updates": "candle updates of streams",
    "late_bars": "bars that came after their batch",
    "clock_steps": "times that the venue's time jumped against ours",
}

_GAUGES: Final = {
    "waiting": "requests in the queue of the rate limit",
    "closed_s": "seconds for which the venue wants no request",
    "breaker_open": "1 while a kind of call is left alone, 0.5 while it is tried, else 0",
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
        self._gauges: dict[tuple[str, str], Callable[[], float]] = {}

    def gauge(self, name: str, read: Callable[[], float], kind: str = "") -> None:
        """Have the present value of something collected with the counts.

        Parameters
        ----------
        name
            ``waiting``, ``closed_s`` or ``breaker_open``.
        read
            Tells it; called from other threads.
        kind
            Which of several.

        Raises
        ------
        KeyError
            If it is none of them: a bug.
        """
        if name not in _GAUGES:
            raise KeyError(name)
        self._gauges[name, kind] = read

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
            ``mirrorfast_data_<name>_total`` with the label ``exchange``, and gauges of limit and breakers.
        """
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for name, meaning in _MEANING.items():
            metric = CounterMetricFamily(f"mirrorfast_data_{name}", meaning, labels=["exchange"])
            metric.add_metric([self.exchange], self._counts[name])
            yield metric
        gauges = dict(self._gauges)  # a copy: another thread may add one
        for name, meaning in _GAUGES.items():
            gauge = GaugeMetricFamily(f"mirrorfast_data_{name}", meaning, labels=["exchange", "kind"])
            for (which, kind), read in gauges.items():
                if which == name:
                    gauge.add_metric([self.exchange, kind], read())
            yield gauge
