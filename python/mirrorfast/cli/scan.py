"""`mirrorfast scan`: the newest closed bar of every symbol, scored and classified; of a file, or of whole exchanges."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirrorfast.cli.figures import plain
from mirrorfast.cli.monitor import MetricsOption, Monitor
from mirrorfast.cli.options import BarsOption, ConfigOption, JsonOption, SymbolsOption, console, load, print_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from mirrorfast.config.data import DataConfig
    from mirrorfast.signals.momentum_scanner import MomentumScanner

__all__ = ["scan"]


def scan(
    bars: BarsOption = None,
    exchange: Annotated[
        list[str] | None,
        typer.Option(help="Scan this exchange by ccxt's name, or 'simulator'; may be given several times."),
    ] = None,
    timeframe: Annotated[
        list[str] | None,
        typer.Option(
            help="scalping, short, medium, daily, weekly, or an interval such as 15m; several for confluence."
        ),
    ] = None,
    market: Annotated[str, typer.Option(help="crypto or forex.")] = "crypto",
    symbols: SymbolsOption = None,
    top: Annotated[int, typer.Option(min=1, help="How many symbols to show.")] = 20,
    every: Annotated[str | None, typer.Option(help="Scan again at every full 5m, 1h, … until Ctrl-C.")] = None,
    times: Annotated[int | None, typer.Option(min=1, help="With --every: how often.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write every column of every symbol: a .csv or .parquet file.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Folder for scan_results_{timeframe}_{timestamp}.csv and .parquet.")
    ] = None,
    metrics: MetricsOption = None,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Rank symbols by the features of their newest closed bar."""
    from mirrorfast.errors import ParameterError
    from mirrorfast.signals.schedule import period_ms

    if output is not None and output.suffix.lower() not in (".csv", ".parquet"):
        raise ParameterError(f"--output = {output}: expected a .csv or .parquet file")
    frames = timeframe or ["medium"]
    if exchange is None:
        if every is not None:
            raise ParameterError(f"--every = {every!r}: expected together with --exchange: a file does not change")
        if metrics is not None:
            raise ParameterError(f"--metrics = {metrics!r}: expected together with --exchange and --every")
        _scan_file(bars, frames, market, symbols, top, output, export, json_)
        return
    if bars is not None:
        raise ParameterError(f"--bars = {bars}: expected without --exchange")
    wanted = None if symbols is None else [s.strip() for s in symbols.split(",") if s.strip()]
    asked = {"timeframes": frames, "market": market, "symbols": wanted, "top": top, "output": output, "export": export}
    period = None if every is None else period_ms(every)
    if metrics is not None and period is None:
        raise ParameterError(
            f"--metrics = {metrics!r}: expected together with --every: one scan ends before it is asked"
        )
    asyncio.run(_scan_venues(exchange, load(config).data, asked, period, times, metrics, json_))


def _scan_file(
    bars: Path | None,
    timeframes: list[str],
    market: str,
    symbols: str | None,
    top: int,
    output: Path | None,
    export: Path | None,
    json_: bool,
) -> None:
    from mirrorfast.cli.scan_view import show
    from mirrorfast.cli.span import narrowed
    from mirrorfast.data.files import read_bars
    from mirrorfast.data.sample import sample_bars
    from mirrorfast.signals.momentum_scanner import MomentumScanner

    table = narrowed(read_bars(bars) if bars is not None else sample_bars(), symbols, None, None)
    scanner = MomentumScanner(table, market=market)
    results = asyncio.run(_results(scanner, timeframes))
    written = _written(results, output, export)
    if json_:
        print_json([plain(row) for result in results for row in result.rows.head(top).to_dicts()])
        return
    screen = console()
    for result in results:
        show(screen, result, top)
    for file in written:
        screen.print(f"Written  {file}", soft_wrap=True, highlight=False)


async def _scan_venues(
    exchanges: list[str],
    config: "DataConfig",
    asked: dict[str, Any],
    period: int | None,
    times: int | None,
    metrics: str | None,
    json_: bool,
) -> None:
    import time
    from contextlib import AsyncExitStack, ExitStack

    from mirrorfast.cli.scan_view import as_document, show
    from mirrorfast.cli.venues import opened
    from mirrorfast.clock import SystemClock
    from mirrorfast.signals.momentum_scanner import MomentumScanner
    from mirrorfast.signals.schedule import every

    screen, errors = console(), console(stderr=True)
    async with AsyncExitStack() as stack:
        monitor, meter = None, None
        if metrics is not None:
            from mirrorfast.monitoring import ScanMeter

            monitor = Monitor(stack.enter_context(ExitStack()), metrics)
            monitor.health.loop(asyncio.get_running_loop())
            meter = ScanMeter(monitor.registry)
            monitor.health.ready("first_scan", meter.first_scan)
        fetchers = [await stack.enter_async_context(opened(name, config)) for name in exchanges]
        if monitor is not None:
            for fetcher in fetchers:
                monitor.data.add(fetcher.counters)
        bar = _Bars(errors)
        scanner = MomentumScanner(fetchers, market=asked["market"], symbols=asked["symbols"], progress=bar.step)

        async def once() -> None:
            began = time.perf_counter()
            with bar:
                results = await _results(scanner, asked["timeframes"])
            if meter is not None:
                meter.on_scan(results, time.perf_counter() - began)
            written = _written(results, asked["output"], asked["export"])
            if json_:
                print_json([as_document(result, asked["top"]) for result in results])
                return
            for result in results:
                show(screen, result, asked["top"])
            for file in written:
                screen.print(f"Written  {file}", soft_wrap=True, highlight=False)

        if period is None:
            await once()
        else:
            # A second for the venue to publish what has just closed.
            await every(period, once, SystemClock(), delay=1_000, times=times)


async def _results(scanner: "MomentumScanner", timeframes: list[str]) -> list[Any]:
    if len(timeframes) == 1:
        return [await scanner.scan_market(timeframes[0])]
    return list((await scanner.scan_multi_timeframe(timeframes)).values())


def _written(results: list[Any], output: Path | None, export: Path | None) -> list[Path]:
    import polars as pl

    written: list[Path] = []
    if output is not None:
        table = pl.concat([result.rows for result in results], how="diagonal_relaxed")
        if output.suffix.lower() == ".csv":
            table.write_csv(output)
        else:
            table.write_parquet(output)
        written.append(output)
    if export is not None:
        for result in results:
            written += result.write(export)
    return written


class _Bars:
    """A progress bar for each exchange, on standard error, where there is a terminal."""

    def __init__(self, screen: "Console") -> None:
        self._screen = screen
        self._progress: Progress | None = None
        self._tasks: dict[str, Any] = {}
        self._failed: dict[str, int] = {}

    def __enter__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._tasks.clear()
        self._failed.clear()
        if not self._screen.is_terminal:
            return
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]}"),
            TimeElapsedColumn(), console=self._screen, transient=True,
        )  # fmt: skip
        self._progress.start()

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def step(self, exchange: str, done: int, total: int, failure: Any) -> None:
        """Note one series."""
        if failure is not None:
            self._failed[exchange] = self._failed.get(exchange, 0) + 1
        if self._progress is None:
            return
        if exchange not in self._tasks:
            self._tasks[exchange] = self._progress.add_task(exchange, total=total, failed="")
        failed = self._failed.get(exchange, 0)
        self._progress.update(
            self._tasks[exchange], completed=done, total=total, failed=f"[red]{failed} failed" if failed else ""
        )
