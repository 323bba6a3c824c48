"""The report's tables. Every value is escaped here, where it becomes HTML."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.report import numbers
from mirrorfast.report.numbers import closed_by, count, fraction, moment, money, number, percent, price, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mirrorfast.report.model import ReportModel

__all__ = [
    "badge",
    "costs",
    "decisions",
    "figures",
    "groups",
    "incidents",
    "months",
    "refusals",
    "regime",
    "strategies",
    "symbols",
    "trades",
]

#: Rows of long tables; the ledger has all.
_DECISIONS: Final = 25
_TRADES: Final = 400

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Cell = str


def _text(value: object, style: str = "") -> Cell:
    return f"<td{_class(style)}>{escape(str(value))}</td>"


def _num(text: str, value: float | None = None) -> Cell:
    """Right-align a number, coloured by the sign of `value`."""
    tone = "" if value is None or not math.isfinite(value) or value == 0 else " gain" if value > 0 else " loss"
    return f'<td class="n{tone}">{escape(text)}</td>'


def _class(style: str) -> str:
    return f' class="{escape(style, quote=True)}"' if style else ""


def _bar(value: float, most: float) -> Cell:
    """Draw a bar to the right for a gain, to the left for a loss."""
    width = abs(value) / most * 50 if most > 0 else 0.0
    side = "left:50%" if value >= 0 else f"left:{50 - width:.2f}%"
    tone = "gain" if value >= 0 else "loss"
    return f'<td class="bar"><s><i class="{tone}" style="{side};width:{width:.2f}%"></i></s></td>'


def badge(text: str, tone: str = "") -> str:
    """Make a small label."""
    return f'<span class="badge {escape(tone, quote=True)}">{escape(text)}</span>'


def table(heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[Cell]], *, caption: str, empty: str) -> str:
    """Put cells into a table that scrolls sideways where the screen is narrow.

    Parameters
    ----------
    heads
        (text, class) per column; class `n` for numbers.
    rows
        Cells, already HTML.
    caption
        For those who cannot see the heading above it.
    empty
        Shown instead of a table without rows.
    """
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    if not body:
        return f'<p class="empty">{escape(empty)}</p>'
    head = "".join(f'<th scope="col"{_class(style)}>{escape(text)}</th>' for text, style in heads)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption, quote=True)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def strategies(model: ReportModel) -> str:
    """Weight, grade and attributed money of every strategy."""
    rows = model.analyzer.by("strategy")
    most = float(rows["pnl"].abs().max() or 0.0) if rows.height else 0.0  # type: ignore[arg-type]
    cells = [
        [
            f'<th scope="row">{escape(_known(r["strategy"], "No strategy"))}</th>',
            _num(number(r["weight"], 2)),
            f"<td>{badge(r['grade'], 'grade-' + r['grade'][:1]) if r['grade'] else numbers.NONE}</td>",
            _num(count(r["trades"])),
            _num(percent(r["win_rate"], 0)),
            _num(number(r["profit_factor"])),
            _num(money(r["pnl"], sign=True), r["pnl"]),
            _num(percent(r["pnl_share"], 0, sign=True), r["pnl_share"]),
            _bar(r["pnl"], most),
        ]
        for r in rows.iter_rows(named=True)
    ]
    heads = [
        ("Strategy", ""),
        ("Weight", "n"),
        ("Grade", ""),
        ("Trades", "n"),
        ("Won", "n"),
        ("Profit factor", "n"),
        ("PnL", "n"),
        ("Share", "n"),
        ("", "bar"),
    ]
    return table(heads, cells, caption="Results per strategy", empty="No strategy has voted yet.")


def symbols(model: ReportModel) -> str:
    """Money and holding return of every symbol."""
    known = {r["symbol"]: r for r in model.analyzer.by("symbol").iter_rows(named=True)}
    most = max((abs(r["pnl"]) for r in known.values()), default=0.0)
    cells = []
    for symbol in sorted(model.frames.symbols, key=lambda s: -abs(known.get(s, {}).get("pnl", 0.0)))[:100]:
        r = known.get(symbol, {})
        hold = model.symbol_return(symbol)
        cells.append(
            [
                f'<th scope="row">{escape(symbol)}</th>',
                _num(count(r.get("trades", 0))),
                _num(percent(r.get("win_rate"), 0)),
                _num(number(r.get("profit_factor"))),
                _num(money(r.get("fees", 0.0))),
                _num(percent(hold, 1, sign=True), hold),
                _num(money(r.get("pnl", 0.0), sign=True), r.get("pnl", 0.0)),
                _bar(r.get("pnl", 0.0), most),
            ]
        )
    heads = [
        ("Symbol", ""),
        ("Trades", "n"),
        ("Won", "n"),
        ("Profit factor", "n"),
        ("Fees", "n"),
        ("Buy & hold", "n"),
        ("PnL", "n"),
        ("", "bar"),
    ]
    return table(heads, cells, caption="Results per symbol", empty="No symbols.")


def _known(name: str, otherwise: str) -> str:
    return otherwise if name == "(none)" else words(name)


def regime(name: str) -> str:
    """Name a market regime."""
    return _known(name, "Not known yet")


def groups(model: ReportModel, group: Any, title: str, label: Callable[[Any], str] = words) -> str:
    """Results by one property of the trades."""
    rows = model.analyzer.by(group)
    most = float(rows["pnl"].abs().max() or 0.0) if rows.height else 0.0  # type: ignore[arg-type]
    cells = [
        [
            f'<th scope="row">{escape(label(r[group]))}</th>',
            _num(count(r["trades"])),
            _num(percent(r["win_rate"], 0)),
            _num(money(r["pnl"], sign=True), r["pnl"]),
            _bar(r["pnl"], most),
        ]
        for r in rows.iter_rows(named=True)
    ]
    heads = [(title, ""), ("Trades", "n"), ("Won", "n"), ("PnL", "n"), ("", "bar")]
    return table(heads, cells, caption=f"Results by {title.lower()}", empty="No closed trades yet.")


def months(model: ReportModel) -> str:
    """Heat map of monthly returns: blue for gains, orange for losses, the number in every cell."""
    years = model.months
    most = max((abs(v) for row in years.values() for v in row.values()), default=0.0) or 1.0
    # A single year need not show the months it did not trade in.
    shown = range(1, 13) if len(years) != 1 else sorted(next(iter(years.values())))
    cells = []
    for year, row in sorted(years.items(), reverse=True):
        line = [f'<th scope="row">{year}</th>']
        total = math.prod(1.0 + v for v in row.values()) - 1.0
        for month in shown:
            value = row.get(month)
            if value is None:
                line.append('<td class="heat none"></td>')
                continue
            tone, strength = ("gain" if value >= 0 else "loss"), min(abs(value) / most, 1.0)
            line.append(
                f'<td class="heat {tone}" style="--s:{strength:.2f}">{escape(percent(value, 1, sign=True))}</td>'
            )
        line.append(_num(percent(total, 1, sign=True), total))
        cells.append(line)
    heads = [("Year", ""), *((_MONTHS[m - 1], "n") for m in shown), ("Year", "n")]
    return table(heads, cells, caption="Monthly returns", empty="No month has passed yet.")


def refusals(model: ReportModel) -> str:
    """How often each risk rule held a decision back."""
    rows = model.analyzer.refusals()
    most = float(rows["decisions"].max() or 0.0) if rows.height else 0.0  # type: ignore[arg-type]
    cells = [
        [
            f'<th scope="row">{escape(words(r["rule"]))}</th>',
            f"<td>{badge(words(r['verdict']), 'v-' + r['verdict'])}</td>",
            _num(count(r["decisions"])),
            f'<td class="bar plain"><s><i style="left:0;width:{r["decisions"] / most:.1%}"></i></s></td>',
            _text(numbers.sentence(r["example"]), "wide"),
        ]
        for r in rows.iter_rows(named=True)
    ]
    heads = [("Rule", ""), ("Outcome", ""), ("Decisions", "n"), ("", "bar"), ("Latest", "wide")]
    return table(heads, cells, caption="Risk refusals by reason", empty="Risk let every order pass unchanged.")


def decisions(model: ReportModel) -> str:
    """List the newest decisions that did something, or that risk stopped, with votes and reasons."""
    cells = []
    for r in model.last_decisions.head(_DECISIONS).iter_rows(named=True):
        verdict = badge(words(r["verdict"]), "v-" + r["verdict"])
        if r["times"] > 1:
            verdict += f"<small>{r['times']:,} times since<br>{escape(moment(r['since'].timestamp() * 1000))}</small>"
        cells.append(
            [
                f'<td class="when">{escape(moment(r["timestamp"].timestamp() * 1000))}</td>',
                f'<th scope="row">{escape(r["symbol"])}</th>',
                _num(price(r["price"])),
                _num(fraction(r["target"]), r["target"]),
                f'<td class="votes">{"".join(_vote(s, r) for s in model.frames.strategies)}</td>',
                f"<td>{verdict}</td>",
                _num(number(r["quantity"], 4).rstrip("0").rstrip(".") if r["quantity"] else numbers.NONE),
                f'<td class="wide">{_reasons(r["reasons"] or [])}</td>',
            ]
        )
    heads = [
        ("Time (UTC)", ""),
        ("Symbol", ""),
        ("Price", "n"),
        ("Target", "n"),
        ("Votes", ""),
        ("Risk", ""),
        ("Order", "n"),
        ("Reasons", "wide"),
    ]
    return table(heads, cells, caption="Last decisions", empty="No decision has led to an order yet.")


def _reasons(reasons: list[str]) -> str:
    """List the rules that took something away, else the one that spoke last; the rest folds away."""
    spoke = [r for r in reasons if " stands (" not in r]
    decided = [r for r in spoke if " cut to " in r] or spoke[-1:]
    rest = [r for r in reasons if r not in decided]
    shown, folded = ("".join(f"<li>{escape(numbers.sentence(r))}</li>" for r in part) for part in (decided, rest))
    text = f"<ul>{shown}</ul>" if decided else ""
    if rest:
        steps = "step" if len(rest) == 1 else "steps"
        text += f"<details><summary>{len(rest)} more {steps}</summary><ul>{folded}</ul></details>"
    return text or numbers.NONE


def _vote(strategy: str, row: dict[str, Any]) -> str:
    signal, confidence = row.get(f"vote_{strategy}"), row.get(f"confidence_{strategy}")
    name = escape(words(strategy))
    if signal is None:
        return f'<span class="vote cold" title="{name}: warming up"><b>{name}</b><s></s></span>'
    side = "left:50%" if signal >= 0 else f"left:{50 + 50 * signal:.0f}%"
    tone = "gain" if signal >= 0 else "loss"
    said = f"{words(strategy)}: {fraction(signal)}, confidence {number(confidence)}"
    return (
        f'<span class="vote" title="{escape(said, quote=True)}"><b>{name}</b>'
        f'<s><i class="{tone}" style="{side};width:{abs(signal) * 50:.0f}%"></i></s>'
        f"<em>{escape(fraction(signal))}</em></span>"
    )


def trades(model: ReportModel) -> str:
    """List the newest closed trades."""
    rows = model.analyzer.round_trips.tail(_TRADES).reverse()
    cells = [
        [
            _num(count(r["trade"])),
            f'<th scope="row">{escape(r["symbol"])}</th>',
            f"<td>{badge(words(r['side']), r['side'])}</td>",
            f'<td class="when">{escape(moment(r["entry_time"].timestamp() * 1000))}</td>',
            _num(price(r["entry_price"])),
            f'<td class="when">{escape(moment(r["exit_time"].timestamp() * 1000))}</td>',
            _num(price(r["exit_price"])),
            _text(closed_by(r["exit"])),
            _num(count(r["bars"])),
            _num(percent(r["mae"], 1)),
            _num(percent(r["mfe"], 1)),
            _num(percent(r["return_fraction"], 2, sign=True), r["return_fraction"]),
            _num(money(r["pnl"], sign=True), r["pnl"]),
        ]
        for r in rows.iter_rows(named=True)
    ]
    heads = [
        ("#", "n"),
        ("Symbol", ""),
        ("Side", ""),
        ("Entry (UTC)", ""),
        ("Price", "n"),
        ("Exit (UTC)", ""),
        ("Price", "n"),
        ("Closed by", ""),
        ("Bars", "n"),
        ("MAE", "n"),
        ("MFE", "n"),
        ("Return", "n"),
        ("PnL", "n"),
    ]
    return table(heads, cells, caption="Closed trades", empty="No closed trades yet.")


def costs(model: ReportModel) -> str:
    """From what the market gave to what was kept."""
    c = model.analyzer.costs()
    before = c["gross_pnl"] + c["slippage"]
    steps = [
        ("Before costs", before),
        ("Slippage and spread", -c["slippage"]),
        ("Fees", -c["fees"]),
        ("Funding", -c["funding"]),
        ("Net", c["net_pnl"]),
    ]
    most = max(abs(v) for _, v in steps)
    cells = [
        [f'<th scope="row">{escape(name)}</th>', _num(money(v, sign=True), v), _bar(v, most)]
        for name, v in steps
        if v or name != "Funding"
    ]
    if not model.frames.trades.height:
        cells = []
    return table(
        [("Closed trades", ""), ("Amount", "n"), ("", "bar")], cells, caption="Costs", empty="No closed trades yet."
    )


def incidents(model: ReportModel) -> str:
    """List what a person should know of."""
    rows = model.frames.incidents.tail(50).reverse()
    cells = [
        [
            f'<td class="when">{escape(moment(r["timestamp"].timestamp() * 1000))}</td>',
            f"<td>{badge(words(r['severity']), 's-' + str(r['severity']))}</td>",
            _text(words(r["kind"])),
            _text(r["message"], "wide"),
        ]
        for r in rows.iter_rows(named=True)
    ]
    heads = [("Time (UTC)", ""), ("Severity", ""), ("Kind", ""), ("What", "wide")]
    return table(heads, cells, caption="Incidents", empty="None.")


_SHARES: Final = frozenset(
    {
        "total_return",
        "annual_return",
        "annual_volatility",
        "max_drawdown",
        "value_at_risk",
        "conditional_value_at_risk",
        "best_bar",
        "worst_bar",
        "exposure",
        "win_rate",
        "expectancy",
        "probabilistic_sharpe",
        "deflated_sharpe",
        "cost_share",
    }
)
_MONEY: Final = frozenset({"gross_pnl", "net_pnl", "fees", "slippage", "funding"})


def figures(model: ReportModel) -> str:
    """All figures there are, named and written by their kind."""
    pairs = []
    for name, value in model.metrics.items():
        if name in _MONEY:
            text = money(value)
        elif name in _SHARES:
            text = percent(value, 2)
        elif name.endswith("_days"):
            text = numbers.duration(value * 86_400)
        elif name.endswith("bars") or name in ("trades", "periods_per_year"):
            text = count(value)
        else:
            text = number(value, 2)
        pairs.append(f"<div><dt>{escape(words(name))}</dt><dd>{escape(text)}</dd></div>")
    return f'<dl class="figures">{"".join(pairs)}</dl>'
