"""One week of a run against the week before: what it earned, what moved, how the strategies stand, what went wrong."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mirrorfast.analytics.frames import RunFrames, read_frames
from mirrorfast.analytics.trade_analyzer import TradeAnalyzerAgent
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from mirrorfast.ledger import Ledger

__all__ = ["WeeklyReport", "weekly_report"]

_FIGURES: Final = ("equity", "return", "max_drawdown", "trades", "win_rate", "pnl", "fees")
#: Rows of each end of the list of movers.
_MOVERS: Final = 5
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True)
class WeeklyReport:
    """A week of a run.

    Attributes
    ----------
    frames
        Tables of the whole run.
    monday
        First day of the week, UTC.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> report = weekly_report(mf.backtest(mf.sample_bars(["BTC/USD"]).head(1000)))
    >>> report.monday.isoformat(), report.this["trades"] >= 0
    ('2017-08-07', True)
    """

    frames: RunFrames
    monday: date

    @property
    def span(self) -> tuple[datetime, datetime]:
        """First moment of the week, and first moment after it."""
        start = datetime.combine(self.monday, datetime.min.time(), UTC)
        return start, start + _WEEK

    @cached_property
    def _weeks(self) -> dict[date, dict[str, Any]]:
        return {row["week"]: row for row in TradeAnalyzerAgent(self.frames).weekly().iter_rows(named=True)}

    def _figures(self, monday: date) -> dict[str, Any]:
        row = self._weeks.get(monday, {})
        return {name: row.get(name) for name in _FIGURES}

    @property
    def this(self) -> dict[str, Any]:
        """Figures of the week; None where there is nothing to tell."""
        return self._figures(self.monday)

    @property
    def last(self) -> dict[str, Any]:
        """Figures of the week before."""
        return self._figures(self.monday - _WEEK)

    @cached_property
    def scan(self) -> pl.DataFrame:
        """What was known of every symbol at the end of the week, beside the end of the week before.

        ``symbol price_before price change direction_before direction consensus_before consensus``; `change` is the
        return of the price; sorted by it, the largest first.
        """
        start, end = self.span
        now, before = self._known(start, end), self._known(start - _WEEK, start)
        both = now.join(before, on="symbol", how="full", coalesce=True, suffix="_before")
        return (
            both.with_columns(change=pl.col("price") / pl.col("price_before") - 1.0)
            .select(
                "symbol",
                "price_before",
                "price",
                "change",
                "direction_before",
                "direction",
                "consensus_before",
                "consensus",
            )
            .sort("change", "symbol", descending=[True, False], nulls_last=True)
        )

    def _known(self, start: datetime, end: datetime) -> pl.DataFrame:
        of_week = self.frames.decisions.filter(pl.col("timestamp").is_between(start, end, closed="left"))
        return of_week.group_by("symbol").agg(
            pl.col("price", "direction").last(), consensus=pl.col("rule_position").last()
        )

    @property
    def movers(self) -> pl.DataFrame:
        """Symbols of `scan` that moved most, either way, and those whose label is another."""
        known = self.scan.filter(pl.col("change").is_not_null())
        turned = known.filter(pl.col("direction").ne_missing(pl.col("direction_before")))
        ends = known if known.height <= 2 * _MOVERS else pl.concat([known.head(_MOVERS), known.tail(_MOVERS)])
        every = pl.concat([ends, turned]).unique("symbol")
        return every.sort("change", "symbol", descending=[True, False])

    @cached_property
    def strategies(self) -> pl.DataFrame:
        """Each strategy's week: ``strategy trades win_rate pnl weight_before weight grade_before grade``."""
        start, end = self.span
        closed = self.frames.trades.filter(pl.col("exit_time").is_between(start, end, closed="left"))
        weights = self.frames.weights.filter(pl.col("timestamp") < end)
        table = TradeAnalyzerAgent(replace(self.frames, trades=closed, weights=weights)).by("strategy")
        before = (
            weights.filter(pl.col("timestamp") < start)
            .group_by("strategy")
            .agg(weight_before=pl.col("weight").last(), grade_before=pl.col("grade").last())
        )
        return table.join(before, on="strategy", how="left", maintain_order="left").select(
            "strategy", "trades", "win_rate", "pnl", "weight_before", "weight", "grade_before", "grade"
        )

    @cached_property
    def incidents(self) -> pl.DataFrame:
        """What a person should know of, in order."""
        start, end = self.span
        return self.frames.incidents.filter(pl.col("timestamp").is_between(start, end, closed="left"))

    @cached_property
    def refusals(self) -> pl.DataFrame:
        """What risk refused or made smaller, by rule; see :meth:`TradeAnalyzerAgent.refusals`."""
        start, end = self.span
        made = self.frames.decisions.filter(pl.col("timestamp").is_between(start, end, closed="left"))
        return TradeAnalyzerAgent(replace(self.frames, decisions=made)).refusals()

    @property
    def headline(self) -> str:
        """The one thing to read."""
        from mirrorfast.report.numbers import count, money, percent

        gain, unit = self.this["return"], f" {self.frames.currency}" if self.frames.currency else ""
        if gain is None:
            return f"Nothing was recorded in the week of {self.monday:%d %B %Y}"
        did = "earned" if gain > 0 else "lost" if gain < 0 else "ended where it began:"
        said = f"The week {did} {percent(abs(gain), 2)}, {count(self.this['trades'])} trades"
        said += f" made {money(self.this['pnl'], sign=True)}{unit}"
        before = self.last["return"]
        return said if before is None else f"{said}; the week before {percent(before, 2, sign=True)}"

    def to_markdown(self) -> str:
        """Write the week as Markdown.

        Returns
        -------
        str
            Headings and tables in GitHub's dialect.
        """
        from mirrorfast.report.weekly_pages import markdown

        return markdown(self)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def to_html(self) -> str:
        """Write the week as a page that needs no network and runs no script.

        Returns
        -------
        str
            HTML.
        """
        from mirrorfast.report.weekly_pages import html

        return html(self)

    def to_json(self) -> str:
        """Write the week for programs.

        Returns
        -------
        str
            One object; undefined figures are null, times ISO 8601, fractions as such.
        """
        start, end = self.span
        value = {
            "run": self.frames.run,
            "mode": self.frames.mode,
            "status": self.frames.status,
            "currency": self.frames.currency,
            "start": start,
            "end": end,
            "headline": self.headline,
            "this": self.this,
            "last": self.last,
            "movers": self.movers.to_dicts(),
            "strategies": self.strategies.to_dicts(),
            "incidents": self.incidents.to_dicts(),
            "refusals": self.refusals.to_dicts(),
        }
        return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else value


def weekly_report(
    source: Ledger | RunFrames | str | Path | Any, *, run: str | None = None, week: date | None = None
) -> WeeklyReport:
    """Report a week of a run.

    Parameters
    ----------
    source : Ledger, path, URL, BacktestResult or RunFrames
        Where the run's tables are.
    run
        Name of the run; a ledger's newest by default.
    week
        Any day of the week (Monday to Sunday, UTC); by default the week of the run's last bar.

    Returns
    -------
    WeeklyReport
        The week, for people and for programs.

    Raises
    ------
    LedgerError
        When the ledger or the run is not there.
    ParameterError
        When the run has no bars, so that there is no last week.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> result = mf.backtest(mf.sample_bars(["BTC/USD"]).head(1000))
    >>> weekly_report(result).to_markdown().splitlines()[0].startswith("# The week ")
    True
    """
    frames = read_frames(source, run=run)
    day = week
    if day is None:
        if frames.equity.height == 0:
            raise ParameterError(f"run {frames.run!r}: expected at least one bar, there is no week to report yet")
        day = frames.equity["timestamp"].max().date()  # type: ignore[union-attr]
    return WeeklyReport(frames, day - timedelta(days=day.weekday()))
