"""`mirrorfast scan`: the newest closed bar of every symbol, scored and classified."""

from pathlib import Path
from typing import Annotated

import typer

from mirrorfast.cli.figures import plain
from mirrorfast.cli.options import JsonOption, console, print_json

__all__ = ["scan"]

_SHOWN = (
    "symbol",
    "price",
    "signal",
    "signal_state",
    "enhanced_score",
    "momentum_short",
    "rsi",
    "volume_ratio",
    "market_regime",
)


def scan(
    bars: Annotated[Path, typer.Option(help="Bars: a .parquet or .csv file, or a folder of them.")],
    timeframe: Annotated[
        str, typer.Option(help="scalping, short, medium, daily, weekly, or an interval such as 15m.")
    ] = "medium",
    market: Annotated[str, typer.Option(help="crypto or forex.")] = "crypto",
    top: Annotated[int, typer.Option(min=1, help="How many symbols to show.")] = 20,
    output: Annotated[
        Path | None, typer.Option(help="Write every column of every symbol: a .csv or .parquet file.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Rank symbols by the features of their newest closed bar."""
    from mirrorfast.data.files import read_bars
    from mirrorfast.errors import ParameterError
    from mirrorfast.signals.scanner import scan_bars

    if output is not None and output.suffix.lower() not in (".csv", ".parquet"):
        raise ParameterError(f"--output = {output}: expected a .csv or .parquet file")
    table = scan_bars(read_bars(bars), timeframe=timeframe, market=market)
    if output is not None:
        if output.suffix.lower() == ".csv":
            table.write_csv(output)
        else:
            table.write_parquet(output)
    best = table.head(top)
    if json_:
        print_json([plain(row) for row in best.to_dicts()])
        return
    from rich import box
    from rich.table import Table

    screen = console()
    shown = Table(
        title=f"Scan of {table.height} symbols, {timeframe}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
    )
    for name in _SHOWN:
        shown.add_column(name, justify="left" if best[name].dtype.is_(best["symbol"].dtype) else "right")
    for row in best.select(_SHOWN).iter_rows():
        shown.add_row(*("–" if v is None else f"{v:,.4g}" if isinstance(v, float) else str(v) for v in row))
    screen.print(shown)
    if output is not None:
        screen.print(f"Written  {output}", soft_wrap=True, highlight=False)
