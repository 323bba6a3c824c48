"""A run in a notebook's cell: verdict, curve and figures, without a script and without colours of its own page."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import numpy as np

from mirrorfast.report.model import ReportModel
from mirrorfast.report.numbers import day, money
from mirrorfast.report.plain import FIGURES

__all__ = ["notebook_html"]

_WIDTH: Final = 640
_HEIGHT: Final = 150
_POINTS: Final = 320

_FIGURES: Final = tuple(figure for figure in FIGURES if figure[0] != "slippage")


def notebook_html(source: Any, *, run: str | None = None) -> str:
    """Show a run in a notebook's cell.

    Parameters
    ----------
    source : Ledger, path, URL, BacktestResult or RunFrames
        Where the run's tables are.
    run
        Name of the run.

    Returns
    -------
    str
        A piece of HTML with everything in it.
    """
    model = ReportModel(source, run=run)
    cells = "".join(
        f'<div style="display:flex;justify-content:space-between;gap:12px"><span style="opacity:.7">{escape(label)}'
        f"</span><b>{escape(form(model.metrics.get(name)))}</b></div>"
        for name, label, form in _FIGURES
    )
    return (
        f'<div style="font:14px/1.5 system-ui,sans-serif;max-width:{_WIDTH}px">'
        f'<div style="font-weight:600;font-size:16px">{escape(model.verdict.headline)}</div>'
        f'<div style="opacity:.75;margin-bottom:6px">{escape(model.verdict.detail)}</div>{_curve(model)}'
        f'<div style="display:grid;grid-template-columns:1fr 1fr;gap:0 32px;margin-top:6px">{cells}</div></div>'
    )


def _curve(model: ReportModel) -> str:
    count = len(model.equity)
    if count < 2:
        return ""
    low, high = float(model.equity.min()), float(model.equity.max())
    span = high - low or 1.0
    # Of every stretch its last value, and the lowest and the highest of all.
    picked = np.unique(
        np.concatenate(
            [np.linspace(0, count - 1, min(count, _POINTS)).astype(int), [model.equity.argmin(), model.equity.argmax()]]
        )
    )
    heights = (high - model.equity[picked]) / span * (_HEIGHT - 8) + 4
    points = " ".join(f"{k / (count - 1) * _WIDTH:.1f},{y:.1f}" for k, y in zip(picked, heights, strict=True))
    first, last = day(int(model.times[0])), day(int(model.times[-1]))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" role="img" aria-label="Equity from {escape(first)} to '
        f'{escape(last)}"><polyline points="{points}" fill="none" stroke="#3b82d6" stroke-width="1.6"/></svg>'
        '<div style="display:flex;justify-content:space-between;opacity:.7;font-size:12px">'
        f"<span>{escape(first)}</span><span>{escape(money(low))} to {escape(money(high))}</span>"
        f"<span>{escape(last)}</span></div>"
    )
