"""What venues allow and give: request weight, candles an answer, and where the candles stand in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from mirrorfast.data.venue.limiter import Window

__all__ = ["Layout", "Venue", "venue_of"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a venue's answer holds its candles.

    Attributes
    ----------
    path
        Keys from the top of the JSON document; ``"*"`` is the first key whose value is a list.
    columns
        Places of time, open, high, low, close and volume in a row.
    time_unit
        Milliseconds of one unit of the time.
    """

    path: tuple[str, ...] = ()
    columns: tuple[int, int, int, int, int, int] = (0, 1, 2, 3, 4, 5)
    time_unit: int = 1


@dataclass(frozen=True, slots=True)
class Venue:
    """Facts about one venue.

    Attributes
    ----------
    windows
        Its limits on public calls by address.
    weight_per_cost
        Weight of one unit of ccxt's cost; ``None``: every request weighs 1.
    page
        Most candles of one answer.
    layout
        Of a spot market's candles; ``None``: ccxt reads them.
    """

    windows: tuple[Window, ...]
    weight_per_cost: float | None = 1.0
    page: int = 500
    layout: Layout | None = None


# The venues' own documents. ccxt's costs of Binance are a fifth of its weights (1,200 a minute for 6,000).
_VENUES: Final = {
    "binance": Venue((Window(6_000, 60),), 5.0, 1_000, Layout()),
    "binance swap": Venue((Window(2_400, 60),), 1.0, 1_000, Layout()),
    "bybit": Venue((Window(600, 5),), None, 1_000, Layout(("result", "list"))),
    "okx": Venue((Window(40, 2),), None, 300, Layout(("data",))),
    "kraken": Venue((Window(1, 1),), None, 720, Layout(("result", "*"), (0, 1, 2, 3, 4, 6), 1_000)),
}


_OKX_CONTRACTS: Final = (0, 1, 2, 3, 4, 6)  # the sixth number of a contract's candle is contracts, the seventh coins


def venue_of(client: Any, kind: str = "spot") -> Venue:
    """Look a venue up; one that is not in the table gets ccxt's own pace and reading.

    Parameters
    ----------
    client
        A ccxt exchange.
    kind
        ``spot`` or ``swap``.

    Returns
    -------
    Venue
        Its facts.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> venue_of(SimpleNamespace(id="okx")).page
    300
    >>> venue_of(SimpleNamespace(id="other", rateLimit=250)).windows
    (Window(weight=4.0, seconds=1.0),)
    """
    known = _VENUES.get(f"{client.id} {kind}", _VENUES.get(str(client.id)))
    if known is not None:
        if client.id == "okx" and kind == "swap":
            return replace(known, layout=Layout(("data",), _OKX_CONTRACTS))
        return known
    pause_s = float(client.rateLimit) / 1_000
    span = max(1.0, pause_s)
    return Venue((Window(span / pause_s, span),))
