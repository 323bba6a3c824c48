import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from mirrorfast.analytics.frames import read_frames
from mirrorfast.errors import ConfigurationError, LedgerError, ParameterError
from mirrorfast.ledger import Batch, Ledger
from mirrorfast.report import write_report
from mirrorfast.report.charts import Chart, Line, script_json
from mirrorfast.report.model import ReportModel

pytest.importorskip("mirrorfast.analytics.performance")

HOUR = 3_600_000
T0 = 1_498_867_200_000
VOID = {"meta", "line", "path", "rect", "circle", "use", "br", "hr", "img", "input", "link"}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)> & \u2028 </script>'


class Page(HTMLParser):
    """Checks that elements close in order, and collects what a browser would act on."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.attributes, self.scripts, self.text, self.ids = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag == "script":
            self.scripts.append([dict(attrs), ""])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1][1] += data
        else:
            self.text.append(data)

    @property
    def words(self):
        return re.sub(r"\s+", " ", "".join(self.text))


@pytest.fixture(scope="module")
def html(written, tmp_path_factory):
    return write_report(written, "demo", tmp_path_factory.mktemp("report") / "new" / "report.html").read_text()


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def equity_only(path, values, symbols=("BTC/USD",)):
    with Ledger.open(path) as ledger:
        writer = ledger.run("r", mode="paper", config={}, symbols=list(symbols))
        writer.begin()
        for k, value in enumerate(values):
            batch = Batch(T0 + k * HOUR)
            batch.equity({"equity": value, "cash": value, "exposure": 0.0, "drawdown": 0.0})
            writer.write(batch)
        writer.finish()
    return path


# ---------------------------------------------------------------- safety


def test_nothing_is_loaded_from_anywhere(page, html):
    for tag, name, value in page.attributes:
        if name in {"src", "href", "action", "srcset", "data", "poster", "xlink:href"}:
            assert value.startswith("#"), (tag, name, value)
        assert not name.startswith("on"), (tag, name)
    urls = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"')]*", html))
    assert urls == {"http://www.w3.org/2000/svg"}  # a namespace, never fetched
    assert "@import" not in html
    assert "url(" not in html


def test_the_policy_allows_this_script_and_no_other(page):
    policy = next(
        value for tag, name, value in page.attributes if tag == "meta" and name == "content" and "default-src" in value
    )
    code = [text for attrs, text in page.scripts if attrs.get("type") != "application/json"]
    assert len(code) == 1
    assert f"script-src 'sha256-{base64.b64encode(hashlib.sha256(code[0].encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy


def test_hostile_text_stays_text(written, tmp_path):
    frames = read_frames(written)
    name = HOSTILE
    decisions = frames.decisions.with_columns(
        pl.lit(name).alias("symbol"),
        pl.lit([name]).cast(pl.List(pl.String)).alias("reasons"),
        pl.when(pl.col("verdict") == "hold").then(pl.lit("hold")).otherwise(pl.lit("refused")).alias("verdict"),
    ).rename({f"{kind}_ut_bot": f"{kind}_{name}" for kind in ("vote", "confidence", "contribution")})
    result = SimpleNamespace(
        equity=frames.equity,
        fills=frames.fills,
        decisions=decisions,
        weights=frames.weights.with_columns(strategy=pl.lit(name)),
        trades=frames.trades.with_columns(symbol=pl.lit(name), exit=pl.lit(name)),
        risk_events=[(T0, name)],
    )
    text = write_report(result, name, tmp_path / "report.html").read_text()
    page = Page(text)
    assert len(page.scripts) == 2
    assert not any(tag == "img" or attribute.startswith("on") for tag, attribute, _ in page.attributes)
    assert "<script>alert" not in text
    assert "alert(1)" in page.words
    data = json.loads(next(t for a, t in page.scripts if a.get("type") == "application/json"))
    assert any(line["name"] == name for chart in data for line in chart["lines"])


def test_json_cannot_close_its_element():
    text = script_json({"a": "</script><!--\u2028&"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--\u2028&"}


# ---------------------------------------------------------------- content


def test_every_part_is_there(page, written):
    for title in (
        "Equity",
        "Drawdown",
        "Trades on price",
        "Strategies",
        "Symbols",
        "Monthly returns",
        "Costs",
        "Trade returns",
        "Why trades were closed",
        "Risk refusals",
        "Last decisions",
        "All figures",
        "Closed trades",
        "Configuration",
    ):
        assert title in page.words, title
    assert len(page.ids) == len(set(page.ids))
    assert "Run demo" in page.words
    assert "1 Jul 2017 – 20 Aug 2017" in page.words
    model = ReportModel(written)
    assert model.verdict.headline in page.words
    for word in (
        "UT bot",
        "Mean reversion",
        "Momentum breakout",
        "BTC/USD",
        "EUR/USD",
        "Stop loss",
        "per-position cap",
    ):
        assert word in page.words, word


def test_charts_hold_every_trade_and_few_points(page, written):
    data = json.loads(next(t for a, t in page.scripts if a.get("type") == "application/json"))
    frames = read_frames(written)
    names = [chart["name"] for chart in data]
    assert names[:2] == ["chart-equity", "chart-drawdown"]
    assert set(names) <= set(page.ids)
    assert all(len(line["x"]) <= 2000 for chart in data for line in chart["lines"])
    assert sum(len(chart["marks"]) for chart in data) == 2 * frames.trades.height
    assert any("wanted by" in text for chart in data for mark in chart["marks"] for text in mark["text"])
    assert sum(name == "href" and value == "#g-exit" for _, name, value in page.attributes) >= frames.trades.height


def test_the_benchmark_is_the_mean_of_the_symbols(written):
    model = ReportModel(written)
    growth = [price[-1] / price[0] for _, price in model.prices.values()]
    assert model.benchmark[0] == pytest.approx(10_000.0)
    assert model.benchmark_return == pytest.approx(np.mean(growth) - 1)
    bars = pl.concat(
        pl.DataFrame({"symbol": s, "timestamp": ms, "close": price * 2}).with_columns(
            pl.col("timestamp").cast(pl.Datetime("ms", "UTC"))
        )
        for s, (ms, price) in model.prices.items()
    )
    other = ReportModel(written, bars=bars)
    assert other.benchmark_return == pytest.approx(model.benchmark_return)
    late = ReportModel(
        written,
        bars=bars.filter((pl.col("symbol") == "BTC/USD") | (pl.col("timestamp").dt.epoch("ms") > T0 + 600 * HOUR)),
    )
    assert late.benchmark[0] == pytest.approx(10_000.0)
    assert late.benchmark[300] == pytest.approx(
        5_000 * (1 + late.prices["BTC/USD"][1][300] / late.prices["BTC/USD"][1][0])
    )


def test_months_multiply_to_the_total(written):
    model = ReportModel(written)
    assert list(model.months) == [2017]
    assert list(model.months[2017]) == [7, 8]
    assert np.prod([1 + v for v in model.months[2017].values()]) == pytest.approx(1 + model.total_return)


@pytest.mark.parametrize(
    ("values", "tone", "start"),
    [
        ([1000.0, 1100.0, 1050.0], "good", "Earned 5.0 %"),
        ([1000.0, 990.0, 900.0], "bad", "Lost 10.0 %"),
        ([1000.0, 1000.0, 1000.0], "bad", "Ended where it began: 0.0 %"),
    ],
)
def test_verdicts(tmp_path, values, tone, start):
    verdict = ReportModel(equity_only(tmp_path / "ledger.sqlite", values)).verdict
    assert verdict.tone == tone
    assert verdict.headline.startswith(start)
    assert "No trade was closed" in verdict.detail


def test_few_trades_are_called_few(written):
    frames = read_frames(written)
    short = SimpleNamespace(
        equity=frames.equity, trades=frames.trades.head(3), fills=frames.fills, decisions=frames.decisions
    )
    assert "cannot tell skill from luck" in ReportModel(short).verdict.detail
    assert "cannot tell" not in ReportModel(written).verdict.detail


# ---------------------------------------------------------------- edges


@pytest.mark.parametrize(
    "values", [[], [1000.0], [1000.0, 1000.0], [1000.0, 0.0001], list(np.linspace(1e9, 1.0, 5000))]
)
def test_thin_runs_make_a_page(tmp_path, values):
    target = write_report(equity_only(tmp_path / "ledger.sqlite", values), "r", tmp_path / "report.html")
    page = Page(target.read_text())
    assert "No closed trades yet." in page.words
    assert "nan" not in page.words.lower().split()
    assert "inf" not in page.words.lower().split()


def test_the_same_run_gives_the_same_bytes(written, tmp_path):
    a = write_report(written, "demo", tmp_path / "a.html").read_bytes()
    assert a == write_report(str(written), path=tmp_path / "b.html").read_bytes()
    assert len(a) < 1_500_000


def test_a_running_run_can_be_reported(tmp_path, synthetic):
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        writer = ledger.run("live", mode="paper", config={}, symbols=["BTC/USD", "EUR/USD"], commit="each")
        writer.begin()
        simulation = synthetic.Simulation()
        for _ in range(30):
            writer.write(simulation.step())
        assert "Running" in Page(write_report(ledger, "live", tmp_path / "report.html").read_text()).words
        writer.close()


def test_many_points_stay_few(tmp_path):
    y = np.cumsum(np.random.default_rng(3).normal(size=200_000))
    chart = Chart("c", "t", [Line("a", np.arange(200_000) * HOUR, y, "equity", fill=True)])
    text = chart.render()
    assert len(text) < 60_000
    assert (min(chart.data["lines"][0]["y"]), max(chart.data["lines"][0]["y"])) == pytest.approx(
        (y.min(), y.max()), rel=1e-6
    )


def test_unwritable_files_and_unknown_runs_are_named(written, tmp_path):
    with pytest.raises(LedgerError, match="run 'x'"):
        write_report(written, "x", tmp_path / "r.html")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="expected a file that can be written"):
        write_report(written, "demo", tmp_path / "file" / "r.html")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


# ---------------------------------------------------------------- other formats


def test_markdown_reads_and_hides_nothing(written, tmp_path):
    text = write_report(written, "demo", tmp_path / "report.md").read_text()
    assert text.startswith("# ")
    for word in ("Sharpe ratio", "UT bot", "BTC/USD", "Stop loss", "2017-07", "Per-position cap"):
        assert word in text, word
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 20
    assert all(line.endswith("|") for line in rows)


def test_markdown_of_hostile_names_stays_text(written, tmp_path):
    frames = read_frames(written)
    result = SimpleNamespace(
        equity=frames.equity,
        fills=frames.fills,
        decisions=frames.decisions,
        trades=frames.trades.with_columns(symbol=pl.lit("<b>|x|[y](http://z)`"), exit=pl.lit("=1+1")),
    )
    text = write_report(result, "r", tmp_path / "report.md").read_text()
    assert "<b>" not in text.replace("\\<", "")
    assert "](" not in text.replace("\\]", "")
    assert "'=1+1" in write_report(result, "r", tmp_path / "report.csv").read_text()


def test_json_has_every_figure(written, tmp_path):
    value = json.loads(write_report(written, "demo", tmp_path / "report.json").read_text())
    model = ReportModel(written)
    assert set(value["metrics"]) == set(model.metrics)
    assert value["metrics"]["net_pnl"] == pytest.approx(model.metrics["net_pnl"])
    assert {row["strategy"] for row in value["by_strategy"]} >= {"ut_bot", "mean_reversion", "momentum_breakout"}
    assert value["end"] == "2017-08-20T00:00:00+00:00"
    empty = write_report(equity_only(tmp_path / "ledger.sqlite", [1.0]), "r", tmp_path / "x", format="json")
    assert json.loads(empty.read_text())["by_strategy"] == []


def test_csv_has_every_trade(written, tmp_path):
    table = pl.read_csv(write_report(written, "demo", tmp_path / "trades.csv"), try_parse_dates=True)
    trades = read_frames(written).trades
    assert table.height == trades.height
    assert table["pnl"].to_list() == trades["pnl"].to_list()


def test_other_formats_are_refused(written, tmp_path):
    with pytest.raises(ParameterError, match="format 'pdf': expected one of html, markdown, json, csv"):
        write_report(written, "demo", tmp_path / "r.html", format="pdf")
    assert not list(tmp_path.iterdir())
