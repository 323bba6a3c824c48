"""A policy in a backtest: its actions as columns, a position and its confidence for every bar that it speaks about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mirrorfast import _core
from mirrorfast.data.feed import ReplayFeed
from mirrorfast.data.schema import as_frame
from mirrorfast.errors import DataError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirrorfast._core import Fill, Step
    from mirrorfast.execution.policy import PolicySession

__all__ = ["ask_policy", "policy_columns"]

Columns = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def ask_policy(
    session: PolicySession, bars: pl.DataFrame, engine_json: str, votes: Sequence[tuple[Any, Any]] | None = None
) -> Columns:
    """Let a policy live through a run, bar by bar, and write down what it wished.

    What a policy sees depends on the account, and the account on what it wished before: engine and exchange take the
    steps that the trading loop takes, in its order. A run over the columns that come out makes the same steps again.

    Parameters
    ----------
    session
        The policy, put to work on the symbols of the bars in their order.
    bars
        Validated bars.
    engine_json
        The engine's configuration.
    votes
        Signal and confidence columns of the engine's external strategies.

    Returns
    -------
    tuple of numpy.ndarray, each of shape (n_bars,)
        Positions, NaN where the policy says nothing, and confidences, in the order of the bars.
    """
    symbols = bars["symbol"].unique(maintain_order=True).to_list()
    run = _Run(engine_json)
    counts = bars.group_by("symbol", maintain_order=True).len()["len"].to_list()
    # Bars are sorted by symbol and time: the next row of a symbol is one further.
    at = np.concatenate([[0], np.cumsum(counts)[:-1]]).tolist()
    columns = [(np.asarray(s, np.float64), np.asarray(c, np.float64)) for s, c in votes or ()]
    positions, confidences = np.full(bars.height, np.nan), np.zeros(bars.height)
    for batch in ReplayFeed(bars, symbols).groups():
        run.settle(batch.ts, batch.rows)
        wishes = session.on_bars(batch.ts, batch.rows, run.engine)
        places = []
        for (symbol, *_), wish in zip(batch.rows, wishes, strict=True):
            place = at[symbol]
            at[symbol] += 1
            places.append(place)
            if wish is not None:
                positions[place], confidences[place] = wish
        asked = [(float(s[k]), float(c[k])) for k in places for s, c in columns] if columns else None
        run.act(run.engine.on_bars(batch.ts, batch.rows, votes=asked, policy=wishes))
        run.answers()
    return positions, confidences


class _Run:
    """An engine and its simulated exchange, as the trading loop drives them."""

    def __init__(self, engine_json: str) -> None:
        self.engine = _core.DecisionEngine(engine_json)
        self._exchange = _core.SimulatedExchange(engine_json)

    def settle(self, ts: int, rows: list[tuple[int, float, float, float, float, float]]) -> None:
        self._report(self._exchange.open_phase(ts, rows))
        while fills := self._exchange.range_phase(ts, rows):
            self._report(fills)
        self.answers()

    def _report(self, fills: list[Fill]) -> None:
        for fill in fills:
            self.act(self.engine.on_fill(fill))
        self.answers()

    def answers(self) -> None:
        while events := self._exchange.drain_events():
            for event in events:
                self.act(self.engine.on_event(event))

    def act(self, step: Step) -> None:
        for intent in step.intents:
            self._exchange.submit(intent)


def policy_columns(policy: Any, bars: pl.DataFrame) -> Columns:
    """Lay a policy's actions beside the bars that they answer.

    Parameters
    ----------
    policy : DataFrame or Arrow table, shape (n, k)
        ``timestamp`` (open of the bar whose close the policy has seen), ``position`` in [−1, 1], and where they matter
        ``symbol`` and ``confidence`` in [0, 1] (1 by default). A bar without a row, or with a null, has no policy.
    bars : polars.DataFrame
        Validated bars.

    Returns
    -------
    tuple of numpy.ndarray, each of shape (n_bars,)
        Positions, NaN where the policy says nothing, and confidences.

    Raises
    ------
    ShapeError
        If a column is missing.
    DataError
        If a value is out of its range, a bar is answered twice, or there is no such bar.
    """
    frame = as_frame(policy, source="policy")
    several = bars["symbol"].n_unique() > 1
    for name in ("timestamp", "position", *(["symbol"] if several else [])):
        if name not in frame.columns:
            raise ShapeError(f"policy: column {name} is missing: found {', '.join(frame.columns) or 'none'}")
    keys = ["symbol", "timestamp"] if "symbol" in frame.columns else ["timestamp"]
    confidence = pl.col("confidence") if "confidence" in frame.columns else pl.lit(1.0)
    table = frame.select(
        *([pl.col("symbol").cast(pl.String)] if "symbol" in keys else []),
        pl.col("timestamp").cast(pl.Datetime("ms", "UTC")),
        pl.col("position").cast(pl.Float64).fill_nan(None),
        confidence.cast(pl.Float64).fill_nan(None).alias("confidence"),
    ).drop_nulls("position")
    for name, low in (("position", -1.0), ("confidence", 0.0)):
        bad = table.filter(~pl.col(name).is_between(low, 1.0))
        if bad.height:
            raise DataError(
                f"policy: {name} = {bad[name][0]} at {bad['timestamp'][0]}: expected a number from {low:g} to 1"
            )
    twice = table.filter(pl.struct(keys).is_duplicated())
    if twice.height:
        raise DataError(f"policy: two rows for {twice.row(0)[: len(keys)]}: expected one a bar")
    stray = table.join(bars, on=keys, how="anti")
    if stray.height:
        raise DataError(f"policy: row for {stray.row(0)[: len(keys)]}: expected the open time of one of the bars")
    joined = bars.select("symbol", "timestamp").join(table, on=keys, how="left", maintain_order="left")
    # A confidence that is not known counts as low.
    return joined["position"].fill_null(np.nan).to_numpy(), joined["confidence"].fill_null(0.0).to_numpy()
