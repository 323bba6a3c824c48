"""`mirrorfast scan`: the newest closed bar of every symbol, scored and classified."""

from pathlib import Path
from typing import Annotated

import typer

from mirrorfast.cli.figures import plain
from mirrorfast.cli.options import JsonOption, console, print_json

__all__ = ["scan"]

# Column, heading, format, and the width of terminal from which it is shown.
_SHOWN = (
    ("symbol", "symbol", "{}", 0),
    ("price", "price", "{:,.6g}", 0),
    ("signal", "signal", "{}", 0),
    ("enhanced_score", "score", "{:.1f}", 0),
    ("momentum_short", "momentum", "{:+.2%}", 0),
    ("rsi", "rsi", "{:.1f}", 0),
    ("market_regime", "regime", "{}", 0),
    ("volume_ratio", "volume", "{:.2f}×", 90),
    ("signal_state", "state", "{}", 110),
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
    columns = [c for c in _SHOWN if c[3] <= screen.width]
    for _, heading, form, _ in columns:
        shown.add_column(heading, justify="left" if form == "{}" else "right", no_wrap=True)
    for row in best.select(c[0] for c in columns).iter_rows():
        cells = zip(row, columns, strict=True)
        shown.add_row(*("–" if v is None else form.format(v) for v, (_, _, form, _) in cells))
    screen.print(shown)
    if output is not None:
        screen.print(f"Written  {output}", soft_wrap=True, highlight=False)
