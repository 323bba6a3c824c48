"""``mirrorfast dashboard``: a run in the browser, from its ledger, while another process writes it or afterwards."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirrorfast.cli.options import ConfigOption, console, load
from mirrorfast.errors import ConfigurationError, MirrorfastError, ParameterError

if TYPE_CHECKING:
    from mirrorfast.config import TradingConfig
    from mirrorfast.dashboard import DashboardServer
    from mirrorfast.dashboard.control import FolderControl
    from mirrorfast.ledger import Ledger

__all__ = [
    "ControlOption",
    "HostOption",
    "OriginOption",
    "PortOption",
    "dashboard",
    "find_bars",
    "find_ledger",
    "newest_ledger",
    "say_where",
]

ControlOption = Annotated[
    bool, typer.Option(help="Let whoever has the token halt and resume trading; asked twice, and journaled.")
]
PortOption = Annotated[int, typer.Option(min=0, max=65_535, help="Port of the dashboard; 0 takes a free one.")]
HostOption = Annotated[
    str, typer.Option(help="Address to listen at. Others than this machine's own need TLS before it: see --origin.")
]
OriginOption = Annotated[
    list[str] | None,
    typer.Option(help="Address of a proxy before the dashboard, such as https://desk.example.org. Repeatable."),
]


def dashboard(
    run: Annotated[str | None, typer.Argument(help="Name of the run. Default: the newest.")] = None,
    ledger: Annotated[
        str | None, typer.Option(help="Ledger: a file, or a database URL. Default: the newest below --runs.")
    ] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder of runs. Default: that of the configuration.")] = None,
    bars: Annotated[
        Path | None, typer.Option(help="Bars of the market, for candles: a .parquet or .csv file, or a folder.")
    ] = None,
    port: PortOption = 8765,
    host: HostOption = "127.0.0.1",
    origin: OriginOption = None,
    control: ControlOption = False,
    config: ConfigOption = None,
) -> None:
    """Show a run in the browser: equity, trades, positions, decisions, signals, strategies, health, log.

    Reads the ledger only, so it can be started beside a running `mirrorfast live`, and again at any time. The token
    that the page asks for is printed once; set the secret dashboard.token to choose it. Ctrl-C ends it.
    """
    import threading

    from mirrorfast.dashboard import DashboardServer, LedgerSource
    from mirrorfast.dashboard.server import dashboard_token
    from mirrorfast.ledger import Ledger

    cfg = load(config)
    target = find_ledger(ledger, runs, cfg, run)
    token, made = dashboard_token()
    with Ledger.open(target, create=False) as opened:
        name = run or opened.latest_run()
        source = LedgerSource(opened, name, bars=find_bars(bars, opened, name))
        switch = _control(target, name, cfg, wanted=control)
        with DashboardServer(
            source, token=token, host=host, port=port, origins=origin or (), control=switch, controls=control
        ) as server:
            say_where(server, token if made else None)
            try:
                while not server.ended.wait(1.0):
                    pass
            except KeyboardInterrupt:
                return
        if threading.current_thread() is threading.main_thread():
            raise MirrorfastError("the dashboard's server has ended: see the log")


def say_where(server: "DashboardServer", token: str | None) -> None:
    """Print the address, and the token where it was made here; on standard error, which is nobody's input."""
    from mirrorfast.dashboard.security import is_loopback

    out = console(stderr=True)
    out.print(f"Dashboard  {server.url}", soft_wrap=True, markup=False)
    if token is None:
        out.print("Token      the secret dashboard.token", soft_wrap=True, markup=False)
    else:
        out.print(f"Token      {token}", soft_wrap=True, markup=False)
    if not is_loopback(server.host):
        out.print(
            "Others can reach this address, and nothing is encrypted: put a proxy with TLS before it (--origin).",
            soft_wrap=True,
            style="yellow",
        )


def _control(target: str | Path, run: str, cfg: "TradingConfig", *, wanted: bool) -> "FolderControl | None":
    """Find the folder of the run, where the files are that halt it."""
    from mirrorfast.dashboard.control import FolderControl

    beside = target.parent if isinstance(target, Path) and target.parent.name == run else cfg.runs / run
    return FolderControl(beside) if wanted or beside.is_dir() else None


def find_ledger(ledger: str | None, runs: Path | None, cfg: "TradingConfig", run: str | None = None) -> str | Path:
    """Find the ledger that a command means: the one named, the configuration's, the run's own, or the newest.

    Raises
    ------
    ConfigurationError
        When there is none.
    ParameterError
        When options contradict each other.
    """
    if ledger is not None:
        if runs is not None:
            raise ParameterError(f"--runs = {runs}: expected without --ledger")
        return ledger if "://" in ledger else Path(ledger)
    if runs is None and cfg.ledger is not None:
        return cfg.ledger.get_secret_value()
    folder = runs or cfg.runs
    own = folder / run / "ledger.sqlite" if run is not None else folder
    return own if own.is_file() else newest_ledger(folder)


def newest_ledger(runs: Path) -> Path:
    """Find the ledger below a folder that was written last.

    Raises
    ------
    ConfigurationError
        When there is none.
    """

    def written(path: Path) -> float:
        # The log beside it is written first.
        files = (path, path.with_name(path.name + "-wal"))
        return max(f.stat().st_mtime for f in files if f.exists())

    found = [p for pattern in ("ledger.sqlite", "*/ledger.sqlite") for p in runs.glob(pattern)]
    if not found:
        raise ConfigurationError(f"no ledger in {runs}: start a run with `mirrorfast live`, or name one with --ledger")
    return max(found, key=written)


def find_bars(path: Path | None, ledger: "Ledger", run: str) -> Any:
    """Read the bars for the candles; those of the bundled market are known by their digest."""
    from mirrorfast.data.digest import bars_digest
    from mirrorfast.data.files import read_bars
    from mirrorfast.data.sample import sample_bars
    from mirrorfast.data.schema import validate_bars

    if path is not None:
        return validate_bars(read_bars(path), source=str(path))
    info = ledger.info(run)
    market = validate_bars(sample_bars(), source="bundled market")
    digest = info["config"].get("bars") if isinstance(info["config"], dict) else None
    return market if digest == bars_digest(market) else None
