"""How a scan looks: the table, what failed, what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from rich.console import Console

    from mirrorfast.signals.momentum_scanner import ScanResult

__all__ = ["as_document", "show"]

# Column, heading, format, and the width of terminal from which it is shown.
_SHOWN: Final = (
    ("exchange", "exchange", "{}", 0),
    ("symbol", "symbol", "{}", 0),
    ("price", "price", "{:,.6g}", 0),
    ("signal", "signal", "{}", 0),
    ("enhanced_score", "score", "{:.1f}", 0),
    ("momentum_short", "momentum", "{:+.2%}", 0),
    ("rsi", "rsi", "{:.1f}", 0),
    ("market_regime", "regime", "{}", 0),
    ("volume_ratio", "volume", "{:.2f}×", 90),
    ("signal_state", "state", "{}", 110),
    ("confluence_signal", "confluence", "{}", 0),
)
_MOST: Final = 10


def as_document(result: ScanResult, top: int) -> dict[str, Any]:
    """Write a scan for machines.

    Parameters
    ----------
    result
        The scan.
    top
        Rows to keep.

    Returns
    -------
    dict
        Rows, failures, gaps and changes.
    """
    from mirrorfast.cli.figures import plain

    return {
        "timeframe": result.timeframe,
        "at": result.at.isoformat(),
        "rows": [plain(row) for row in result.rows.head(top).to_dicts()],
        "failures": result.failures.to_dicts(),
        "gaps": result.gaps.to_dicts(),
        "suspects": result.suspects.to_dicts(),
        "changes": [plain(row) for row in result.changes.to_dicts()],
    }


def show(screen: Console, result: ScanResult, top: int) -> None:
    """Print a scan for people.

    Parameters
    ----------
    screen
        Where to.
    result
        The scan.
    top
        Rows to show.
    """
    rows = result.rows
    venues = rows["exchange"].drop_nulls().n_unique() if "exchange" in rows.columns else 0
    title = f"Scan of {rows.height} symbols, {result.timeframe}"
    columns = [c for c in _SHOWN if c[0] in rows.columns and c[3] <= screen.width and (c[0] != "exchange" or venues)]
    _table(screen, title, [(heading, form != "{}") for _, heading, form, _ in columns], [
        ["–" if v is None else form.format(v) for v, (_, _, form, _) in zip(row, columns, strict=True)]
        for row in rows.head(top).select(c[0] for c in columns).iter_rows()
    ])  # fmt: skip
    if result.changes.height:
        _table(screen, f"Changed since the last scan: {result.changes.height}", [("exchange", False), ("symbol", False),
               ("change", False), ("before", False), ("after", False)], [
            ["–" if v is None else str(v) for v in row]
            for row in result.changes.head(_MOST).select("exchange", "symbol", "change", "before", "after").iter_rows()
        ])  # fmt: skip
    if result.suspects.height:
        heads = [("exchange", False), ("symbol", False), ("bar", False), ("times the close before", True)]
        _table(screen, f"Suspect bars in the history: {result.suspects.height}", heads, [
            [row[0], row[1], f"{row[2]:%Y-%m-%d %H:%M}", f"{row[3]:.3g}"]
            for row in result.suspects.head(_MOST).select("exchange", "symbol", "timestamp", "ratio").iter_rows()
        ])  # fmt: skip
    if result.failures.height:
        kinds = (
            result.failures.group_by("exchange", "kind")
            .agg(pl.len().alias("symbols"), pl.col("symbol").first(), pl.col("reason").first())
            .sort("symbols", "kind", descending=[True, False])
        )
        heads = [("exchange", False), ("why", False), ("symbols", True), ("for instance", False), ("reason", False)]
        _table(screen, f"Failed: {result.failures.height}", heads, [
            [str(v) for v in row] for row in kinds.head(_MOST).iter_rows()
        ], fold=True)  # fmt: skip


def _table(
    screen: Console, title: str, columns: list[tuple[str, bool]], rows: list[list[str]], *, fold: bool = False
) -> None:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for place, (heading, right) in enumerate(columns):
        last = fold and place == len(columns) - 1
        table.add_column(heading, justify="right" if right else "left", no_wrap=not last)
    for row in rows:
        table.add_row(*row)
    screen.print(table)
