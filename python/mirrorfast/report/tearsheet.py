"""One HTML file for one run: it needs no network and no other file."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from mirrorfast.report import charts, numbers, tables
from mirrorfast.report.charts import Chart, Line, Mark
from mirrorfast.report.numbers import moment, money, number, percent, price, words

if TYPE_CHECKING:
    from mirrorfast.report.model import ReportModel

__all__ = ["render"]

#: Price charts drawn; the symbols with the most money at stake come first.
_CHARTS: Final = 12
#: Trades drawn per price chart.
_MARKED: Final = 600

_GLYPHS: Final = (
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
    '<path id="g-long" d="M0 -6.5L6 4.5H-6Z"/><path id="g-short" d="M0 6.5L6 -4.5H-6Z"/>'
    '<circle id="g-exit" r="4"/>'
    '<path id="g-long-s" d="M0 -4L3.6 2.6H-3.6Z"/><path id="g-short-s" d="M0 4L3.6 -2.6H-3.6Z"/>'
    '<circle id="g-exit-s" r="2.2"/></defs></svg>'
)

_LOGO: Final = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="6" fill="var(--accent)"/>'
    '<path d="M4 15l5-6 4 4 7-8M4 19l5-4 4 2 7-4" fill="none" stroke="var(--card)" stroke-width="1.8" '
    'stroke-linejoin="round"/></svg>'
)


def render(model: ReportModel) -> str:
    """Write a run's report as one HTML page.

    Parameters
    ----------
    model
        What it says.

    Returns
    -------
    str
        HTML with style, script and charts inside; a content policy that forbids every request.
    """
    drawn: list[Chart] = []
    body = "".join(
        [
            _header(model),
            '<main id="content">',
            _tiles(model),
            _curve(model, drawn),
            _prices(model, drawn),
            _card(
                "strategies",
                "Strategies",
                tables.strategies(model) + _weights(model, drawn),
                "A trade's PnL goes to the strategies that stood for it at its entry, by their share in that vote.",
            ),
            _card("symbols", "Symbols", tables.symbols(model)),
            _card("months", "Monthly returns", tables.months(model)),
            '<div class="two">',
            _card(
                "returns",
                "Trade returns",
                charts.histogram(model.frames.trades["return_fraction"].to_list()),
                "Number of closed trades by net return on their notional.",
            ),
            _card("costs", "Costs", tables.costs(model), "Slippage and spread are inside the fill prices."),
            _card("exits", "Why trades were closed", tables.groups(model, "exit", "Closed by", numbers.closed_by)),
            _card("regimes", "Market regime at entry", tables.groups(model, "regime", "Regime", tables.regime)),
            "</div>",
            _card("risk", "Risk refusals", tables.refusals(model), _risk_note(model)),
            _card("decisions", "Last decisions", tables.decisions(model), "Votes from −1 (short) to +1 (long)."),
            _more(model),
            "</main>",
            _footer(model),
        ]
    )
    script = _asset("tearsheet.js")
    data = charts.script_json([chart.data for chart in drawn if chart.data])
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = escape(f"{model.frames.run} · mirrorfast report")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy, quote=True)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{title}</title><style>{_asset('tearsheet.css')}</style></head><body>"
        f'<a class="skip" href="#content">Skip to the report</a>{_GLYPHS}{body}'
        f'<div id="live" class="sr" aria-live="polite"></div>'
        f'<script type="application/json" id="chart-data">{data}</script><script>{script}</script></body></html>\n'
    )


def _asset(name: str) -> str:
    return resources.files("mirrorfast.report").joinpath("assets", name).read_text(encoding="utf-8")


def _card(name: str, title: str, content: str, note: str = "", tools: str = "") -> str:
    about = f'<p class="note">{escape(note)}</p>' if note else ""
    right = f'<div class="tools">{tools}</div>' if tools else ""
    return (
        f'<section class="card" id="{name}" aria-labelledby="{name}-title"><div class="head">'
        f'<h2 id="{name}-title">{escape(title)}</h2>{about}{right}</div>{content}</section>'
    )


def _header(model: ReportModel) -> str:
    frames, verdict = model.frames, model.verdict
    span = ""
    if len(model.times):
        first, last = numbers.day(int(model.times[0])), numbers.day(int(model.times[-1]))
        span = f"{first} – {last} · {numbers.duration(model.span_days * 86_400)}"
    names = ", ".join(frames.symbols[:4]) + (f" and {len(frames.symbols) - 4} more" if len(frames.symbols) > 4 else "")
    links = "".join(
        f'<a href="#{name}">{escape(text)}</a>'
        for name, text in (
            ("curve", "Equity"),
            ("prices", "Trades"),
            ("strategies", "Strategies"),
            ("costs", "Costs"),
            ("months", "Months"),
            ("risk", "Risk"),
            ("decisions", "Decisions"),
            ("more", "All figures"),
        )
    )
    return (
        f'<header class="top"><div class="brand">{_LOGO}<strong>mirrorfast</strong>'
        f"<span>Run {escape(frames.run)}</span>"
        f"{tables.badge(words(frames.mode))}{tables.badge(words(frames.status), frames.status)}"
        f'<span class="span">{escape(names)}{" · " if span and names else ""}{escape(span)}</span></div>'
        f'<h1 class="{verdict.tone}">{_bound(verdict.headline)}</h1><p class="detail">{_bound(verdict.detail)}</p>'
        f'<nav class="toc" aria-label="Sections">{links}</nav></header>'
    )


def _bound(text: str) -> str:
    """Keep a number and its unit on one line."""
    return escape(text).replace(" %", "&nbsp;%").replace(" days", "&nbsp;days")


def _tiles(model: ReportModel) -> str:
    m = model.metrics

    def get(name: str) -> float:
        value = m.get(name, math.nan)
        return math.nan if value is None else float(value)

    def tone(value: float) -> str:
        return "gain" if value > 0 else "loss" if value < 0 else ""

    unit = f" {model.currency}" if model.currency else ""
    end = f"{money(float(model.equity[-1]))}{unit}" if len(model.equity) else numbers.NONE
    worst = float(model.drawdown.min()) if len(model.equity) else math.nan
    trades = model.frames.trades
    won = float(trades["pnl"].gt(0).mean()) if trades.height else math.nan  # type: ignore[arg-type]
    total = model.total_return
    items = [
        ("Total return", percent(total, 1, sign=True), f"equity {end}", tone(total)),
        (
            "Per year",
            percent(get("annual_return"), 1, sign=True),
            f"volatility {percent(get('annual_volatility'))}",
            tone(get("annual_return")),
        ),
        ("Sharpe ratio", number(get("sharpe")), f"Sortino {number(get('sortino'))}", ""),
        ("Deepest drawdown", percent(worst), _recovery(model), "loss" if worst < 0 else ""),
        (
            "Against buy & hold",
            _points(total - model.benchmark_return),
            f"buy & hold {percent(model.benchmark_return, 1, sign=True)}",
            tone(total - model.benchmark_return),
        ),
        ("Trades won", percent(won, 0), f"{numbers.count(trades.height)} closed", ""),
        (
            "Profit factor",
            number(get("profit_factor")),
            f"{percent(get('expectancy'), 2, sign=True)} of equity a trade",
            "",
        ),
        ("Time in the market", percent(get("exposure"), 0), f"fees {money(model.analyzer.costs()['fees'])}{unit}", ""),
    ]
    cells = "".join(
        f'<li><span>{escape(name)}</span><b class="{style}">{escape(value)}</b><small>{escape(small)}</small></li>'
        for name, value, small, style in items
    )
    return f'<ul class="tiles">{cells}</ul>'


def _points(value: float) -> str:
    text = percent(value, 1, sign=True)
    return text.removesuffix(" %") + " pp" if text.endswith(" %") else text


def _recovery(model: ReportModel) -> str:
    """How long the run was below its peak, and whether it came back."""
    if len(model.equity) < 2 or not model.drawdown.min() < 0:
        return "never below its peak"
    low = int(model.drawdown.argmin())
    peak = int(model.equity[: low + 1].argmax())
    back = np.flatnonzero(model.equity[low:] >= model.equity[peak])
    if len(back):
        return f"recovered in {numbers.duration(float(model.times[low + back[0]] - model.times[peak]) / 1000)}"
    return f"not recovered for {numbers.duration(float(model.times[-1] - model.times[peak]) / 1000)}"


_RESET: Final = (
    '<span class="hint" hidden>Drag to zoom</span><button class="reset" type="button" hidden>Reset zoom</button>'
)


def _curve(model: ReportModel, drawn: list[Chart]) -> str:
    lines = [Line("Equity", model.times, model.equity, "equity", fill=True)]
    legend = '<span><i class="equity"></i>Strategy</span>'
    if len(model.benchmark):
        lines.append(Line("Buy & hold", model.times, model.benchmark, "hold"))
        legend += (
            '<button type="button" class="toggle" aria-pressed="true" data-line="hold">'
            '<i class="hold"></i>Buy &amp; hold, equal parts, no costs</button>'
        )
    said = f"Equity over time: {model.verdict.headline}"
    top = Chart("chart-equity", said, lines)
    under = [Line("Drawdown", model.times, model.drawdown, "under", fill=True)]
    if len(model.benchmark):
        hold = model.benchmark / np.maximum.accumulate(model.benchmark) - 1.0
        under.append(Line("Buy & hold", model.times, hold, "hold"))
    low = Chart(
        "chart-drawdown", f"Drawdown over time. {model.verdict.detail}", under, form="percent", zero=True, height="low"
    )
    drawn += [top, low]
    content = f"{top.render()}<h3>Drawdown</h3>{low.render()}"
    return _card("curve", "Equity", content, tools=f'<span class="legend">{legend}</span>{_RESET}')


def _prices(model: ReportModel, drawn: list[Chart]) -> str:
    trips = model.analyzer.round_trips
    counts = dict(trips.group_by("symbol").agg(n=pl.len()).iter_rows())
    order = sorted(model.prices, key=lambda s: -counts.get(s, 0))
    parts = []
    for k, symbol in enumerate(order[:_CHARTS]):
        times, values = model.prices[symbol]
        rows = trips.filter(trips["symbol"] == symbol).tail(_MARKED)
        marks, links = [], []
        for r in rows.iter_rows(named=True):
            a, b = int(r["entry_time"].timestamp() * 1000), int(r["exit_time"].timestamp() * 1000)
            tone, why = "gain" if r["pnl"] > 0 else "loss", numbers.closed_by(r["exit"]).lower()
            side = "long" if r["side"] == "long" else "short"
            result = f"{money(r['pnl'], sign=True)} ({percent(r['return_fraction'], 2, sign=True)})"
            asked = _reason(model, r["entry_decision"])
            marks.append(
                Mark(
                    a,
                    r["entry_price"],
                    side,
                    side,
                    [
                        f"#{r['trade']} {side} opened at {price(r['entry_price'])}",
                        *([asked] if asked else []),
                        f"became {result}",
                    ],
                )
            )
            marks.append(
                Mark(
                    b,
                    r["exit_price"],
                    "exit",
                    tone,
                    [
                        f"#{r['trade']} {side} closed at {price(r['exit_price'])}: {why}",
                        f"{result} after {numbers.duration((b - a) / 1000)}",
                    ],
                )
            )
            links.append((a, r["entry_price"], b, r["exit_price"], tone))
        title = f"Price of {symbol} with {rows.height} trades; all trades are in the table of closed trades"
        chart = Chart(
            f"chart-price-{k}",
            title,
            [Line(symbol, times, values, "price")],
            form="price",
            marks=marks,
            links=links,
            height="middle",
        )
        drawn.append(chart)
        kept = f", the last {_MARKED} drawn" if counts.get(symbol, 0) > _MARKED else ""
        parts.append(
            f"<details{' open' if k < 2 else ''}><summary>{escape(symbol)}"
            f"<small>{counts.get(symbol, 0)} closed trades{kept}</small></summary>"
            f"{chart.render()}</details>"
        )
    if len(order) > _CHARTS:
        parts.append(f'<p class="note">{len(order) - _CHARTS} more symbols are in the table of symbols.</p>')
    glyph = '<span><svg viewBox="-7 -7 14 14" class="{0}"><use href="#g-{1}" class="mark {0}"/></svg>{2}</span>'
    legend = "".join(
        glyph.format(*g)
        for g in (
            ("long", "long", "Long entry"),
            ("short", "short", "Short entry"),
            ("gain", "exit", "Exit with gain"),
            ("loss", "exit", "Exit with loss"),
        )
    )
    content = "".join(parts) or '<p class="empty">There are no prices to draw.</p>'
    return _card("prices", "Trades on price", content, tools=f'<span class="legend">{legend}</span>{_RESET}')


def _reason(model: ReportModel, decision: int | None) -> str:
    """Who wanted the trade: the strategies that stood for it, strongest first."""
    votes = _backers(model).get(decision or 0)
    return "wanted by " + ", ".join(votes) if votes else ""


def _backers(model: ReportModel) -> dict[int, list[str]]:
    cached: dict[int, list[str]] | None = model.__dict__.get("_backers")
    if cached is None:
        cached = {}
        rows = model.analyzer.attribution.sort("share", descending=True)
        for r in rows.select("entry_decision", "strategy", "share").iter_rows(named=True):
            if r["strategy"] != "(none)" and r["entry_decision"] is not None:
                cached.setdefault(r["entry_decision"], []).append(f"{words(r['strategy'])} {percent(r['share'], 0)}")
        model.__dict__["_backers"] = cached
    return cached


def _weights(model: ReportModel, drawn: list[Chart]) -> str:
    """Weights over time, as steps."""
    frame = model.frames.weights
    if frame.height == 0 or not len(model.times) or len(model.frames.strategies) > 8:
        return ""
    lines, legend = [], []
    for k, strategy in enumerate(model.frames.strategies):
        part = frame.filter(frame["strategy"] == strategy)
        if part.height == 0:
            continue
        at, weight = part["timestamp"].dt.epoch("ms").to_numpy(), part["weight"].to_numpy()
        x = np.append(np.repeat(at, 2)[1:], model.times[-1])
        y = np.repeat(weight, 2)
        keep = np.maximum.accumulate(x) == x
        lines.append(Line(words(strategy), x[keep], y[keep], f"w{k}"))
        legend.append(f'<span><i class="w{k}"></i>{escape(words(strategy))}</span>')
    chart = Chart("chart-weights", "Strategy weights over time", lines, form="weight", height="low")
    drawn.append(chart)
    return f'<h3 style="margin-top:18px">Weights over time</h3>{chart.render()}<p class="legend">{"".join(legend)}</p>'


def _risk_note(model: ReportModel) -> str:
    verdicts = model.frames.decisions["verdict"]
    made = int(verdicts.is_in(["approved", "reduced", "refused"]).sum())
    refused = int((verdicts == "refused").sum())
    reduced = int((verdicts == "reduced").sum())
    return f"Of {made:,} decisions to trade, {refused:,} were refused and {reduced:,} made smaller." if made else ""


def _more(model: ReportModel) -> str:
    total = model.frames.trades.height
    shown = f"the last {min(total, 400):,} of {total:,}"
    parts = [
        f"<details open><summary>All figures</summary>{tables.figures(model)}</details>" if model.metrics else "",
        (f"<details><summary>Closed trades<small>{shown}</small></summary>{tables.trades(model)}</details>"),
    ]
    if model.frames.incidents.height:
        parts.append(
            f"<details open><summary>Incidents<small>{model.frames.incidents.height:,}</small></summary>"
            f"{tables.incidents(model)}</details>"
        )
    config = model.frames.info.get("config")
    if config:
        text = json.dumps(config, indent=2, ensure_ascii=False, sort_keys=True)
        parts.append(f'<details><summary>Configuration</summary><pre tabindex="0">{escape(text)}</pre></details>')
    return _card("more", "Details", "".join(parts))


def _footer(model: ReportModel) -> str:
    info = model.frames.info
    version = f"mirrorfast {escape(str(info['code_version']))} · " if info.get("code_version") else ""
    config = f" · configuration <code>{escape(info['config_hash'][:12])}</code>" if info.get("config_hash") else ""
    last = f"data until {moment(int(model.times[-1]))} UTC · " if len(model.times) else ""
    return (
        f"<footer>{version}run {escape(model.frames.run)}{config}<br>{last}all times UTC. "
        "What a strategy earned in the past does not promise what it will earn.</footer>"
    )
