"""One shape for the tables of a run, whether they come from a ledger or from a backtest."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mirrorfast.config import TradingConfig
from mirrorfast.config.currency import account_currency
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from mirrorfast.ledger import Ledger

__all__ = ["RunFrames", "read_frames"]

_TIME: Final = pl.Datetime("ms", "UTC")
_NUMBER: Final = pl.Float64()
_TEXT: Final = pl.String()
_COUNT: Final = pl.Int64()

_EQUITY: Final = {"timestamp": _TIME, "equity": _NUMBER, "cash": _NUMBER, "exposure": _NUMBER, "drawdown": _NUMBER}
_DECISIONS: Final = {
    "id": _COUNT,
    "timestamp": _TIME,
    "symbol": _TEXT,
    "price": _NUMBER,
    "rule_position": _NUMBER,
    "rl_position": _NUMBER,
    "target": _NUMBER,
    "method": _TEXT,
    "direction": _TEXT,
    "confidence": _NUMBER,
    "regime": _TEXT,
    "verdict": _TEXT,
    "reasons": pl.List(pl.String()),
    "quantity": _NUMBER,
    "stop_price": _NUMBER,
    "order_id": _COUNT,
}
_FILLS: Final = {
    "id": _COUNT,
    "order": _COUNT,
    "timestamp": _TIME,
    "symbol": _TEXT,
    "side": _TEXT,
    "quantity": _NUMBER,
    "price": _NUMBER,
    "fee": _NUMBER,
    "slippage": _NUMBER,
    "liquidity": _TEXT,
    "purpose": _TEXT,
    "rate": _NUMBER,
}
_TRADES: Final = {
    "symbol": _TEXT,
    "side": _TEXT,
    "quantity": _NUMBER,
    "entry_time": _TIME,
    "exit_time": _TIME,
    "entry_price": _NUMBER,
    "exit_price": _NUMBER,
    "entry_rate": _NUMBER,
    "exit_rate": _NUMBER,
    "gross": _NUMBER,
    "fees": _NUMBER,
    "funding": _NUMBER,
    "slippage": _NUMBER,
    "pnl": _NUMBER,
    "pnl_fraction": _NUMBER,
    "return_fraction": _NUMBER,
    "bars": _COUNT,
    "mae": _NUMBER,
    "mfe": _NUMBER,
    "exit": _TEXT,
    "entry_decision": _COUNT,
}
_WEIGHTS: Final = {"timestamp": _TIME, "strategy": _TEXT, "weight": _NUMBER, "grade": _TEXT}
_INCIDENTS: Final = {"timestamp": _TIME, "severity": _TEXT, "kind": _TEXT, "message": _TEXT}

#: Names that ledger and backtest have for the same column.
_RENAMES: Final = {
    "ts": "timestamp",
    "entry_ts": "entry_time",
    "exit_ts": "exit_time",
    "rule": "rule_position",
    "rl": "rl_position",
}


@dataclass(frozen=True)
class RunFrames:
    """Tables of one run.

    Attributes
    ----------
    run, mode, status
        What it was called, how it ran (`backtest`, `paper`, …), and how it ended.
    equity, decisions, fills, trades, weights, incidents
        Tables; times are `datetime[ms, UTC]`. `decisions` has `vote_X`, `confidence_X` and `contribution_X` per
        strategy X.
    strategies, symbols
        Names, in the run's order.
    currency
        What equity and profit are in; empty where nothing tells.
    info
        Whatever else the ledger knows of the run.
    """

    run: str
    mode: str
    status: str
    equity: pl.DataFrame
    decisions: pl.DataFrame
    fills: pl.DataFrame
    trades: pl.DataFrame
    weights: pl.DataFrame
    incidents: pl.DataFrame
    strategies: list[str]
    symbols: list[str]
    currency: str = ""
    info: dict[str, Any] = field(default_factory=dict)


def read_frames(source: Any, *, run: str | None = None) -> RunFrames:
    """Read a run's tables.

    Parameters
    ----------
    source : Ledger, path, URL, BacktestResult or RunFrames
        Where they are.
    run
        Name of the run; a ledger's newest by default.

    Returns
    -------
    RunFrames
        The tables, empty where the run has no such rows.

    Raises
    ------
    LedgerError
        When the ledger or the run is not there.
    ParameterError
        When the source is none of these.
    """
    from mirrorfast.ledger import Ledger

    if isinstance(source, RunFrames):
        return source
    if isinstance(source, str | Path):
        with Ledger.open(source, create=False) as ledger:
            return _from_ledger(ledger, run)
    if isinstance(source, Ledger):
        return _from_ledger(source, run)
    if all(isinstance(getattr(source, name, None), pl.DataFrame) for name in ("equity", "trades", "fills")):
        return _from_result(source, run)
    raise ParameterError(f"source {type(source).__name__}: expected a Ledger, its path, or a BacktestResult")


def _from_ledger(ledger: Ledger, run: str | None) -> RunFrames:
    name = ledger.latest_run() if run is None else run
    info = ledger.info(name)
    decisions = ledger.frame("decisions", name)
    strategies = _strategies(decisions["votes"])
    decisions = decisions.with_columns(pl.col("reasons").str.json_decode(pl.List(pl.String())))
    if strategies:
        vote = pl.Struct({"signal": pl.Float64(), "confidence": pl.Float64(), "contribution": pl.Float64()})
        votes = decisions["votes"].str.json_decode(pl.Struct(dict.fromkeys(strategies, vote)))
        columns = []
        for strategy in strategies:
            part = votes.struct.field(strategy)
            for field_name, column in (
                ("signal", "vote"),
                ("confidence", "confidence"),
                ("contribution", "contribution"),
            ):
                columns.append(part.struct.field(field_name).alias(f"{column}_{strategy}"))
        decisions = decisions.with_columns(columns)
    return RunFrames(
        run=name,
        mode=info["mode"],
        status=info["status"],
        equity=_shaped(ledger.frame("equity", name), _EQUITY),
        decisions=_shaped(decisions.drop("votes"), _DECISIONS, keep=True),
        fills=_shaped(ledger.frame("fills", name), _FILLS),
        trades=_shaped(ledger.frame("trades", name), _TRADES),
        weights=_shaped(ledger.frame("weights", name), _WEIGHTS),
        incidents=_shaped(ledger.frame("incidents", name), _INCIDENTS),
        strategies=strategies,
        symbols=list(info["symbols"]),
        currency=_currency(info),
        info=info,
    )


def _from_result(result: Any, run: str | None) -> RunFrames:
    decisions: pl.DataFrame = getattr(result, "decisions", pl.DataFrame())
    if "order" in decisions.columns:
        decisions = decisions.rename({"order": "order_id"})
        decisions = decisions.with_columns(pl.when(pl.col("order_id") > 0).then(pl.col("order_id")))
    if decisions.schema.get("reasons") == pl.String:
        text = pl.col("reasons").fill_null("")
        decisions = decisions.with_columns(
            pl.when(text == "")
            .then(pl.lit([], dtype=pl.List(pl.String())))
            .otherwise(text.str.split("; "))
            .alias("reasons")
        )
    bars, config = getattr(result, "bars", None), getattr(result, "config", None)
    source = bars if isinstance(bars, pl.DataFrame) and "symbol" in bars.columns else decisions
    symbols = source["symbol"].unique(maintain_order=True).to_list() if "symbol" in source.columns else []
    incidents = [
        {"timestamp": ts, "severity": "warning", "kind": "risk", "message": str(message)}
        for ts, message in getattr(result, "risk_events", [])
    ]
    return RunFrames(
        run=run or "backtest",
        mode="backtest",
        status="finished",
        equity=_shaped(result.equity, _EQUITY),
        decisions=_shaped(decisions, _DECISIONS, keep=True),
        fills=_shaped(result.fills, _FILLS),
        trades=_shaped(result.trades, _TRADES),
        weights=_shaped(getattr(result, "weights", pl.DataFrame()), _WEIGHTS),
        incidents=_shaped(
            pl.DataFrame(incidents, schema=_INCIDENTS, strict=False) if incidents else pl.DataFrame(), _INCIDENTS
        ),
        strategies=[c.removeprefix("contribution_") for c in decisions.columns if c.startswith("contribution_")],
        symbols=[str(s) for s in symbols],
        currency=config.account_currency(symbols)
        if isinstance(config, TradingConfig)
        else account_currency("", dict.fromkeys(symbols, "")),
    )


def _currency(info: dict[str, Any]) -> str:
    """Read from a ledger what the amounts of a run are in; a run of another program may not say."""
    engine = info["config"].get("engine", {}) if isinstance(info.get("config"), dict) else {}
    quotes = {s["instrument"]["symbol"]: s["instrument"]["quote"] for s in engine.get("symbols", [])}
    shared = next(iter(quotes.values()), "")
    return account_currency(engine.get("currency") or shared, quotes or dict.fromkeys(info["symbols"], shared))


def _strategies(votes: pl.Series) -> list[str]:
    """Names in the votes of the first decision that has any; a run's strategies do not change."""
    for text in votes:
        names = json.loads(text) if text else {}
        if names:
            return list(names)
    return []


def _column(name: str, dtype: pl.DataType, *, known: bool) -> pl.Expr:
    column = pl.col(name).cast(dtype) if known else pl.lit(None, dtype=dtype).alias(name)
    # Where no rate is written down, the account's own currency was used.
    return column.fill_null(1.0) if name.endswith("rate") and dtype == _NUMBER else column


def _shaped(frame: pl.DataFrame, schema: dict[str, pl.DataType], *, keep: bool = False) -> pl.DataFrame:
    """Give a table exactly these columns (and with `keep` its vote columns), of these types."""
    frame = frame.rename({old: new for old, new in _RENAMES.items() if old in frame.columns})
    columns = [_column(name, dtype, known=name in frame.columns) for name, dtype in schema.items()]
    extra = [
        pl.col(name).cast(pl.Float64)
        for name in frame.columns
        if keep and name not in schema and name.startswith(("vote_", "confidence_", "contribution_"))
    ]
    if frame.width == 0:
        return pl.DataFrame(schema=schema)
    return frame.select(columns + extra).with_columns(pl.col(pl.Float64).fill_nan(None))
