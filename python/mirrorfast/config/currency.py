"""What symbols are quoted in, what the amounts of a run are in, and which pairs tell the rates between the two."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["account_currency", "check_currencies", "pair_of", "quotes_of", "rate_pairs", "rate_symbol", "sound_rates"]


def pair_of(symbol: str) -> tuple[str, str]:
    """Split a symbol into base and quote.

    Parameters
    ----------
    symbol
        Such as BTC/USD, BTC-USD, and BTC/USDT:USDT of a perpetual.

    Returns
    -------
    tuple of str and str
        In upper case; empty where the name does not say.

    Examples
    --------
    >>> pair_of("BTC/USDT:USDT"), pair_of("gold")
    (('BTC', 'USDT'), ('GOLD', ''))
    """
    base, _, quote = symbol.upper().replace("-", "/").partition("/")
    return base, quote.partition(":")[0]


def quotes_of(
    symbols: Sequence[str], stated: Mapping[str, str | None], currency: str, rated: set[str]
) -> dict[str, str]:
    """Find the quote currency of every symbol.

    Parameters
    ----------
    symbols
        Names.
    stated
        Quote currencies that the configuration states.
    currency
        The account's currency.
    rated
        Currencies that have a rate.

    Returns
    -------
    dict
        Quote currency by symbol. One that all symbols share is the account's, whatever it is called (USDT in a run "in
        USD"), unless it has a rate.

    Examples
    --------
    >>> quotes_of(["BTC/USDT"], {}, "USD", set()), quotes_of(["BTC/EUR"], {}, "USD", {"EUR"})
    ({'BTC/USDT': 'USD'}, {'BTC/EUR': 'EUR'})
    """
    quotes = {name: (stated.get(name) or pair_of(name)[1] or currency).upper() for name in symbols}
    found = set(quotes.values())
    return quotes if len(found) > 1 or found & rated else dict.fromkeys(symbols, currency)


def account_currency(currency: str, quotes: Mapping[str, str]) -> str:
    """Tell what the amounts of a run are in.

    Parameters
    ----------
    currency
        What the configuration calls it.
    quotes
        Quote currency by symbol, as `quotes_of` gives them.

    Returns
    -------
    str
        What the names of the symbols say, where all say the same and nothing is converted; else `currency`.

    Examples
    --------
    >>> account_currency("USD", {"BTC/USDT": "USD"}), account_currency("USD", {"BTC/EUR": "EUR", "EUR/USD": "USD"})
    ('USDT', 'USD')
    """
    said = {pair_of(name)[1] for name in quotes} - {""}
    return said.pop() if len(said) == 1 and set(quotes.values()) == {currency} else currency


def rate_symbol(name: str, symbol: str, currency: str, quotes: Mapping[str, str]) -> dict[str, Any]:
    """Write a pair that tells a rate as the engine reads it.

    Parameters
    ----------
    name
        The currency whose rate it tells.
    symbol
        The pair.
    currency
        The account's currency.
    quotes
        Quote currency by symbol.

    Returns
    -------
    dict
        ``symbol``; ``inverse``: the pair counts the currency in its quote; ``through``: its other side, None for the
        account's own.

    Examples
    --------
    >>> rate_symbol("JPY", "USD/JPY", "USD", {})
    {'symbol': 'USD/JPY', 'inverse': True, 'through': None}
    """
    base, quote = pair_of(symbol)
    quote = quotes.get(symbol, quote)
    other = base if name == quote else quote
    return {"symbol": symbol, "inverse": name == quote, "through": None if other == currency else other}


def sound_rates(rates: Mapping[str, float]) -> dict[str, float]:
    """Check constant rates; names come out in upper case.

    Parameters
    ----------
    rates
        Account currency for one unit, by currency.

    Returns
    -------
    dict
        The same.

    Raises
    ------
    ValueError
        For a rate that is not a finite number > 0.
    """
    for name, rate in rates.items():
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"{name} = {rate}: expected a number > 0 (account currency for one {name})")
    return {name.upper(): rate for name, rate in rates.items()}


def rate_pairs(symbols: Mapping[str, str]) -> dict[str, str]:
    """Check the pairs that tell rates; currencies come out in upper case.

    Parameters
    ----------
    symbols
        Pair by currency.

    Returns
    -------
    dict
        The same.

    Raises
    ------
    ValueError
        For a symbol that is no pair of the currency and another one.
    """
    for name, symbol in symbols.items():
        base, quote = pair_of(symbol)
        if name.upper() not in (base, quote) or not base or not quote or base == quote:
            raise ValueError(f"{name} = {symbol!r}: expected a pair of {name} and another currency, such as {name}/USD")
    return {name.upper(): symbol for name, symbol in symbols.items()}


def check_currencies(
    currency: str,
    rates: Mapping[str, float],
    rate_symbols: Mapping[str, str],
    symbols: Sequence[str],
    watch: Sequence[str],
) -> None:
    """Check that what a configuration says of currencies and symbols agrees.

    Parameters
    ----------
    currency, rates, rate_symbols, symbols, watch
        Fields of `TradingConfig`.

    Raises
    ------
    ValueError
        When it does not.
    """
    both = next((name for name in watch if name in symbols), None)
    if both is not None:
        raise ValueError(f"watch = {both!r}: it stands in symbols too: expected it in one of the two")
    if rates.get(currency, 1.0) != 1.0:
        raise ValueError(f"rates: {currency} = {rates[currency]}: expected 1 for the account's own currency")
    for name, symbol in rate_symbols.items():
        if name == currency:
            raise ValueError(f"rate_symbols: {name} = {symbol!r}: expected none for the account's own currency")
        if symbols and symbol not in (*symbols, *watch):
            raise ValueError(
                f"rate_symbols: {name} = {symbol!r}: expected one of symbols ({', '.join(symbols)}), or of watch, "
                "which takes its bars along without trading it"
            )
