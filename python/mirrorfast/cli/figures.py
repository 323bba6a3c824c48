"""Figures of a run for people and for machines."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["figures", "plain"]

_FIGURES = (
    ("total_return", "total return", "{:+.2%}"),
    ("annual_return", "annual return", "{:+.2%}"),
    ("annual_volatility", "annual volatility", "{:.2%}"),
    ("sharpe", "Sharpe ratio", "{:.2f}"),
    ("sortino", "Sortino ratio", "{:.2f}"),
    ("max_drawdown", "maximum drawdown", "{:.2%}"),
    ("win_rate", "win rate", "{:.1%}"),
    ("profit_factor", "profit factor", "{:.2f}"),
    ("exposure", "time in the market", "{:.1%}"),
)


def figures(stats: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Label and value of the figures that a summary shows.

    Parameters
    ----------
    stats
        Figures by name, as :func:`mirrorfast.performance` gives them.

    Yields
    ------
    tuple of str
        Label, and the value or a dash where it is undefined.

    Examples
    --------
    >>> dict(figures({"win_rate": 0.5}))["win rate"]
    '50.0%'
    """
    for key, label, form in _FIGURES:
        value = stats.get(key)
        yield label, "–" if value is None or not math.isfinite(value) else form.format(value)


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Replace what JSON cannot say.

    Parameters
    ----------
    values
        Anything by name.

    Returns
    -------
    dict
        The same with ``None`` for NaN and infinities.

    Examples
    --------
    >>> plain({"sharpe": float("nan"), "trades": 0})
    {'sharpe': None, 'trades': 0}
    """
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
