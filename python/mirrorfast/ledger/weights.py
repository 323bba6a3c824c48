"""What earlier runs taught about strategies: the weights that a run ended with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from mirrorfast.ledger.store import Ledger

__all__ = ["last_weights"]


def last_weights(ledger: Ledger, run: str) -> dict[str, float]:
    """Read the weights with which a run ended, or stands at present.

    Parameters
    ----------
    ledger : Ledger
        Where the run is.
    run : str
        The run. Its whole history is ``ledger.frame("weights", run)``: one row for every change, with the grade.

    Returns
    -------
    dict of str to float
        Weight by strategy, in the order of its configuration; a strategy whose weight never changed has the one that it
        started with.

    Raises
    ------
    LedgerError
        If there is no such run.

    Examples
    --------
    >>> import tempfile
    >>> import mirrorfast as mf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     config = mf.TradingConfig(runs=folder, strategies=["ut_bot"])
    ...     system = mf.IntegratedTradingSystem(config, bars=mf.sample_bars(["BTC/USD"]).head(600), run="first")
    ...     _ = system.run()
    ...     with mf.ledger.Ledger.open(system.ledger_target) as ledger:
    ...         weights = last_weights(ledger, "first")
    >>> list(weights), 0.1 <= weights["ut_bot"] <= 1.0
    (['ut_bot'], True)
    """
    engine = ledger.info(run)["config"]["engine"]
    known = {s["name"]: float(s["weight"]) for s in (*engine["strategies"], *engine.get("external", ()))}
    changes = ledger.frame("weights", run)
    latest = changes.sort("seq").group_by("strategy", maintain_order=True).agg(pl.col("weight").last())
    return known | {name: weight for name, weight in latest.iter_rows() if name in known}
