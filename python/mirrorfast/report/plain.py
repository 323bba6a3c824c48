"""The report without pictures: Markdown to paste, JSON for programs, CSV of the closed trades."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mirrorfast.report import numbers
from mirrorfast.report.numbers import closed_by, count, money, number, percent, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirrorfast.report.model import ReportModel

__all__ = ["FIGURES", "cell", "to_csv", "to_json", "to_markdown"]

#: Name in the metrics, what people call it, how it is written.
FIGURES: Final[tuple[tuple[str, str, Callable[[float | None], str]], ...]] = (
    ("total_return", "Total return", lambda v: percent(v, 1, sign=True)),
    ("annual_return", "Per year", lambda v: percent(v, 1, sign=True)),
    ("annual_volatility", "Volatility per year", percent),
    ("sharpe", "Sharpe ratio", number),
    ("sortino", "Sortino ratio", number),
    ("max_drawdown", "Deepest drawdown", percent),
    ("win_rate", "Trades won", percent),
    ("profit_factor", "Profit factor", number),
    ("exposure", "Time in the market", percent),
    ("fees", "Fees", money),
    ("slippage", "Slippage and spread", money),
)


def to_markdown(model: ReportModel) -> str:
    """Write the report as Markdown.

    Parameters
    ----------
    model
        What it says.

    Returns
    -------
    str
        Headings and tables in GitHub's dialect.
    """
    frames, verdict = model.frames, model.verdict
    lines = [f"# {cell(verdict.headline)}", "", cell(verdict.detail), ""]
    lines += [f"Run {cell(frames.run)} · {cell(words(frames.mode))} · {cell(words(frames.status))}"]
    if len(model.times):
        lines[-1] += f" · {numbers.day(int(model.times[0]))} – {numbers.day(int(model.times[-1]))}"
    metrics = model.metrics
    lines += _table("Figures", ("Figure", "Value"), [(label, form(metrics.get(name))) for name, label, form in FIGURES])
    lines += _table(
        "Strategies",
        ("Strategy", "Weight", "Grade", "Trades", "Won", "PnL"),
        [
            (
                words(r["strategy"]),
                number(r["weight"]),
                r["grade"] or numbers.NONE,
                count(r["trades"]),
                percent(r["win_rate"], 0),
                money(r["pnl"], sign=True),
            )
            for r in model.analyzer.by("strategy").iter_rows(named=True)
        ],
    )
    lines += _table(
        "Symbols",
        ("Symbol", "Trades", "Won", "Buy & hold", "PnL"),
        [
            (
                r["symbol"],
                count(r["trades"]),
                percent(r["win_rate"], 0),
                percent(model.symbol_return(r["symbol"]), 1, sign=True),
                money(r["pnl"], sign=True),
            )
            for r in model.analyzer.by("symbol").iter_rows(named=True)
        ],
    )
    lines += _table(
        "Why trades were closed",
        ("Closed by", "Trades", "Won", "PnL"),
        [
            (closed_by(r["exit"]), count(r["trades"]), percent(r["win_rate"], 0), money(r["pnl"], sign=True))
            for r in model.analyzer.by("exit").iter_rows(named=True)
        ],
    )
    lines += _table(
        "Months",
        ("Month", "Return"),
        [(f"{y}-{m:02d}", percent(v, 1, sign=True)) for y, row in model.months.items() for m, v in row.items()],
    )
    lines += _table(
        "Risk refusals",
        ("Rule", "Outcome", "Decisions"),
        [
            (words(r["rule"]), words(r["verdict"]), count(r["decisions"]))
            for r in model.analyzer.refusals().iter_rows(named=True)
        ],
    )
    return "\n".join(lines) + "\n"


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    align = [" :-- ", *[" --: "] * (len(heads) - 1)]
    body = ["| " + " | ".join(cell(c) for c in row) + " |" for row in rows]
    return ["", f"## {title}", "", "| " + " | ".join(heads) + " |", "|" + "|".join(align) + "|", *body]


def cell(text: str) -> str:
    """Keep text from being Markdown or HTML."""
    for char in "\\`*_[]<>|#":
        text = text.replace(char, "\\" + char)
    return " ".join(text.split())


def to_json(model: ReportModel) -> str:
    """Write the report's figures as JSON.

    Parameters
    ----------
    model
        What it says.

    Returns
    -------
    str
        One object; undefined figures are null, times ISO 8601, fractions as such.
    """
    frames, analyzer = model.frames, model.analyzer
    value = {
        "run": frames.run,
        "mode": frames.mode,
        "status": frames.status,
        "symbols": frames.symbols,
        "start": frames.equity["timestamp"][0] if frames.equity.height else None,
        "end": frames.equity["timestamp"][-1] if frames.equity.height else None,
        "verdict": {"tone": model.verdict.tone, "headline": model.verdict.headline, "detail": model.verdict.detail},
        "metrics": model.metrics,
        "buy_and_hold_return": model.benchmark_return,
        "buy_and_hold": model.benchmark_metrics,
        "against_buy_and_hold": model.relative,
        "figures_by": model.parts,
        "resampled": None if model.resampled is None else model.resampled.quantiles().to_dicts(),
        "months": [{"year": y, "month": m, "return": v} for y, row in model.months.items() for m, v in row.items()],
        "weeks": analyzer.weekly().to_dicts(),
        **{
            f"by_{group}": analyzer.by(group).to_dicts()
            for group in ("strategy", "symbol", "exit", "regime", "hour", "weekday")
        },
        "refusals": analyzer.refusals().to_dicts(),
    }
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else value


def to_csv(model: ReportModel) -> str:
    """Write the closed trades as CSV.

    Parameters
    ----------
    model
        What it says.

    Returns
    -------
    str
        One line a trade, times ISO 8601. Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    table = model.analyzer.round_trips.with_columns(pl.col(pl.Enum).cast(pl.String))
    text = pl.col(pl.String)
    safe = table.with_columns(pl.when(text.str.contains(r"^[=+\-@\t\r]")).then("'" + text).otherwise(text).name.keep())
    return safe.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ")
