"""A run in a notebook's cell."""

import re

import pytest

import mirrorfast as mf
from mirrorfast.report import weekly_report
from mirrorfast.report.notebook import notebook_html


@pytest.fixture(scope="module")
def result():
    return mf.backtest(mf.sample_bars(["BTC/USD"]).head(1500))


def test_a_result_shows_itself(result):
    shown = result._repr_html_()
    assert shown.startswith("<div")
    assert shown.count("<div") == shown.count("</div>")
    assert not re.findall(r"<script|<style|https?://", shown)
    assert f"{result.stats['sharpe']:.2f}".replace("-", "−") in shown
    points = re.search(r'points="([^"]+)"', shown)[1].split()
    assert 300 < len(points) <= 322
    heights = [float(p.split(",")[1]) for p in points]
    assert min(heights) == 4.0
    assert max(heights) == 146.0


def test_text_is_escaped(written):
    assert "<img" not in notebook_html(written, run="demo").replace("&lt;img", "")


def test_a_week_shows_itself(result):
    assert weekly_report(result)._repr_markdown_().startswith("# ")
