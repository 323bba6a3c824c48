"""A venue's markets as a table."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

__all__ = ["MARKET_SCHEMA", "market_table"]

MARKET_SCHEMA: Final = pl.Schema(
    {
        "exchange": pl.String(),
        "symbol": pl.String(),
        "id": pl.String(),
        "base": pl.String(),
        "quote": pl.String(),
        "kind": pl.String(),
        "price_step": pl.Float64(),
        "amount_step": pl.Float64(),
        "min_amount": pl.Float64(),
        "min_cost": pl.Float64(),
        "maker": pl.Float64(),
        "taker": pl.Float64(),
        "quote_volume": pl.Float64(),
    }
)
"""Columns of a table of markets."""


def market_table(exchange: str, markets: dict[str, Any], *, quote: str, kind: str) -> pl.DataFrame:
    """Take the active markets of one kind and quote currency out of ccxt's.

    Parameters
    ----------
    exchange
        Name of the venue.
    markets
        ccxt's markets by symbol.
    quote
        Quote currency; empty for all.
    kind
        ``spot`` or ``swap``.

    Returns
    -------
    polars.DataFrame
        One row a market, in ccxt's order. Steps are null where the venue counts decimals instead.

    Examples
    --------
    >>> market = {"symbol": "A/B", "id": "AB", "base": "A", "quote": "B", "spot": True, "active": True}
    >>> market_table("demo", {"A/B": market}, quote="B", kind="spot")["symbol"].to_list()
    ['A/B']
    """
    rows = []
    for market in markets.values():
        # A venue that does not say is taken for active, as ccxt does.
        if not market.get(kind) or market.get("active") is False or (quote and market.get("quote") != quote):
            continue
        limits, precision = market.get("limits") or {}, market.get("precision") or {}
        rows.append(
            (
                exchange,
                market["symbol"],
                market["id"],
                market["base"],
                market["quote"],
                kind,
                _number(precision.get("price")),
                _number(precision.get("amount")),
                _number((limits.get("amount") or {}).get("min")),
                _number((limits.get("cost") or {}).get("min")),
                _number(market.get("maker")),
                _number(market.get("taker")),
                None,
            )
        )
    return pl.DataFrame(rows, schema=MARKET_SCHEMA, orient="row")


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
