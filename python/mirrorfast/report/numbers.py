"""Numbers and times as people read them. Everything here returns plain text, not HTML."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final

__all__ = [
    "closed_by",
    "count",
    "day",
    "duration",
    "fraction",
    "moment",
    "money",
    "number",
    "percent",
    "price",
    "sentence",
    "words",
]

#: Shown where there is no number.
NONE = "–"


def _is_none(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _minus(text: str) -> str:
    """Use the real minus sign, and none before a zero."""
    if text.startswith("-"):
        text = "−" + text[1:] if any(c in "123456789" for c in text) else text[1:]
    return text


def number(value: float | None, digits: int = 2) -> str:
    """Write a ratio or a score.

    Examples
    --------
    >>> number(-1.234), number(float("nan")), number(12345.6, 0)
    ('−1.23', '–', '12,346')
    """
    if value is None or _is_none(value):
        return NONE
    return _minus(f"{value:,.{digits}f}")


def count(value: float | None) -> str:
    """Write a whole number."""
    return number(value, 0)


def percent(value: float | None, digits: int = 1, *, sign: bool = False) -> str:
    """Write a fraction as a percentage.

    Examples
    --------
    >>> percent(0.1234), percent(-0.05, sign=True), percent(0.05, sign=True), percent(-0.0001, sign=True)
    ('12.3 %', '−5.0 %', '+5.0 %', '0.0 %')
    """
    if value is None or _is_none(value):
        return NONE
    text = f"{100 * value:,.{digits}f}"
    if not any(c in "123456789" for c in text):
        return text.removeprefix("-") + " %"
    return ("+" if sign and value > 0 else "") + _minus(text) + " %"


def money(value: float | None, *, sign: bool = False) -> str:
    """Write an amount of quote currency.

    Examples
    --------
    >>> money(1234.567), money(-0.001), money(5, sign=True)
    ('1,234.57', '0.00', '+5.00')
    """
    if value is None or _is_none(value):
        return NONE
    text = _minus(f"{value:,.2f}")
    return "+" + text if sign and value > 0 and any(c in "123456789" for c in text) else text


def price(value: float | None) -> str:
    """Write a price with as many digits as its size asks for.

    Examples
    --------
    >>> price(19783.06), price(1.17543), price(0.00000012345)
    ('19,783.06', '1.17543', '0.00000012345')
    """
    if value is None or _is_none(value):
        return NONE
    if value == 0:
        return "0"
    digits = max(2, 5 - math.floor(math.log10(abs(value))))
    digits = 2 if abs(value) >= 1_000 else min(digits, 14)
    text = f"{value:,.{digits}f}"
    whole, _, rest = text.partition(".")
    return _minus(f"{whole}.{rest.rstrip('0').ljust(2, '0')}")


def fraction(value: float | None) -> str:
    """Write a position in [−1, 1].

    Examples
    --------
    >>> fraction(0.5), fraction(-0.25)
    ('+0.50', '−0.25')
    """
    if value is None or _is_none(value):
        return NONE
    text = _minus(f"{value:.2f}")
    return "+" + text if value > 0 and text != "0.00" else text


def duration(seconds: float | None) -> str:
    """Write a length of time in its two largest units.

    Examples
    --------
    >>> duration(90), duration(3 * 3600), duration(200 * 86400), duration(5.5 * 86400)
    ('1 min 30 s', '3 h', '200 days', '5 days 12 h')
    """
    if seconds is None or _is_none(seconds):
        return NONE
    rest = round(seconds)
    days, rest = divmod(rest, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    if days:
        text = f"{days:,} day" + ("s" if days > 1 else "")
        return f"{text} {hours} h" if hours and days < 14 else text
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"


def _utc(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def day(ms: float) -> str:
    """Write a day.

    Examples
    --------
    >>> day(1_498_867_200_000)
    '1 Jul 2017'
    """
    at = _utc(ms)
    return f"{at.day} {at:%b %Y}"


def moment(ms: float) -> str:
    """Write a minute, UTC.

    Examples
    --------
    >>> moment(1_498_867_200_000)
    '2017-07-01 00:00'
    """
    return f"{_utc(ms):%Y-%m-%d %H:%M}"


#: Words of identifiers that are not written as they are spelled.
_TERMS: Final = {
    "atr": "ATR",
    "cvar": "CVaR",
    "hmm": "HMM",
    "macd": "MACD",
    "mae": "MAE",
    "mfe": "MFE",
    "ml": "ML",
    "pnl": "PnL",
    "rl": "RL",
    "rsi": "RSI",
    "ut": "UT",
    "var": "VaR",
    "vbsr": "VBSR",
    "vwap": "VWAP",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "calmar": "Calmar",
    "omega": "Omega",
}


def words(name: str | None) -> str:
    """Make a label of an identifier.

    Examples
    --------
    >>> words("stop_loss"), words("ut_bot"), words(None)
    ('Stop loss', 'UT bot', '–')
    """
    if not name:
        return NONE
    text = " ".join(_TERMS.get(word, word) for word in name.replace("_", " ").split())
    return text[:1].upper() + text[1:]


def sentence(reason: str) -> str:
    """Write a machine's sentence with real minus signs.

    Examples
    --------
    >>> sentence("cap: -150.08 % of equity cut to -10.00 %, well-known")
    'cap: −150.08 % of equity cut to −10.00 %, well-known'
    >>> sentence("cut to -0.00 %")
    'cut to 0.00 %'
    """
    return re.sub(r"(?<![\w.])-(?=\d)", "−", re.sub(r"(?<![\w.])-(0(?:\.0+)?)(?![\d.])", r"\1", reason))


def closed_by(purpose: str | None) -> str:
    """Say why a trade was closed.

    Examples
    --------
    >>> closed_by("exit"), closed_by("stop_loss")
    ('Signal', 'Stop loss')
    """
    return {"exit": "Signal", "time_exit": "Too old", "flatten": "Risk halt"}.get(purpose or "", words(purpose))
