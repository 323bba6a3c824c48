"""What stands between an entry and the venue. Exits pass them all."""

from __future__ import annotations

import math
from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mirrorfast.config.execution import ExecutionConfig
    from mirrorfast.execution.orders import Request

__all__ = ["Gates"]

_log = get_logger(__name__)
_DAY_MS: Final = 86_400_000
_MINUTE_S: Final = 60.0
#: The whole account instead of a symbol.
ACCOUNT: Final = "*"


class Gates:
    """Reasons for which no new exposure is taken, each with who says so.

    Parameters
    ----------
    config
        Limits.
    halted
        Says why the kill switch is on; empty while it is off.
    monotonic
        Source of seconds for the rate.
    alarm
        Told of every change: kind, message, details.
    """

    def __init__(
        self,
        config: ExecutionConfig,
        halted: Callable[[], str],
        *,
        monotonic: Callable[[], float],
        alarm: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self._config = config
        self._halted = halted
        self._monotonic = monotonic
        self._alarm = alarm
        self._sent: deque[float] = deque()
        self._quarantine: dict[str, dict[str, str]] = {}
        self._day: tuple[int, float] | None = None
        self._loss = ""
        self.draining = False

    @property
    def quarantined(self) -> Mapping[str, Mapping[str, str]]:
        """Reasons by symbol (``*``: the account) and by kind."""
        return self._quarantine

    def quarantine(self, symbol: str, kind: str, why: str) -> None:
        """Take no new exposure in a symbol until this kind of reason is gone.

        Parameters
        ----------
        symbol
            The market, or ``*`` for the account.
        kind
            Which check says so: the same check lifts it.
        why
            For people.
        """
        reasons = self._quarantine.setdefault(symbol, {})
        if kind not in reasons:
            self._alarm("quarantine", f"{symbol}: {why}", {"symbol": symbol, "kind": kind})
            _log.error("quarantined", symbol=symbol, kind=kind, reason=why)
        reasons[kind] = why

    def lift(self, symbol: str, kind: str) -> None:
        """Take a reason away.

        Parameters
        ----------
        symbol
            The market, or ``*``.
        kind
            Which check.
        """
        reasons = self._quarantine.get(symbol, {})
        if reasons.pop(kind, None) is not None:
            self._alarm("quarantine_lifted", f"{symbol}: {kind}", {"symbol": symbol, "kind": kind})
        if not reasons:
            self._quarantine.pop(symbol, None)

    def on_equity(self, ts: int, equity: float, drawdown: float) -> None:
        """Look at the account after a bar.

        Parameters
        ----------
        ts
            Time, ms.
        equity, drawdown
            Of the engine.
        """
        day = ts // _DAY_MS
        if self._day is None or self._day[0] != day:
            self._day = (day, equity)
        start = self._day[1]
        before = self._loss
        self._loss = ""
        if not math.isfinite(equity) or equity <= 0:
            self._loss = f"equity is {equity}"
        elif start > 0 and 1 - equity / start >= self._config.max_daily_loss:
            self._loss = f"loss of the day {1 - equity / start:.2%}, limit {self._config.max_daily_loss:.2%}"
        elif drawdown >= self._config.max_drawdown:
            self._loss = f"drawdown {drawdown:.2%}, limit {self._config.max_drawdown:.2%}"
        if self._loss and not before:
            self._alarm("limit", self._loss, {})

    def refusal(self, request: Request, price: Decimal | None, data_age_bars: float) -> str:
        """Say why an order may not be sent.

        Parameters
        ----------
        request
            On the venue's grid.
        price
            Last price; an entry needs one.
        data_age_bars
            How many bars ago the bar closed that it was decided on.

        Returns
        -------
        str
            Empty when it may.
        """
        if request.reduces:
            return ""
        if self.draining:
            return "the daemon is stopping"
        if halted := self._halted():
            return halted
        for symbol in (request.symbol, ACCOUNT):
            if reasons := self._quarantine.get(symbol):
                return f"{symbol} is quarantined: {'; '.join(reasons.values())}"
        if self._loss:
            return self._loss
        if data_age_bars > self._config.max_data_age_bars:
            return f"decided on a bar that closed {data_age_bars:.1f} bars ago"
        most = self._config.max_order_notional
        at = request.price or price
        if at is None:
            return "no price is known"
        if most is not None and at * request.quantity > Decimal(str(most)):
            return f"notional {at * request.quantity} above max_order_notional {most:g}"
        now = self._monotonic()
        while self._sent and self._sent[0] <= now - _MINUTE_S:
            self._sent.popleft()
        if len(self._sent) >= self._config.max_orders_per_minute:
            return f"{len(self._sent)} entries within a minute, limit {self._config.max_orders_per_minute}"
        self._sent.append(now)
        return ""
