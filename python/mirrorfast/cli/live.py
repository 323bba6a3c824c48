"""`mirrorfast live`: paper-trades a market replay end to end."""

import math
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mirrorfast.cli.dashboard import ControlOption, HostOption, OriginOption, PortOption
from mirrorfast.cli.figures import figures, plain
from mirrorfast.cli.live_watchers import NotifyOption, Page, Watchers
from mirrorfast.cli.monitor import MetricsOption, Monitor
from mirrorfast.cli.options import (
    ConfigOption,
    FromOption,
    JsonOption,
    SymbolsOption,
    ToOption,
    console,
    load,
    print_json,
)
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from rich.console import Console

    from mirrorfast.config import TradingConfig
    from mirrorfast.rl.policy import Policy
    from mirrorfast.system import IntegratedTradingSystem, RunSummary

__all__ = ["Mode", "live"]


class Mode(StrEnum):
    """Whose money it is."""

    PAPER = "paper"
    LIVE = "live"


def live(
    exchange: Annotated[
        str | None,
        typer.Option(
            help="Trade on paper at this exchange's prices, by ccxt's name, or 'simulator'. Default: a replay."
        ),
    ] = None,
    bars: Annotated[
        Path | None,
        typer.Option(help="Bars to replay: a .parquet or .csv file, or a folder of them. Default: bundled market."),
    ] = None,
    symbols: SymbolsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    speed: Annotated[str, typer.Option(help="Bars per second and symbol, or 'max'. 1 shows one bar a second.")] = "max",
    timeframe: Annotated[
        str | None, typer.Option(help="With --exchange: interval of the bars, such as 1m or 1h.")
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream/--poll", help="With --exchange: bars by WebSocket, or by REST as they close.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="With --exchange: stop after so many new bar times.")] = None,
    mode: Annotated[
        Mode, typer.Option(help="'live' sends real orders to the account at --exchange: real money.")
    ] = Mode.PAPER,
    i_understand_the_risk: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="With --mode live: the account that may lose its money.")
    ] = None,
    accept_account: Annotated[
        bool, typer.Option(help="With --mode live: I have looked at a difference between account and book; go on.")
    ] = False,
    run: Annotated[str | None, typer.Option(help="Name of the run; one that was stopped goes on where it was.")] = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="ONNX model whose wish the decisions take in, by --meta.")
    ] = None,
    meta: Annotated[
        Literal["rule_only", "rl_only", "confidence_blend", "regime_adaptive"] | None,
        typer.Option(help="Who decides: rules, policy, or a blend. Default: the configuration's, or confidence_blend."),
    ] = None,
    metrics: MetricsOption = None,
    dashboard: Annotated[
        bool,
        typer.Option("--dashboard", help="Serve the run to the browser while it goes on; see `mirrorfast dashboard`."),
    ] = False,
    dashboard_port: PortOption = 8765,
    dashboard_host: HostOption = "127.0.0.1",
    dashboard_origin: OriginOption = None,
    dashboard_control: ControlOption = False,
    notify: NotifyOption = None,
    notify_fills: Annotated[bool, typer.Option(help="With --notify: tell every execution, too.")] = False,
    notify_weekly: Annotated[
        bool, typer.Option(help="With --notify: send the weekly report when a week is over.")
    ] = True,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Paper-trade a market replay, or an exchange's prices: feed, features, strategies, risk, broker, ledger, report.

    No order reaches a real exchange, unless --mode live says so. Ctrl-C stops at the next bar; start again with the
    same --run to go on.
    """
    from mirrorfast.cli.policy import decided, trained
    from mirrorfast.cli.span import chosen
    from mirrorfast.system import IntegratedTradingSystem

    pace = _speed(speed)
    page = Page(dashboard_host, dashboard_port, tuple(dashboard_origin or ()), dashboard_control) if dashboard else None
    watchers = Watchers(page, tuple(notify or ()), fills=notify_fills, weekly=notify_weekly)
    if mode is Mode.LIVE:
        from mirrorfast.cli.live_trade import trade

        if exchange is None:
            raise ParameterError("--mode live: expected --exchange")
        for option, value in (("--bars", bars), ("--from", start), ("--to", end)):
            if value is not None:
                raise ParameterError(f"{option} = {value}: expected without --mode live")
        trade(
            exchange,
            decided(load(config), meta),
            symbols,
            timeframe,
            stream=stream,
            limit=limit,
            pace=pace,
            run=run,
            json_=json_,
            account=i_understand_the_risk,
            accept=accept_account,
            policy=trained(policy),
            metrics=metrics,
            watchers=watchers,
        )
        return
    if i_understand_the_risk is not None or accept_account:
        raise ParameterError("--i-understand-the-risk and --accept-account: expected together with --mode live")
    if exchange is not None:
        for option, value in (("--bars", bars), ("--from", start), ("--to", end)):
            if value is not None:
                raise ParameterError(f"{option} = {value}: expected without --exchange")
        wanted = decided(load(config), meta)
        _live(exchange, wanted, trained(policy), symbols, timeframe, stream, limit, pace, run, metrics, json_, watchers)
        return
    if timeframe is not None or stream or limit is not None:
        raise ParameterError("--timeframe, --stream and --limit: expected together with --exchange")
    cfg, table = chosen(decided(load(config), meta), bars, symbols, start, end)
    source = str(cfg.bars or "bundled market")
    system = IntegratedTradingSystem(cfg, bars=table, run=run, speed=pace, source=source, policy=trained(policy))
    screen = console()
    with ExitStack() as stack:
        watch = watching(stack, None if json_ else screen, cfg, watchers)
        summary = system.run(watch=watch if metrics is None else Monitor(stack, metrics).watching(watch))
    if json_:
        print_json(plain_summary(summary))
    else:
        print_summary(screen, summary)


def _live(
    exchange: str,
    cfg: "TradingConfig",
    policy: "Policy | None",
    symbols: str | None,
    timeframe: str | None,
    stream: bool,
    limit: int | None,
    pace: float | None,
    run: str | None,
    metrics: str | None,
    json_: bool,
    watchers: Watchers,
) -> None:
    from mirrorfast.cli.live_feed import LiveMarket
    from mirrorfast.data.timeframes import interval_ms

    screen = console()
    frame = timeframe or ("1h" if cfg.timeframe == "auto" else cfg.timeframe)
    wanted = tuple(s.strip() for s in symbols.split(",") if s.strip()) if symbols is not None else cfg.symbols
    with (
        LiveMarket(exchange, cfg, wanted, frame, stream=stream, limit=limit, pace=pace) as market,
        ExitStack() as stack,
    ):
        monitor = None if metrics is None else Monitor(stack, metrics)
        market.meter = None if monitor is None else monitor.data
        system = market.system(run, policy=policy)
        watchers.health, watchers.reconnects = market.health, market.reconnects
        watch = watching(stack, None if json_ else screen, cfg, watchers)
        if monitor is not None:
            # The simulator's time may run faster than ours.
            bar_s = interval_ms(system.interval) / 1_000 if exchange != "simulator" else None
            watch = monitor.watching(watch, bar_s=bar_s)
        summary = system.run(watch=watch)
    if json_:
        print_json(plain_summary(summary))
    else:
        print_summary(screen, summary, exchange)


def watching(stack: ExitStack, screen: "Console | None", cfg: "TradingConfig", watchers: Watchers) -> Any:
    """Make what watches a run, once the run is known: the live view, and what the options asked for."""

    def watch(system: "IntegratedTradingSystem", total: int | None) -> list[Any]:
        observers = watchers.observers(stack, system)
        if screen is not None:
            from mirrorfast.cli.live_view import LiveView

            view = LiveView(
                system.engine,
                system.symbols,
                run=system.run_id,
                capital=float(cfg.capital),
                total=total,
                console=screen,
            )
            observers.append(stack.enter_context(view))
        return observers

    return watch


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise ParameterError(f"--speed = {text!r}: expected 'max' or a number of bars per second > 0")
    return value


def plain_summary(summary: "RunSummary") -> dict[str, Any]:
    """Give a summary as JSON values."""
    return {
        "run": summary.run,
        "status": summary.status,
        "bars": summary.bars,
        "trades": summary.trades,
        "capital": summary.capital,
        "equity": summary.equity,
        "stats": plain(summary.stats),
        "strategies": [plain(row) for row in summary.strategies],
        "ledger": summary.ledger,
        "report": str(summary.report) if summary.report else None,
    }


def print_summary(screen: "Console", summary: "RunSummary", exchange: str | None = None, *, live: bool = False) -> None:
    """Show how a run went."""
    from rich import box
    from rich.table import Table

    table = Table(
        title=f"Run {summary.run}: {summary.status}", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold"
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_row("bars", f"{summary.bars:,}")
    table.add_row("equity", f"{summary.equity:,.2f} of {summary.capital:,.2f}")
    table.add_row("closed trades", f"{summary.trades:,}")
    for label, value in figures(summary.stats):
        table.add_row(label, value)
    screen.print(table)
    screen.print(f"Ledger  {summary.ledger}", soft_wrap=True, highlight=False)
    screen.print(f"Report  {summary.report}", soft_wrap=True, highlight=False)
    if summary.status != "finished":
        where = "" if exchange is None else f"--exchange {exchange} "
        where = f"--mode live {where}" if live else where
        screen.print(
            f"Stopped. Go on with: mirrorfast live {where}--run {summary.run}", soft_wrap=True, highlight=False
        )
