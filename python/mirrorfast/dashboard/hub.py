"""One document for all viewers: numbered deltas in a ring, snapshots for whoever has fallen out of it.

A viewer has no queue, only the number of the last delta that it was given. One that is slow finds several deltas at its
next turn, or a fresh snapshot where the ring no longer has them; memory does not grow with slowness.
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.dashboard.ops import apply

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from mirrorfast.dashboard.ops import Op

__all__ = ["Hub", "Viewer"]

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class _Delta:
    """Operations of one number; those on charts go to those who look at that symbol."""

    __slots__ = ("_charts", "_common", "_texts", "seq", "size")

    def __init__(self, seq: int, ops: Iterable[Op]) -> None:
        self.seq = seq
        common: list[str] = []
        charts: dict[str, list[str]] = {}
        for op in ops:
            path = op[1]
            if path[0] == "charts" and len(path) > 1:
                charts.setdefault(path[1], []).append(_ENCODER.encode(op))
            else:
                common.append(_ENCODER.encode(op))
        self._common = ",".join(common)
        self._charts = {symbol: ",".join(texts) for symbol, texts in charts.items()}
        self._texts: dict[str, str] = {}
        self.size = len(self._common) + sum(map(len, self._charts.values()))

    def text(self, symbol: str) -> str:
        chart = self._charts.get(symbol, "")
        key = symbol if chart else ""
        text = self._texts.get(key)
        if text is None:
            ops = ",".join(part for part in (self._common, chart) if part)
            text = self._texts[key] = f'{{"seq":{self.seq},"ops":[{ops}]}}'
        return text


class Viewer:
    """One connection: where it stands.

    Parameters
    ----------
    symbol
        Whose chart it looks at.
    wake
        Set when there is something new.
    """

    def __init__(self, wake: asyncio.Event, symbol: str = "") -> None:
        self.wake = wake
        self.symbol = symbol
        self.seq: int | None = None
        self.wanted: str | None = None
        self.snapshots = 0


class Hub:
    """Keeps the document and the last deltas. Everything runs on one event loop.

    Parameters
    ----------
    keep
        Deltas that are kept.
    keep_bytes
        Size in characters beyond which fewer are kept.
    """

    def __init__(self, *, keep: int = 600, keep_bytes: int = 8_000_000) -> None:
        self.epoch: Final = secrets.token_hex(8)
        self.seq = 0
        self.document: dict[str, Any] = {"charts": {}}
        self.viewers: set[Viewer] = set()
        self.closed = False
        self._ring: deque[_Delta] = deque()
        self._keep, self._keep_bytes, self._bytes = keep, keep_bytes, 0
        self._snapshots: dict[str, str] = {}

    def publish(self, ops: list[Op]) -> None:
        """Change the document and tell all viewers.

        Parameters
        ----------
        ops
            What changes; nothing happens without any.
        """
        if not ops:
            return
        # Encoded first: what cannot be encoded must not get into the document either.
        delta = _Delta(self.seq + 1, ops)
        apply(self.document, ops)
        self.seq += 1
        self._ring.append(delta)
        self._bytes += delta.size
        while len(self._ring) > self._keep or (self._bytes > self._keep_bytes and len(self._ring) > 1):
            self._bytes -= self._ring.popleft().size
        self._snapshots.clear()
        for viewer in self.viewers:
            viewer.wake.set()

    def close(self) -> None:
        """Let viewers go once they have seen everything."""
        self.closed = True
        for viewer in self.viewers:
            viewer.wake.set()

    def first_symbol(self) -> str:
        """Name the symbol whose chart is shown first."""
        symbols = self.document.get("run", {}).get("symbols") or [""]
        return str(symbols[0])

    def greet(self, viewer: Viewer, *, epoch: str | None, seq: int | None) -> None:
        """Let a viewer go on where it was, if that is still known.

        Parameters
        ----------
        viewer
            Who.
        epoch, seq
            What it last saw; of another process, or too long ago, is nothing.
        """
        viewer.seq = seq if epoch == self.epoch and seq is not None and self._covers(seq) else None

    def _covers(self, seq: int) -> bool:
        return seq == self.seq or (bool(self._ring) and self._ring[0].seq - 1 <= seq < self.seq)

    def next(self, viewer: Viewer) -> str | None:
        """Give what a viewer has not seen, and count it as seen.

        Parameters
        ----------
        viewer
            Who.

        Returns
        -------
        str or None
            A message, or nothing where it has seen all.
        """
        wanted, viewer.wanted = viewer.wanted, None
        if viewer.seq is None or not self._covers(viewer.seq):
            if wanted is not None:
                viewer.symbol = wanted
            viewer.seq, viewer.snapshots = self.seq, viewer.snapshots + 1
            return self.snapshot(viewer.symbol)
        if viewer.seq == self.seq and wanted is None:
            return None
        # Deltas up to now with the old chart, then the new chart as it is now: nothing twice, nothing left out.
        parts = [d.text(viewer.symbol) for d in self._after(viewer.seq)]
        viewer.seq = self.seq
        chart = ""
        if wanted is not None:
            viewer.symbol = wanted
            one = _ENCODER.encode({"symbol": wanted, "chart": self.document["charts"].get(wanted, {})})
            chart = f',"chart":{one}'
        return f'{{"t":"delta","list":[{",".join(parts)}]{chart}}}'

    def _after(self, seq: int) -> list[_Delta]:
        count = self.seq - seq
        return [self._ring[len(self._ring) - count + k] for k in range(count)]

    def snapshot(self, symbol: str) -> str:
        """Give everything, with the chart of one symbol.

        Parameters
        ----------
        symbol
            Whose chart.

        Returns
        -------
        str
            A message.
        """
        text = self._snapshots.get(symbol)
        if text is None:
            charts = {symbol: self.document["charts"].get(symbol, {})}
            document = self.document | {"charts": charts}
            head = {"t": "snapshot", "epoch": self.epoch, "seq": self.seq, "symbol": symbol, "document": document}
            text = self._snapshots[symbol] = _ENCODER.encode(head)
        return text
