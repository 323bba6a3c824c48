"""A venue's precision and limits: orders are put on its grid, or refused here with the reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.execution.answers import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirrorfast.execution.orders import Request

__all__ = ["Contract", "contract_of"]

_ZERO: Final = Decimal(0)
_TINY: Final = Decimal("0.00000001")
#: How far below its trigger the limit of an emulated stop stands: it must fill in a fast market.
_STOP_LIMIT_ROOM: Final = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Contract:
    """What a venue allows for one market, exact.

    Attributes
    ----------
    symbol, base, quote
        Names.
    spot
        Or else a perpetual.
    active
        Trading, not halted or delisted.
    tick, lot
        Steps of price and quantity.
    min_quantity, max_quantity, min_notional
        Limits of one order; 0 or ``None`` where there is none.
    stop_market, trailing
        Whether the venue has stop-market and trailing orders for it.
    taker
        Fee rate, for estimates.
    """

    symbol: str
    base: str
    quote: str
    spot: bool
    active: bool
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    max_quantity: Decimal | None
    min_notional: Decimal
    stop_market: bool = True
    trailing: bool = False
    taker: Decimal = Decimal("0.001")

    def floor(self, quantity: Decimal) -> Decimal:
        """Round towards zero to whole lots.

        Parameters
        ----------
        quantity
            Any sign.

        Returns
        -------
        Decimal
            On the grid.
        """
        return (quantity / self.lot).to_integral_value(ROUND_DOWN) * self.lot

    def on_grid(self, request: Request) -> Request:
        """Put a request on the venue's grid: quantity down, prices so that the order is no worse than wanted.

        Parameters
        ----------
        request
            As the engine wants it.

        Returns
        -------
        Request
            What may be sent. A stop that the venue has only with a limit becomes one, with room below its trigger.
        """
        # The engine's number is a float: 0.3 may come as 0.29999999999999998.
        lots = request.quantity / self.lot
        whole = lots.to_integral_value(ROUND_HALF_EVEN)
        if abs(lots - whole) > Decimal("0.000001"):
            whole = lots.to_integral_value(ROUND_DOWN)
        buys = request.side == "buy"
        changes: dict[str, Any] = {"quantity": whole * self.lot}
        if request.price is not None:
            changes["price"] = self._price(request.price, ROUND_FLOOR if buys else ROUND_CEILING)
        if request.trigger is not None:
            changes["trigger"] = self._price(request.trigger, ROUND_HALF_EVEN)
        if request.type == "stop" and not self.stop_market:
            room = 1 + _STOP_LIMIT_ROOM if buys else 1 - _STOP_LIMIT_ROOM
            changes["type"] = "stop_limit"
            changes["price"] = self._price(changes["trigger"] * room, ROUND_CEILING if buys else ROUND_FLOOR)
        if request.type == "trailing_stop" and not self.trailing:
            # The engine moves it with every bar: to the venue it is a stop that is replaced.
            changes["type"] = "stop" if self.stop_market else "stop_limit"
        return replace(request, **changes)

    def _price(self, price: Decimal, rounding: str) -> Decimal:
        ticks = price / self.tick
        near = ticks.to_integral_value(ROUND_HALF_EVEN)
        if abs(ticks - near) > Decimal("0.000001"):
            near = ticks.to_integral_value(rounding)
        return near * self.tick

    def refusal(self, request: Request, price: Decimal | None) -> str:
        """Say why the venue would refuse a request that is on the grid.

        Parameters
        ----------
        request
            What would be sent.
        price
            Last price, for the notional of market orders; ``None`` leaves that to the venue.

        Returns
        -------
        str
            Empty when nothing is against it.
        """
        if not self.active:
            return f"{self.symbol} is not trading at the venue"
        if request.quantity <= 0:
            return f"quantity below the lot {self.lot}"
        if request.quantity % self.lot:
            return f"quantity {request.quantity} is no multiple of the lot {self.lot}"
        if request.quantity < self.min_quantity:
            return f"quantity {request.quantity} is below the least, {self.min_quantity}"
        if self.max_quantity is not None and request.quantity > self.max_quantity:
            return f"quantity {request.quantity} is above the most, {self.max_quantity}"
        for name, value in (("price", request.price), ("trigger", request.trigger)):
            if value is not None and (value <= 0 or value % self.tick):
                return f"{name} {value} is no multiple > 0 of the tick {self.tick}"
        at = request.price or request.trigger or price
        # Perpetuals: what only reduces may be small.
        free = request.reduce_only and not self.spot
        if at is not None and not free and at * request.quantity < self.min_notional:
            return f"notional {at * request.quantity} {self.quote} is below the least, {self.min_notional}"
        return ""

    def is_dust(self, quantity: Decimal, price: Decimal | None) -> bool:
        """Tell whether the venue takes no order for so little.

        Parameters
        ----------
        quantity
            Held, any sign.
        price
            Last price.

        Returns
        -------
        bool
            Whether it can only be left where it is.
        """
        size = self.floor(abs(quantity))
        if size < max(self.min_quantity, self.lot):
            return True
        return self.spot and price is not None and size * price < self.min_notional


def contract_of(market: Mapping[str, Any]) -> Contract:
    """Read a market of ccxt's, with numbers as text and precision as steps.

    Parameters
    ----------
    market
        Of ``exchange.market(symbol)``.

    Returns
    -------
    Contract
        Exact.
    """
    limits, precision = market["limits"], market["precision"]
    amounts, info = limits.get("amount") or {}, market.get("info") or {}
    kinds = {str(k) for k in info.get("orderTypes") or ()}
    at_market = limits.get("market") or {}
    least = max(number(amounts.get("min")) or _ZERO, number(at_market.get("min")) or _ZERO)
    return Contract(
        symbol=str(market["symbol"]),
        base=str(market["base"]),
        quote=str(market["quote"]),
        spot=bool(market["spot"]),
        active=market.get("active") is not False,
        tick=number(precision.get("price")) or _TINY,
        lot=number(precision.get("amount")) or _TINY,
        min_quantity=least,
        max_quantity=number(amounts.get("max")),
        min_notional=number((limits.get("cost") or {}).get("min")) or _ZERO,
        stop_market=not kinds or bool(kinds & {"STOP_LOSS", "STOP_MARKET"}),
        trailing="TRAILING_STOP_MARKET" in kinds,
        taker=number(market.get("taker")) or Decimal("0.001"),
    )
