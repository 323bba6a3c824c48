"""`mirrorfast data`: a store of bars on this machine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirrorfast.cli.options import ConfigOption, JsonOption, console, load, print_json

if TYPE_CHECKING:
    import polars as pl

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Keep bars of exchanges in Parquet files: download, update, list, verify.")

StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.")]
ExchangeOption = Annotated[str, typer.Option(help="ccxt's name of the exchange, or 'simulator'.")]


@app.command("download")
def download(
    symbols: Annotated[str, typer.Option(help="Symbols, separated by commas, or 'all' active ones.")],
    start: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD (UTC).")],
    exchange: ExchangeOption = "binance",
    timeframe: Annotated[
        list[str] | None, typer.Option(help="Timeframe or interval; may be given several times.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD (UTC), inclusive.")] = None,
    store: StoreOption = Path("data"),
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Fetch history; what is stored already is not fetched again, so a broken download goes on where it was."""
    from mirrorfast.errors import ParameterError

    first, last = _day("--from", start), None if end is None else _day("--to", end) + 86_400_000
    if last is not None and last <= first:
        raise ParameterError(f"--to = {end}: expected not before --from ({start})")
    wanted = None if symbols == "all" else [s.strip() for s in symbols.split(",") if s.strip()]
    series = (wanted, timeframe or ["medium"])
    asyncio.run(_update(exchange, load(config).data, store, series, first, last, json_))


@app.command("update")
def update(
    exchange: Annotated[str | None, typer.Option(help="Only this exchange.")] = None,
    store: StoreOption = Path("data"),
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Fetch what has closed since, for every series of the store."""
    from mirrorfast.data.store import MarketDataStore
    from mirrorfast.errors import DataError

    table = MarketDataStore(store).list()
    names = [n for n in table["exchange"].unique(maintain_order=True).to_list() if exchange in (None, n)]
    if not names:
        raise DataError(f"{store}: nothing of {exchange or 'any exchange'} to update: mirrorfast data download begins")
    for name in names:
        mine = table.filter(exchange=name)
        for (timeframe,), part in mine.group_by("timeframe", maintain_order=True):
            series = (part["symbol"].to_list(), [str(timeframe)])
            asyncio.run(_update(name, load(config).data, store, series, None, None, json_))


@app.command("list")
def list_(store: StoreOption = Path("data"), json_: JsonOption = False) -> None:
    """Show what is stored."""
    from mirrorfast.data.store import MarketDataStore

    table = MarketDataStore(store).list()
    if json_:
        print_json(table.to_dicts())
        return
    _show(f"{table.height} series in {store}", table)


@app.command("verify")
def verify(store: StoreOption = Path("data"), json_: JsonOption = False) -> None:
    """Read everything and compare it with its checksums; exit status 1 if something is wrong."""
    from mirrorfast.data.store import MarketDataStore

    kept = MarketDataStore(store)
    problems, files = kept.verify(), sum(1 for _ in kept.folder.glob("**/bars.parquet"))
    if json_:
        print_json({"files": files, "problems": problems.to_dicts()})
    elif problems.height:
        _show(f"{problems.height} of {files} files are damaged", problems)
    else:
        console().print(f"{files} files, all as they were written.")
    if problems.height:
        raise typer.Exit(1)


async def _update(
    exchange: str,
    config: Any,
    folder: Path,
    series: tuple[list[str] | None, list[str]],
    start: int | None,
    end: int | None,
    json_: bool,
) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from mirrorfast.cli.venues import opened
    from mirrorfast.data.store import MarketDataStore
    from mirrorfast.data.update import update_store

    symbols, timeframes = series
    errors = console(stderr=True)
    async with opened(exchange, config) as fetcher:
        names = symbols or (await fetcher.fetch_markets())["symbol"].to_list()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[bars]} bars"),
        )
        with Progress(
            *columns, TimeElapsedColumn(), console=errors, transient=True, disable=not errors.is_terminal
        ) as bar:
            task = bar.add_task(fetcher.name, total=len(names) * len(timeframes), bars=0)
            count = 0

            def progress(_symbol: str, _timeframe: str, bars: int, done: bool) -> None:
                nonlocal count
                count += bars
                bar.update(task, advance=int(done), bars=f"{count:,}")

            result = await update_store(
                fetcher, MarketDataStore(folder), names, timeframes, start=start, end=end, progress=progress
            )
    if json_:
        failed = result.failures.to_dicts()
        print_json({"exchange": fetcher.name, "bars": result.bars, "series": result.series, "failures": failed})
    else:
        console().print(f"{fetcher.name}: {result.bars:,} new bars, {result.series} series up to date in {folder}")
        if result.failures.height:
            _show(f"Failed: {result.failures.height}", result.failures)
    if result.failures.height:
        raise typer.Exit(1)


def _show(title: str, table: pl.DataFrame) -> None:
    from rich import box
    from rich.table import Table

    shown = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name, dtype in table.schema.items():
        shown.add_column(name, justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in table.iter_rows():
        shown.add_row(*(f"{v:%Y-%m-%d %H:%M}" if isinstance(v, datetime) else f"{v:,}" if isinstance(v, int) else str(v)
                        for v in row))  # fmt: skip
    console().print(shown)


def _day(option: str, text: str) -> int:
    from mirrorfast.errors import ParameterError

    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1_000
    except ValueError:
        raise ParameterError(f"{option} = {text!r}: expected a day such as 2024-01-31") from None
