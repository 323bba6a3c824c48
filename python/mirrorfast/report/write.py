"""Writes a report to a file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, Final, Literal, get_args

from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.report import plain
from mirrorfast.report.model import ReportModel

__all__ = ["render_report", "write_report", "write_text"]

Format = Literal["html", "markdown", "json", "csv"]

_SUFFIXES: Final[dict[str, Format]] = {".md": "markdown", ".markdown": "markdown", ".json": "json", ".csv": "csv"}


def write_report(
    source: Any,
    run: str | None = None,
    path: str | Path = "report.html",
    bars: Any = None,
    *,
    format: Format | None = None,  # noqa: A002 - what every library calls it
    benchmark: Any = None,
) -> Path:
    """Write a run's report as one file that needs nothing else, not even a network.

    Parameters
    ----------
    source : Ledger, path, URL, BacktestResult or RunFrames
        Where the run's tables are.
    run
        Name of the run; a ledger's newest by default.
    path
        File to write; its folder is made where it is absent.
    bars : DataFrame or Arrow table, optional
        ``symbol timestamp close`` for prices and the buy-and-hold line; the prices of the run's decisions by default.
    format
        ``html`` (a page with charts), ``markdown``, ``json`` (every figure) or ``csv`` (the closed trades); by default
        what the file's name ends with says, else ``html``.
    benchmark : DataFrame, optional
        ``timestamp equity`` of what the run is compared with, such as ``BacktestResult.benchmark``; by default buying
        and holding at the prices, without costs.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    LedgerError
        When the ledger or the run is not there.
    ConfigurationError
        When the file cannot be written.
    ParameterError
        For another format.

    Notes
    -----
    The file is replaced whole: a reader never sees half of it. The same run gives the same bytes.

    Examples
    --------
    >>> import tempfile, mirrorfast as mf
    >>> result = mf.backtest(mf.sample_bars(["BTC/USD"]).head(1000))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = result.tearsheet(folder + "/report.html").read_text()
    >>> linked = page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    >>> page.startswith("<!DOCTYPE html>"), "http" in linked
    (True, False)
    """
    target = Path(path)
    kind = _SUFFIXES.get(target.suffix.lower(), "html") if format is None else format
    if kind not in get_args(Format):
        raise ParameterError(f"format {kind!r}: expected one of {', '.join(get_args(Format))}")
    return write_text(target, render_report(source, run, bars, format=kind, benchmark=benchmark))


def render_report(
    source: Any,
    run: str | None = None,
    bars: Any = None,
    *,
    format: Format = "html",  # noqa: A002
    benchmark: Any = None,
) -> str:
    """Make a run's report without writing it.

    Parameters
    ----------
    source, run, bars, format, benchmark
        As for `write_report`.

    Returns
    -------
    str
        The report.
    """
    model = ReportModel(source, run=run, bars=bars, benchmark=benchmark)
    if format == "html":
        from mirrorfast.report.tearsheet import render

        return render(model)
    return {"markdown": plain.to_markdown, "json": plain.to_json, "csv": plain.to_csv}[format](model)


def write_text(target: Path, text: str) -> Path:
    """Replace a file whole: a reader never sees half of it.

    Raises
    ------
    ConfigurationError
        When the file cannot be written.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise ConfigurationError(f"report {target}: expected a file that can be written: {error.strerror}") from error
    return target
