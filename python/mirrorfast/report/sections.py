"""Sections of the page about what the figures are worth: against buying and holding, and against luck."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

from mirrorfast.report import numbers
from mirrorfast.report.charts import Chart, Line
from mirrorfast.report.numbers import money, number, percent
from mirrorfast.report.tables import number_cell, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirrorfast.report.model import ReportModel

__all__ = ["against_benchmark", "resampling"]

#: Figures that stand beside the benchmark's, and how they are written.
_BESIDE: Final[tuple[tuple[str, str, Callable[[float], str]], ...]] = (
    ("total_return", "Total return", lambda v: percent(v, 1, sign=True)),
    ("annual_return", "Return a year", lambda v: percent(v, 1, sign=True)),
    ("annual_volatility", "Volatility a year", lambda v: percent(v, 1)),
    ("sharpe", "Sharpe ratio", lambda v: number(v, 2)),
    ("sortino", "Sortino ratio", lambda v: number(v, 2)),
    ("calmar", "Calmar ratio", lambda v: number(v, 2)),
    ("max_drawdown", "Deepest drawdown", lambda v: percent(v, 1)),
    ("longest_drawdown_bars", "Longest drawdown, bars", lambda v: numbers.count(v)),
    ("value_at_risk", "Value at risk (5 %), a bar", lambda v: percent(v, 2)),
)
_RELATIVE: Final[tuple[tuple[str, str, Callable[[float], str]], ...]] = (
    ("alpha", "Alpha a year", lambda v: percent(v, 1, sign=True)),
    ("beta", "Beta", lambda v: number(v, 3)),
    ("correlation", "Correlation", lambda v: number(v, 2)),
    ("information_ratio", "Information ratio", lambda v: number(v, 2)),
    ("tracking_error", "Tracking error a year", lambda v: percent(v, 1)),
    ("up_capture", "Captured of rising bars", lambda v: percent(v, 1)),
    ("down_capture", "Captured of falling bars", lambda v: percent(v, 1)),
)


def against_benchmark(model: ReportModel) -> str:
    """Figures of run and benchmark side by side, and of the one relative to the other."""
    if not model.benchmark_metrics:
        return '<p class="empty">There are no prices to compare with.</p>'
    own, other = model.metrics, model.benchmark_metrics
    rows = [
        [
            f'<th scope="row">{escape(label)}</th>',
            number_cell(write(own.get(name, math.nan))),
            number_cell(write(other.get(name, math.nan))),
        ]
        for name, label, write in _BESIDE
    ]
    beside = table(
        [("", ""), ("Strategy", "n"), ("Buy & hold", "n")],
        rows,
        caption="Strategy and buy and hold side by side",
        empty="",
    )
    pairs = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(write(model.relative[name]))}</dd></div>"
        for name, label, write in _RELATIVE
        if name in model.relative
    )
    return f'{beside}<dl class="figures" style="margin-top:14px">{pairs}</dl>'


def resampling(model: ReportModel, drawn: list[Chart]) -> str:
    """Cone of equity over resampled trades, and what it ends in."""
    run = model.resampled
    if run is None:
        return '<p class="empty">Too few closed trades to draw other histories from.</p>'
    exits = model.frames.trades["exit_time"].dt.epoch("ms").to_numpy()
    at = run.cone["trade"].to_numpy()
    x = np.where(at > 0, exits[np.maximum(at, 1) - 1], model.times[0])
    # Trades of one bar close together: the last of them stands for it.
    last = np.append(np.diff(x) > 0, True)
    names = (("p95", "Luckiest 5 %", "cone"), ("p5", "Unluckiest 5 %", "cone"))
    middle = (("p75", "Upper quarter", "near"), ("p25", "Lower quarter", "near"), ("p50", "Middle", "equity"))
    lines = [
        Line(label, x[last].astype(np.int64), run.cone[column].to_numpy()[last], style)
        for column, label, style in (*names, *middle)
    ]
    chart = Chart("chart-cone", f"Equity over {run.paths:,} resampled orders of the trades", lines, height="middle")
    drawn.append(chart)
    quantiles = table(
        [("Of all histories", ""), ("Final equity", "n"), ("Total return", "n"), ("Deepest drawdown", "n")],
        [
            [
                f'<th scope="row">{escape(label)}</th>',
                number_cell(money(row["final_equity"])),
                number_cell(percent(row["total_return"], 1, sign=True), row["total_return"]),
                number_cell(percent(row["max_drawdown"], 1)),
            ]
            for label, row in zip(
                ("Worst 5 %", "Worst quarter", "Middle", "Best quarter", "Best 5 %"),
                run.quantiles().iter_rows(named=True),
                strict=True,
            )
        ],
        caption="Quantiles of resampled histories",
        empty="",
    )
    ruin = f"Probability of losing {percent(run.ruin, 0)} of the capital: {percent(run.ruin_probability, 1)}."
    return f'{chart.render()}{quantiles}<p class="note">{escape(ruin)}</p>'
