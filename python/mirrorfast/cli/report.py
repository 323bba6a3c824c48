"""``mirrorfast report``: a run as a page, Markdown, JSON or CSV; ``mirrorfast report weekly``: one week of it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from mirrorfast.cli.options import ConfigOption, load
from mirrorfast.errors import ConfigurationError, ParameterError

if TYPE_CHECKING:
    from mirrorfast.report.notify import Message
    from mirrorfast.report.weekly import WeeklyReport

__all__ = ["app"]


class _RunByDefault(TyperGroup):
    """`report RUN` is short for `report run RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name where there is none."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunByDefault,
    help="Report on a run: `mirrorfast report RUN --format html|md|json|csv`, or one week of it: `… report weekly`.",
)

LedgerOption = Annotated[
    str | None,
    typer.Option(help="Ledger: a file, or a database URL. Default: the run's own, else the newest below --runs."),
]
RunsOption = Annotated[Path | None, typer.Option(help="Folder of runs. Default: that of the configuration.")]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write; '-' for standard output. Default: -, for html a file."),
]


@app.command("run")
def run_(
    run: Annotated[str | None, typer.Argument(help="Name of the run. Default: the newest.")] = None,
    format_: Annotated[
        Literal["html", "md", "json", "csv"] | None,
        typer.Option("--format", "-f", help="A page with charts, Markdown, every figure, or the closed trades."),
    ] = None,
    output: OutputOption = None,
    ledger: LedgerOption = None,
    runs: RunsOption = None,
    bars: Annotated[
        Path | None, typer.Option(help="Bars of the market, for prices: a .parquet or .csv file, or a folder.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Report on a run, finished or not."""
    from mirrorfast.cli.dashboard import find_bars, find_ledger
    from mirrorfast.ledger import Ledger
    from mirrorfast.report.write import render_report, write_report

    kind = format_ or _kind_of(output)
    cfg = load(config)
    with Ledger.open(find_ledger(ledger, runs, cfg, run), create=False) as opened:
        name = run or opened.latest_run()
        table = find_bars(bars, opened, name)
        long = "markdown" if kind == "md" else kind
        if output is None and kind == "html":
            output = Path(f"report-{name}.html")
        if output is None or str(output) == "-":
            typer.echo(render_report(opened, name, bars=table, format=long), nl=False)
            return
        typer.echo(write_report(opened, name, output, table, format=long))


@app.command()
def weekly(
    run: Annotated[str | None, typer.Argument(help="Name of the run. Default: the newest.")] = None,
    week: Annotated[
        str | None, typer.Option(help="Any day of the week, YYYY-MM-DD (UTC). Default: the week of the last bar.")
    ] = None,
    format_: Annotated[
        Literal["html", "md", "json"] | None,
        typer.Option("--format", "-f", help="Default: by the file's name, else md."),
    ] = None,
    output: OutputOption = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECRET|URL", help="Send it: name of a secret with an apprise URL, or one without a token."
        ),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(help="Again, until Ctrl-C: 'week' for Mondays at 00:05 UTC, or at every full 1h, 1d, …"),
    ] = None,
    times: Annotated[int | None, typer.Option(min=1, help="With --every: how often.")] = None,
    ledger: LedgerOption = None,
    runs: RunsOption = None,
    config: ConfigOption = None,
) -> None:
    """Report one week: against the week before, movers, strategies, incidents, refusals.

    With --every week a Monday's report is on the week that is over; the first comes at once.
    """
    from mirrorfast.cli.dashboard import find_ledger

    if times is not None and every is None:
        raise ParameterError(f"--times = {times}: expected together with --every")
    kind = format_ or _weekly_kind(output)
    day = _day(week)
    cfg = load(config)
    sender = _sender(notify or [])

    def once() -> None:
        from mirrorfast.report.weekly import weekly_report

        # On a Monday at 00:05 the week that is over, on other days the present one.
        of = (datetime.now(UTC) - timedelta(days=1)).date() if day is None and every == "week" else day
        report = weekly_report(find_ledger(ledger, runs, cfg, run), run=run, week=of)
        text = {"html": report.to_html, "md": report.to_markdown, "json": report.to_json}[kind]()
        if output is not None and str(output) != "-":
            from mirrorfast.report.write import write_text

            typer.echo(write_text(output, text))
        elif not notify or format_ is not None:
            typer.echo(text, nl=False)
        if sender is not None and not sender(_message(report)):
            raise ConfigurationError("the weekly report was not delivered to every address: see the log")

    if every is None:
        once()
    else:
        _repeat(every, once, times)


def _repeat(period: str, once: Any, times: int | None) -> None:
    import asyncio

    from mirrorfast.clock import SystemClock
    from mirrorfast.errors import MirrorfastError
    from mirrorfast.signals.schedule import every, period_ms
    from mirrorfast.telemetry import get_logger

    async def job() -> None:
        try:
            await asyncio.to_thread(once)
        except MirrorfastError as error:
            # The next week comes all the same.
            get_logger(__name__).error("weekly_report_failed", error=str(error))

    # Weeks of the epoch begin on Thursdays: four days later it is Monday.
    length, delay = (7 * 86_400_000, 4 * 86_400_000 + 300_000) if period == "week" else (period_ms(period), 0)
    try:
        asyncio.run(every(length, job, SystemClock(), delay=delay, times=times))
    except KeyboardInterrupt:
        return


def _sender(addresses: list[str]) -> Any:
    if not addresses:
        return None
    from mirrorfast.report.notify import AppriseSender, notify_address

    return AppriseSender([notify_address(text) for text in addresses]).send


def _message(report: "WeeklyReport") -> "Message":
    from mirrorfast.report.notify import Message

    return Message(f"{report.frames.run}: week of {report.monday}", report.to_markdown())


def _kind_of(output: Path | None) -> Literal["html", "md", "json", "csv"]:
    kinds: dict[str, Literal["md", "json", "csv"]] = {".md": "md", ".markdown": "md", ".json": "json", ".csv": "csv"}
    return "html" if output is None else kinds.get(output.suffix.lower(), "html")


def _weekly_kind(output: Path | None) -> Literal["html", "md", "json"]:
    kinds: dict[str, Literal["html", "json"]] = {".html": "html", ".htm": "html", ".json": "json"}
    return "md" if output is None else kinds.get(output.suffix.lower(), "md")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"--week = {text!r}: expected a day such as 2017-12-27") from None
