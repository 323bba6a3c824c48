"""What goes into a risk decision and what comes out of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from mirrorfast.errors import ParameterError, RiskRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Account", "Halt", "RiskDecision", "RiskEvent", "RiskStep"]


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account as the risk rules see it.

    Attributes
    ----------
    cash
        Cash, account currency; short sales have added their proceeds. Give this or `equity`.
    equity
        Cash plus the value of all positions, account currency.
    positions
        Signed quantity by symbol.
    pending
        Signed quantity by symbol of open orders, protective ones left out.
    leverage
        Leverage that the venue grants, >= 1: a position ties up 1 / leverage of its notional.

    Raises
    ------
    ParameterError
        For neither or both of `cash` and `equity`, or a number that is not finite.

    Examples
    --------
    >>> Account(cash=10_000, positions={"BTC/USD": 0.1}).positions
    {'BTC/USD': 0.1}
    """

    cash: float | None = None
    equity: float | None = None
    positions: Mapping[str, float] = field(default_factory=dict)
    pending: Mapping[str, float] = field(default_factory=dict)
    leverage: float = 1.0

    def __post_init__(self) -> None:
        if (self.cash is None) == (self.equity is None):
            raise ParameterError(f"Account: cash = {self.cash}, equity = {self.equity}: expected exactly one of them")
        numbers = {
            "cash": self.cash or 0.0,
            "equity": self.equity or 0.0,
            **{f"positions[{symbol!r}]": quantity for symbol, quantity in self.positions.items()},
            **{f"pending[{symbol!r}]": quantity for symbol, quantity in self.pending.items()},
        }
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise ParameterError(f"Account: {name} = {value}: expected a finite number")
        if not (math.isfinite(self.leverage) and self.leverage >= 1.0):
            raise ParameterError(f"Account: leverage = {self.leverage}: expected a finite number >= 1")


@dataclass(frozen=True)
class RiskStep:
    """One rule at work.

    Attributes
    ----------
    rule
        Its name: ``min_target sizing stop_distance position_cap correlation_cap heat leverage min_cash drawdown
        daily_loss rebalance_band pending precision min_order``, or ``halt``, ``shortable``, ``equity``,
        ``invalid_target``.
    before, after
        Signed fraction of equity; before sizing the target, between sizing and stop distance the fraction at risk.
    limit
        What the rule compared with, NaN where there is nothing to compare with.
    reason
        The step in words.

    Examples
    --------
    >>> RiskStep("position_cap", 0.25, 0.1, 0.1, "…").cuts
    True
    """

    rule: str
    before: float
    after: float
    limit: float
    reason: str

    @property
    def cuts(self) -> bool:
        """Whether the rule made the position smaller.

        Returns
        -------
        bool
            Sizing and stop distance turn one number into another: they only cut where what they need is not known yet.
        """
        if self.rule in ("sizing", "stop_distance"):
            return math.isnan(self.limit)
        return abs(self.after) < abs(self.before)


@dataclass(frozen=True)
class RiskDecision:
    """The decision on one wanted position.

    Attributes
    ----------
    symbol
        Symbol.
    verdict
        ``approved``: the order is what sizing asked for, or an exit; ``reduced``: it is smaller, or only the exit of a
        reversal; ``refused``: a position was wanted and none may be opened; ``hold``: nothing to do.
    order_quantity
        Signed quantity to trade, 0 for none.
    target_quantity
        Signed quantity to hold once the order has filled.
    purpose
        ``entry``, ``resize``, ``exit`` or ``flatten``; none without an order.
    stop_price
        Price of the protective stop; none for none.
    steps
        The rules in the order in which they applied.

    Examples
    --------
    >>> decision = RiskDecision("BTC/USD", "hold", 0.0, 0.0, None, None, ())
    >>> decision.reasons
    []
    """

    symbol: str
    verdict: Literal["approved", "reduced", "refused", "hold"]
    order_quantity: float
    target_quantity: float
    purpose: str | None
    stop_price: float | None
    steps: tuple[RiskStep, ...]

    @property
    def approved(self) -> bool:
        """Whether there is an order to send.

        Returns
        -------
        bool
            True for the verdicts ``approved`` and ``reduced``.
        """
        return self.order_quantity != 0.0

    @property
    def reasons(self) -> list[str]:
        """The steps in words.

        Returns
        -------
        list of str
            In the order in which the rules applied.
        """
        return [step.reason for step in self.steps]

    def require(self) -> RiskDecision:
        """Insist on the decision not being a refusal.

        Returns
        -------
        RiskDecision
            This decision.

        Raises
        ------
        RiskRefusal
            When the verdict is ``refused``, with the reasons.

        Examples
        --------
        >>> RiskDecision("BTC/USD", "hold", 0.0, 0.0, None, None, ()).require().verdict
        'hold'
        """
        if self.verdict == "refused":
            cuts = [step.reason for step in self.steps if step.cuts] or self.reasons
            raise RiskRefusal(f"{self.symbol}: {'; '.join(cuts)}")
        return self


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


@dataclass(frozen=True)
class Halt:
    """A halt of trading, in force until a person lifts it.

    Attributes
    ----------
    reason
        ``drawdown`` or ``operator``.
    time
        When, UTC.
    equity, peak
        Equity then, and its highest value before; account currency.
    drawdown
        Fraction lost from the peak.

    Examples
    --------
    >>> Halt.of({"reason": "operator", "ts": 0, "equity": 1.0, "peak": 1.0, "drawdown": 0.0}).reason
    'operator'
    """

    reason: str
    time: datetime
    equity: float
    peak: float
    drawdown: float

    @classmethod
    def of(cls, record: Mapping[str, object]) -> Halt:
        """Read the engine's record.

        Parameters
        ----------
        record
            Fields by name, ``ts`` in milliseconds.

        Returns
        -------
        Halt
        """
        values = {name: value for name, value in record.items() if name != "ts"}
        return cls(time=_instant(int(str(record["ts"]))), **values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class RiskEvent:
    """A change of the limits.

    Attributes
    ----------
    kind
        ``drawdown_half``, ``drawdown_no_new_risk``, ``drawdown_halt``, ``daily_loss`` or ``recovered``; the gravest
        where two changed at once.
    time
        When, UTC.
    equity, peak
        Equity, and its highest value so far; account currency.
    drawdown, daily_loss
        Fractions lost from the peak, and since 00:00 UTC.

    Examples
    --------
    >>> record = {"kind": "daily_loss", "ts": 0, "equity": 1.0, "peak": 1.0, "drawdown": 0.0, "daily_loss": 0.05}
    >>> RiskEvent.of(record).kind
    'daily_loss'
    """

    kind: str
    time: datetime
    equity: float
    peak: float
    drawdown: float
    daily_loss: float

    @classmethod
    def of(cls, record: Mapping[str, object]) -> RiskEvent:
        """Read the engine's record.

        Parameters
        ----------
        record
            Fields by name, ``ts`` in milliseconds.

        Returns
        -------
        RiskEvent
        """
        values = {name: value for name, value in record.items() if name != "ts"}
        return cls(time=_instant(int(str(record["ts"]))), **values)  # type: ignore[arg-type]
