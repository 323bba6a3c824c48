"""Messages between layers: immutable, so that whoever receives one cannot change what another sees."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Decision", "FillEvent", "Halted", "TradeOutcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided for one symbol on one closed bar, and why.

    Attributes
    ----------
    id : int
        Number within the run, from 1.
    ts : int
        Close time of the bar, milliseconds since the epoch, UTC.
    symbol : str
        Symbol.
    price : float
        Close of the bar, quote currency.
    position : float
        Target, a fraction of full size in [-1, 1].
    direction : {"Buy", "Sell", "Hold"}
        Label of the consensus.
    votes : mapping of str to float
        Each strategy's signal in [-1, 1].
    verdict : {"approved", "reduced", "refused", "hold"}
        What risk made of it.
    reasons : tuple of str
        Each rule that changed the size, in the order in which they applied.

    Examples
    --------
    >>> Decision(id=1, ts=0, symbol="BTC/USD", price=2500.0, position=0.6, direction="Buy", verdict="approved").reasons
    ()
    """

    id: int
    ts: int
    symbol: str
    price: float
    position: float
    direction: Literal["Buy", "Sell", "Hold"]
    verdict: Literal["approved", "reduced", "refused", "hold"]
    votes: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FillEvent:
    """One execution of an order.

    Attributes
    ----------
    id : int
        Number within the run, from 1.
    ts : int
        Open time of the bar in which it happened, milliseconds since the epoch, UTC.
    symbol : str
        Symbol.
    side : {"buy", "sell"}
        Side.
    quantity : float
        Base units, > 0.
    price : float
        Quote currency.
    fee : float
        Quote currency; negative for a rebate.
    purpose : str
        Why the order existed: ``entry``, ``resize``, ``exit``, ``stop_loss`` …

    Examples
    --------
    >>> FillEvent(id=1, ts=0, symbol="BTC/USD", side="buy", quantity=0.5, price=2500.0, fee=1.25, purpose="entry").fee
    1.25
    """

    id: int
    ts: int
    symbol: str
    side: Literal["buy", "sell"]
    quantity: float
    price: float
    fee: float
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOutcome:
    """A closed round trip: what flows back to the strategies' trainer.

    Attributes
    ----------
    symbol : str
        Symbol.
    entry_ts, exit_ts : int
        Times of the first and the last fill, milliseconds since the epoch, UTC.
    pnl : float
        Profit after fees and funding, account currency.
    pnl_fraction : float
        `pnl` as a fraction of the equity at entry.
    contributions : mapping of str to float
        Each strategy's share of the vote that opened it; the shares' absolute values sum to at most 1.

    Examples
    --------
    >>> TradeOutcome(symbol="BTC/USD", entry_ts=0, exit_ts=3_600_000, pnl=12.5, pnl_fraction=0.001).contributions
    {}
    """

    symbol: str
    entry_ts: int
    exit_ts: int
    pnl: float
    pnl_fraction: float
    contributions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """Trading stopped until a person lifts it.

    Attributes
    ----------
    ts : int
        When, milliseconds since the epoch, UTC.
    reason : str
        The rule that fired, with its numbers.

    Examples
    --------
    >>> Halted(ts=0, reason="drawdown 20.3 % >= 20 %").reason
    'drawdown 20.3 % >= 20 %'
    """

    ts: int
    reason: str
