"""TradeAnalyzerAgent: what a run's trades earned, what they cost, and which strategy, market or hour it came from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import polars as pl

from mirrorfast.analytics.frames import RunFrames, read_frames
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from mirrorfast.ledger import Ledger

__all__ = ["TradeAnalyzerAgent"]

Group = Literal["strategy", "symbol", "regime", "hour", "weekday", "month", "exit", "side"]

#: Label of what no strategy, or no known regime, stood for.
_NONE: Final = "(none)"

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class TradeAnalyzerAgent:
    """Analyses the trades of a run.

    Parameters
    ----------
    source : Ledger, path, URL, BacktestResult or RunFrames
        Where the run's tables are.
    run
        Name of the run; a ledger's newest by default.

    Raises
    ------
    LedgerError
        When the ledger or the run is not there.

    Notes
    -----
    A trade is attributed to the strategies whose contribution to the consensus of its entry decision had the trade's
    own direction, in proportion to those contributions: share of strategy k = max(0, d·c_k) / Σ_j max(0, d·c_j), with
    d = ±1 the side. These are the same strategies whose weights the trade has changed. Money of all strategies adds up
    to the money of all trades; a trade that no strategy stood for is attributed to ``(none)``.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> result = mf.backtest(mf.sample_bars(["BTC/USD"]).head(2000))
    >>> agent = mf.TradeAnalyzerAgent(result)
    >>> agent.by("exit").columns[:4]
    ['exit', 'trades', 'win_rate', 'profit_factor']
    """

    def __init__(self, source: Ledger | str | Path | RunFrames | Any, *, run: str | None = None) -> None:
        self.frames: Final = read_frames(source, run=run)

    def metrics(self) -> dict[str, float]:
        """Return the figures of the whole run.

        Returns
        -------
        dict
            SPEC §9's figures as :func:`mirrorfast.performance` gives them, and in account currency ``gross_pnl``,
            ``net_pnl``, ``fees``, ``slippage``, ``funding`` of the closed trades, with ``cost_share`` = (fees +
            slippage + funding) / (gross + slippage), NaN where nothing was earned. Slippage is part of the fill
            prices, so it is inside gross: ``net = gross − fees − funding``.
        """
        from mirrorfast.analytics.performance import performance

        fills = self.frames.fills
        traded = float((fills["quantity"] * fills["price"] * fills["rate"]).sum()) if fills.height else None
        return dict(performance(self.frames.equity, trades=self.frames.trades, traded=traded)) | self.costs()

    def costs(self) -> dict[str, float]:
        """Return what the closed trades earned and paid, in account currency.

        Returns
        -------
        dict
            ``gross_pnl fees slippage funding net_pnl cost_share``; see :meth:`metrics`.
        """
        trades = self.frames.trades
        gross, fees, slippage, funding, net = (
            float(trades[name].sum()) for name in ("gross", "fees", "slippage", "funding", "pnl")
        )
        before = gross + slippage
        return {
            "gross_pnl": gross,
            "fees": fees,
            "slippage": slippage,
            "funding": funding,
            "net_pnl": net,
            "cost_share": (fees + slippage + funding) / before if before > 0 else float("nan"),
        }

    @cached_property
    def round_trips(self) -> pl.DataFrame:
        """Closed trades with what was known when they were opened.

        Returns
        -------
        polars.DataFrame
            The trades' own columns, and ``regime`` and ``confidence`` of the entry decision, ``hour`` and ``weekday``
            of the entry (UTC), ``month`` of the exit, ``capture`` = return / MFE (the part of the best price that was
            kept; null where the price never went the trade's way).
        """
        trades = self.frames.trades.with_row_index("trade", offset=1)
        known = self.frames.decisions.select("id", "regime", "confidence")
        day = pl.col("entry_time").dt.weekday() - 1
        return trades.join(
            known, left_on="entry_decision", right_on="id", how="left", maintain_order="left"
        ).with_columns(
            regime=pl.col("regime").fill_null(_NONE),
            hour=pl.col("entry_time").dt.hour(),
            weekday=day.replace_strict(dict(enumerate(_WEEKDAYS)), return_dtype=pl.Enum(_WEEKDAYS)),
            month=pl.col("exit_time").dt.strftime("%Y-%m"),
            exit=pl.col("exit").fill_null(_NONE),
            capture=pl.when(pl.col("mfe") > 0).then(pl.col("return_fraction") / pl.col("mfe")),
        )

    @cached_property
    def attribution(self) -> pl.DataFrame:
        """Each trade's money by strategy.

        Returns
        -------
        polars.DataFrame
            One row per trade and strategy that stood for it: the round trip's columns with ``strategy`` and ``share``,
            the money columns multiplied by the share.
        """
        trips, strategies = self.round_trips, self.frames.strategies
        names = [f"contribution_{name}" for name in strategies]
        votes = self.frames.decisions.select(
            "id", *(pl.col(c).alias(s) for c, s in zip(names, strategies, strict=True))
        )
        sign = pl.when(pl.col("side") == "long").then(1.0).otherwise(-1.0)
        support = [(pl.col(s).fill_null(0.0) * sign).clip(lower_bound=0.0).alias(s) for s in strategies]
        long = (
            trips.select("trade", "side", "entry_decision")
            .join(votes, left_on="entry_decision", right_on="id", how="left", maintain_order="left")
            .with_columns(support)
            .with_columns(pl.sum_horizontal(strategies).alias("_all") if strategies else pl.lit(0.0).alias("_all"))
            .with_columns(pl.when(pl.col("_all") > 0).then(0.0).otherwise(1.0).alias(_NONE))
            .unpivot([*strategies, _NONE], index=["trade", "_all"], variable_name="strategy", value_name="_part")
            .filter(pl.col("_part") > 0)
            .with_columns(share=pl.when(pl.col("_all") > 0).then(pl.col("_part") / pl.col("_all")).otherwise(1.0))
        )
        money = [pl.col(c) * pl.col("share") for c in ("gross", "fees", "funding", "slippage", "pnl")]
        return trips.join(
            long.select("trade", "strategy", "share"), on="trade", how="inner", maintain_order="left"
        ).with_columns(money)

    def by(self, group: Group) -> pl.DataFrame:
        """Return figures per group of trades.

        Parameters
        ----------
        group
            ``strategy`` (money by share, see the class), ``symbol``, ``regime`` (at the entry), ``hour`` and
            ``weekday`` (of the entry, UTC), ``month`` (of the exit), ``exit`` (why it was closed) or ``side``.

        Returns
        -------
        polars.DataFrame
            One row a group: ``trades``, ``win_rate``, ``profit_factor`` (won / lost; null without a loss),
            ``average_pnl``, ``payoff`` (mean win / mean loss), ``pnl gross fees funding slippage``,
            ``pnl_share`` (of the sum of absolute PnL of all groups), ``average_return``, ``best``, ``worst``, ``bars``
            (mean), ``mae``, ``mfe`` (means). ``strategy`` rows come for every strategy, traded or not, with the
            present ``weight`` and ``grade``.

        Raises
        ------
        ParameterError
            For another group.
        """
        if group not in get_args(Group):
            raise ParameterError(f"group {group!r}: expected one of {', '.join(get_args(Group))}")
        rows = self.attribution if group == "strategy" else self.round_trips
        table = _figures(rows, group)
        return self._with_weights(table) if group == "strategy" else table

    def weekly(self) -> pl.DataFrame:
        """Return figures per week (Monday to Sunday, UTC).

        Returns
        -------
        polars.DataFrame
            ``week`` (its Monday), ``equity`` at its end, ``return``, ``max_drawdown`` inside the week (<= 0),
            ``trades`` closed in it, their ``win_rate``, ``pnl`` and ``fees``.
        """
        equity = self.frames.equity.sort("timestamp").with_columns(week=pl.col("timestamp").dt.truncate("1w").dt.date())
        weeks = equity.group_by("week", maintain_order=True).agg(
            equity=pl.col("equity").last(),
            _first=pl.col("equity").first(),
            max_drawdown=(pl.col("equity") / pl.col("equity").cum_max() - 1.0).min(),
        )
        start = pl.col("equity").shift(1).fill_null(pl.col("_first"))
        closed = (
            self.frames.trades.with_columns(week=pl.col("exit_time").dt.truncate("1w").dt.date())
            .group_by("week")
            .agg(
                trades=pl.len().cast(pl.Int64),
                win_rate=(pl.col("pnl") > 0).mean(),
                pnl=pl.col("pnl").sum(),
                fees=pl.col("fees").sum(),
            )
        )
        return (
            weeks.with_columns((pl.col("equity") / start - 1.0).alias("return"))
            .join(closed, on="week", how="left", maintain_order="left")
            .with_columns(pl.col("trades").fill_null(0), pl.col("pnl", "fees").fill_null(0.0))
            .select("week", "equity", "return", "max_drawdown", "trades", "win_rate", "pnl", "fees")
        )

    def refusals(self) -> pl.DataFrame:
        """Return how often risk held decisions back, by rule.

        Returns
        -------
        polars.DataFrame
            ``verdict`` (``refused`` or ``reduced``), ``rule``, ``decisions``, ``example`` (the last reason in full);
            most frequent first. A decision that several rules reduced counts for each.
        """
        reason = pl.element()
        cutting = pl.col("reasons").list.eval(reason.filter(~reason.str.contains(" stands (", literal=True)))
        # The last rule refused; a reduction may be the work of several.
        chosen = (
            pl.when(pl.col("verdict") == "refused")
            .then(cutting.list.tail(1))
            .otherwise(cutting.list.eval(reason.filter(reason.str.contains(" cut to ", literal=True))))
        )
        return (
            self.frames.decisions.filter(pl.col("verdict").is_in(["refused", "reduced"]))
            .select("verdict", chosen.alias("example"))
            .explode("example", empty_as_null=True, keep_nulls=True)
            .with_columns(pl.col("example").fill_null("no reason recorded"))
            .with_columns(rule=pl.col("example").str.split(":").list.first().str.strip_chars())
            .group_by("verdict", "rule")
            .agg(decisions=pl.len().cast(pl.Int64), example=pl.col("example").last())
            .sort("decisions", "verdict", "rule", descending=[True, True, False])
            .select("verdict", "rule", "decisions", "example")
        )

    def _with_weights(self, table: pl.DataFrame) -> pl.DataFrame:
        every = pl.DataFrame({"strategy": self.frames.strategies}, schema={"strategy": pl.String})
        rest = table.filter(~pl.col("strategy").is_in(self.frames.strategies))
        full = pl.concat([every.join(table, on="strategy", how="left", maintain_order="left"), rest], how="diagonal")
        present = self.frames.weights.group_by("strategy").agg(pl.col("weight").last(), pl.col("grade").last())
        money = ("pnl", "gross", "fees", "funding", "slippage", "pnl_share")
        return full.with_columns(pl.col("trades").fill_null(0), pl.col(money).fill_null(0.0)).join(
            present, on="strategy", how="left", maintain_order="left"
        )


def _figures(rows: pl.DataFrame, group: str) -> pl.DataFrame:
    pnl = pl.col("pnl")
    won, lost = pnl.filter(pnl > 0), pnl.filter(pnl < 0)
    table = (
        rows.group_by(group)
        .agg(
            trades=pl.len().cast(pl.Int64),
            win_rate=(pnl > 0).mean(),
            profit_factor=pl.when(lost.len() > 0).then(-won.sum() / lost.sum()),
            average_pnl=pnl.mean(),
            payoff=-won.mean() / lost.mean(),
            pnl=pnl.sum(),
            gross=pl.col("gross").sum(),
            fees=pl.col("fees").sum(),
            funding=pl.col("funding").sum(),
            slippage=pl.col("slippage").sum(),
            average_return=pl.col("return_fraction").mean(),
            best=pnl.max(),
            worst=pnl.min(),
            bars=pl.col("bars").mean(),
            mae=pl.col("mae").mean(),
            mfe=pl.col("mfe").mean(),
        )
        .sort(group)
    )
    total = pl.col("pnl").abs().sum()
    return table.with_columns(pnl_share=pl.when(total > 0).then(pl.col("pnl") / total).otherwise(0.0))
