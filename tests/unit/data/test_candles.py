"""What a venue may send as candles, and that only bars come out."""

import copy
import json
import math
import random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mirrorfast.data.candles import CANDLE_SCHEMA, Answer, Candles, read_answers
from mirrorfast.data.gaps import Gap, find_gaps
from mirrorfast.data.schema import validate_bars
from mirrorfast.data.venue.rates import Layout

STEP, NOW = 60_000, 100 * 60_000
BINANCE, BYBIT, OKX = Layout(), Layout(("result", "list")), Layout(("data",))
KRAKEN = Layout(("result", "*"), (0, 1, 2, 3, 4, 6), 1_000)


def read(body: Any, layout: Layout = BINANCE) -> Candles:
    return read_answers([answer(body, layout)])[0]


def answer(body: Any, layout: Layout = BINANCE) -> Answer:
    return Answer(body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body, layout, STEP, NOW)


def row(minute: int, close: Any = "1.5") -> list[Any]:
    return [minute * STEP, "1", "2", "0.5", close, "10", 0, "0"]


def test_layouts_of_the_venues() -> None:
    rows = [row(1), row(2)]
    kraken = [[60 * k, "1", "2", "0.5", "1.5", "1.4", "10", 3] for k in (1, 2)]
    bodies = [
        (json.dumps(rows), BINANCE),
        (json.dumps({"retCode": 0, "result": {"symbol": "X", "list": rows[::-1]}}), BYBIT),
        (json.dumps({"code": "0", "data": rows[::-1]}), OKX),
        (json.dumps({"error": [], "result": {"XXBTZUSD": kraken, "last": 9}}), KRAKEN),
        ([[r[0], 1.0, 2.0, 0.5, 1.5, 10.0] for r in rows], BINANCE),
    ]
    read_all = read_answers([answer(body, layout) for body, layout in bodies])
    for candles in read_all:
        assert candles.rows == 2
        assert candles.frame.equals(read_all[0].frame)
    assert read_all[0].frame["volume"].to_list() == [10.0, 10.0]
    assert read_all[0].frame["timestamp"].dt.epoch("ms").to_list() == [STEP, 2 * STEP]


def test_order_duplicates_and_the_running_bar() -> None:
    candles = read(json.dumps([row(5), row(3, "1.1"), row(3, "1.2"), row(100), row(99)]))
    assert candles.frame["timestamp"].dt.epoch("ms").to_list() == [3 * STEP, 5 * STEP, 99 * STEP]
    assert candles.frame["close"][0] == 1.2
    assert (candles.unfinished, candles.duplicates, candles.refused) == (1, 1, 0)


@pytest.mark.parametrize(
    "bad",
    [
        row(1, "NaN"), row(1, "1e400"), row(1, "-1"), row(1, "0"), row(1, None), row(1, ""), row(1, "9"), row(1, True),
        row(1)[:4], [], None, "x", 7, [None] * 8, ["NaN"] * 8, [STEP + 1, *row(1)[1:]], [-STEP, *row(1)[1:]],
        ["1e400", *row(1)[1:]], [200 * STEP, *row(1)[1:]], [STEP, "1", "0.4", "0.5", "1", "1"],
        [STEP, "1", "2", "0.5", "1", "-1"],
    ],
)  # fmt: skip
def test_rows_that_are_no_bars_are_refused(bad: Any) -> None:
    candles = read(json.dumps([row(2), bad, row(3)]))
    assert candles.frame["timestamp"].dt.epoch("ms").to_list() == [2 * STEP, 3 * STEP]
    assert candles.refused == 1


@pytest.mark.parametrize(
    "body", ["", "{}", "null", "[{}]", "[[1,", "<html>", '{"code":-1}', "7", '"x"', "[[1,{}]]", "[[["]
)
def test_documents_that_are_no_candles(body: str) -> None:
    for layout in (BINANCE, OKX, BYBIT, KRAKEN):
        candles = read(body, layout)
        assert candles.frame.is_empty()
        assert candles.rows is None or candles.rows == candles.refused > 0
        good = answer(json.dumps([row(2)]))
        mixed = read_answers([good, answer(body, layout), good])
        assert [c.rows for c in mixed] == [1, candles.rows, 1]


def test_empty_answers_are_answers() -> None:
    assert read("[]").rows == 0
    assert read('{"code":"0","data":[]}', OKX).rows == 0
    assert read('{"retCode":0,"result":{"list":[]}}', BYBIT).rows == 0


VALUES = [
    None, True, False, 0, -1, 7, 10**30, 1.5, "NaN", "1e400", "-1e400", "inf", "0", "1e-400", "1.5", "2", "١", "",
    " 1", "a",
    [], {}, [1], {"a": 1}, float("nan"), float("inf"), STEP, 2 * STEP, 99 * STEP, 100 * STEP, -STEP, "\ud800",
]  # fmt: skip


def malformed(draw: random.Random) -> str:
    """Candles with anything in place of any value, row or part of the document, and cut anywhere."""
    rows: list[Any] = [row(draw.randrange(120)) for _ in range(draw.randrange(6))]
    for _ in range(draw.randrange(8)):
        k = draw.randrange(len(rows) + 1)
        if k < len(rows) and isinstance(rows[k], list) and rows[k]:
            rows[k][draw.randrange(len(rows[k]))] = copy.deepcopy(draw.choice(VALUES))
        else:
            rows.insert(k, copy.deepcopy(draw.choice(VALUES)))
    document: Any = draw.choice([rows, {"data": rows}, {"result": {"list": rows}}, {"result": {"X": rows, "last": 1}}])
    text = json.dumps(document)
    return text[: draw.randrange(len(text) + 1)] if draw.random() < 0.3 else text


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_of_ten_thousand_malformed_answers_only_bars_come_out(seed: int) -> None:
    draw = random.Random(seed)
    layouts = [draw.choice([BINANCE, OKX, BYBIT, KRAKEN]) for _ in range(100)]
    answers = [answer(malformed(draw), layout) for layout in layouts]
    pieces = [candles.frame for candles in read_answers(answers)]
    for frame in pieces:
        assert frame.schema == CANDLE_SCHEMA
    frame = pl.concat([p.with_columns(symbol=pl.lit(f"S{k}")) for k, p in enumerate(pieces)])
    assert frame.height > 0
    validate_bars(frame)  # raises on anything that is no bar
    times = frame["timestamp"].dt.epoch("ms")
    assert int(times.max()) + STEP <= NOW  # type: ignore[call-overload]
    assert (times % STEP == 0).all()


@settings(max_examples=30)
@given(st.text(max_size=60), st.sampled_from([BINANCE, OKX, BYBIT, KRAKEN]))
@example("[[NaN, Infinity]]", BINANCE)
@example('[[1,"\\ud800"]]', BINANCE)
@example("[" * 5_000, OKX)
@example('{"data":[[' + "[" * 5_000 + "]]}", OKX)
def test_any_text_is_read_without_an_exception(body: str, layout: Layout) -> None:
    assert read(body, layout).frame.is_empty()


@settings(max_examples=20)
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_parsed_floats_pass_the_same_gate(value: float) -> None:
    frame = read([[STEP, 1.0, 2.0, 0.5, value, 1.0]]).frame
    assert frame.height == (math.isfinite(value) and 0.5 <= value <= 2.0)


def test_gaps_are_found() -> None:
    frame = read(json.dumps([row(k) for k in (1, 2, 5, 6, 9)])).frame
    assert find_gaps(frame, "1m") == [Gap(3 * STEP, 5 * STEP, 2), Gap(7 * STEP, 9 * STEP, 2)]
    assert find_gaps(pl.DataFrame(schema=CANDLE_SCHEMA), "1m") == []
