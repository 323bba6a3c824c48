"""The weekly report as Markdown and as HTML: the same sections, the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

from mirrorfast.report.numbers import NONE, count, moment, money, number, percent, price, sentence, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirrorfast.report.weekly import WeeklyReport

__all__ = ["html", "markdown"]


@dataclass(frozen=True)
class _Section:
    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    empty: str


def _sections(report: WeeklyReport) -> list[_Section]:
    return [_figures(report), _movers(report), _strategies(report), _incidents(report), _refusals(report)]


def _figures(report: WeeklyReport) -> _Section:
    forms: dict[str, tuple[str, Any]] = {
        "equity": ("Equity at the end", money),
        "return": ("Return", lambda v: percent(v, 2, sign=True)),
        "max_drawdown": ("Deepest drawdown", lambda v: percent(v, 2)),
        "trades": ("Closed trades", count),
        "win_rate": ("Trades won", lambda v: percent(v, 0)),
        "pnl": ("Net of closed trades", lambda v: money(v, sign=True)),
        "fees": ("Fees of closed trades", money),
    }
    this, last = report.this, report.last

    def told(form: Any, value: Any) -> str:
        return NONE if value is None else str(form(value))

    rows = [(label, told(form, this[name]), told(form, last[name])) for name, (label, form) in forms.items()]
    return _Section("This week and last", ("Figure", "This week", "Week before"), rows, "")


def _movers(report: WeeklyReport) -> _Section:
    rows = [
        (
            r["symbol"],
            price(r["price"]),
            percent(r["change"], 1, sign=True),
            f"{r['direction_before'] or NONE} → {r['direction'] or NONE}",
            f"{number(r['consensus_before'])} → {number(r['consensus'])}",
        )
        for r in report.movers.iter_rows(named=True)
    ]
    heads = ("Symbol", "Price", "Change", "Signal", "Consensus")
    return _Section("Movers from one week's end to the next", heads, rows, "No symbol was seen at both weeks' ends.")


def _strategies(report: WeeklyReport) -> _Section:
    rows = [
        (
            "No strategy" if r["strategy"] == "(none)" else words(r["strategy"]),
            count(r["trades"]),
            percent(r["win_rate"], 0),
            money(r["pnl"], sign=True),
            f"{number(r['weight_before'])} → {number(r['weight'])}",
            f"{r['grade_before'] or NONE} → {r['grade'] or NONE}",
        )
        for r in report.strategies.iter_rows(named=True)
    ]
    heads = ("Strategy", "Trades", "Won", "PnL", "Weight", "Grade")
    return _Section("Strategies", heads, rows, "No strategy has voted.")


def _incidents(report: WeeklyReport) -> _Section:
    rows = [
        (moment(r["timestamp"].timestamp() * 1000), words(r["severity"]), words(r["kind"]), r["message"])
        for r in report.incidents.tail(50).iter_rows(named=True)
    ]
    left = report.incidents.height - len(rows)
    title = "Incidents" if left <= 0 else f"Incidents: the last {len(rows)} of {report.incidents.height:,}"
    return _Section(title, ("Time (UTC)", "Severity", "Kind", "What"), rows, "None.")


def _refusals(report: WeeklyReport) -> _Section:
    rows = [
        (words(r["rule"]), words(r["verdict"]), count(r["decisions"]), sentence(r["example"]))
        for r in report.refusals.iter_rows(named=True)
    ]
    heads = ("Rule", "Outcome", "Decisions", "Latest")
    return _Section("What the risk engine held back", heads, rows, "Risk let every order pass unchanged.")


def _about(report: WeeklyReport) -> str:
    start, end = report.span
    return f"Run {report.frames.run} · {words(report.frames.mode)} · {start:%Y-%m-%d} to {end:%Y-%m-%d}, UTC"


def markdown(report: WeeklyReport) -> str:
    """Write a week as Markdown."""
    from mirrorfast.report.plain import cell

    lines = [f"# {cell(report.headline)}", "", cell(_about(report))]
    for section in _sections(report):
        lines += ["", f"## {section.title}", ""]
        if not section.rows:
            lines.append(section.empty)
            continue
        lines += ["| " + " | ".join(section.heads) + " |", "|" + " --- |" * len(section.heads)]
        lines += ["| " + " | ".join(cell(c) for c in row) + " |" for row in section.rows]
    return "\n".join(lines) + "\n"


def html(report: WeeklyReport) -> str:
    """Write a week as one page."""
    style = resources.files("mirrorfast.report").joinpath("assets", "tearsheet.css").read_text(encoding="utf-8")
    gain = report.this["return"]
    tone = "none" if gain is None else "good" if gain > 0 else "bad" if gain < 0 else "mixed"
    parts = [_html_section(k, section) for k, section in enumerate(_sections(report))]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.frames.run)} · week of {report.monday:%Y-%m-%d}</title><style>{style}</style></head>"
        f'<body><header class="top"><div class="brand"><strong>mirrorfast</strong><span>{escape(_about(report))}</span>'
        f'</div><h1 class="{tone}">{escape(report.headline)}</h1></header><main>{"".join(parts)}</main>'
        "<footer>All times UTC. What a strategy earned in the past does not promise what it will earn.</footer>"
        "</body></html>\n"
    )


def _html_section(k: int, section: _Section) -> str:
    if section.rows:
        wide = {"What", "Latest"}
        styles = ["wide" if head in wide else "" for head in section.heads]
        head = "".join(
            f'<th scope="col" class="{s}">{escape(h)}</th>' for h, s in zip(section.heads, styles, strict=True)
        )
        rows = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>'
            + "".join(f'<td class="{s}">{escape(c)}</td>' for c, s in zip(row[1:], styles[1:], strict=True))
            + "</tr>"
            for row in section.rows
        )
        content = (
            f'<div class="scroll" tabindex="0" role="region" aria-labelledby="w{k}"><table>'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )
    else:
        content = f'<p class="empty">{escape(section.empty)}</p>'
    return (
        f'<section class="card" aria-labelledby="w{k}"><div class="head"><h2 id="w{k}">{escape(section.title)}</h2>'
        f"</div>{content}</section>"
    )
