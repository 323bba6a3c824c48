"""A stream goes on where it was: after a snapshot, a copy, a pickle, a reset."""

import copy
import math
import pickle
import threading

import pytest

import mirrorfast.indicators as ind
from mirrorfast.errors import LedgerError, ParameterError, ShapeError

PRICES = [10.0, 11.0, 10.5, 12.0, 11.0, 13.0]


def fed() -> ind.Stream:
    stream = ind.Stream("rsi", period=2)
    for price in PRICES:
        stream.update(close=price)
    return stream


def test_update_takes_names_positions_and_whole_bars() -> None:
    bar = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 9.0, "timestamp": 0}
    by_name = ind.Stream("bop").update(open=1.0, high=2.0, low=0.5, close=1.5)
    assert by_name == ind.Stream("bop").update(1.0, 2.0, 0.5, 1.5) == ind.Stream("bop").update(**bar) == 0.5 / 1.5
    assert ind.Stream("bop").update(1.0, 2.0, close=1.5, low=0.5) == by_name


def test_several_outputs_are_a_tuple() -> None:
    stream = ind.Stream("bbands", period=2)
    assert stream.outputs == ["bb_upper", "bb_middle", "bb_lower", "bb_width", "bb_position"]
    assert all(math.isnan(value) for value in stream.update(1.0))
    assert stream.update(3.0) == (4.0, 2.0, 0.0, 2.0, 0.75)


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_a_missing_value_leaves_the_state(missing: float | None) -> None:
    one, other = fed(), fed()
    assert math.isnan(one.update(close=missing))
    assert one.update(close=12.5) == other.update(close=12.5)


def test_snapshot_and_its_relatives_go_on() -> None:
    stream = fed()
    saved = stream.snapshot()
    third = ind.Stream("rsi", period=2)
    third.restore(saved)
    others = [ind.Stream.from_snapshot(saved), third, copy.copy(stream), copy.deepcopy(stream)]
    others.append(pickle.loads(pickle.dumps(stream)))
    want = [stream.update(close=price) for price in PRICES]
    for other in others:
        assert [other.update(close=price) for price in PRICES] == want
        assert repr(other) == "Stream('rsi', period=2)"


def test_reset_starts_again() -> None:
    stream = fed()
    stream.reset()
    assert math.isnan(stream.update(close=1.0))
    assert stream.snapshot() != fed().snapshot()


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_a_damaged_snapshot_is_refused(cut: int) -> None:
    stream = fed()
    saved = stream.snapshot()
    with pytest.raises(LedgerError, match="snapshot"):
        stream.restore(saved[:cut])
    with pytest.raises(LedgerError, match="snapshot"):
        ind.Stream.from_snapshot(saved + b"\0")
    changed = bytearray(saved)
    changed[len(saved) // 2] ^= 1
    with pytest.raises(LedgerError, match="snapshot"):
        stream.restore(bytes(changed))
    assert stream.update(close=1.0) == fed().update(close=1.0)


def test_a_foreign_snapshot_is_refused() -> None:
    with pytest.raises(LedgerError, match="rsi"):
        ind.Stream("rsi", period=3).restore(fed().snapshot())
    with pytest.raises(LedgerError, match="ema"):
        ind.Stream("ema", period=2).restore(fed().snapshot())


def test_bad_calls_are_named() -> None:
    with pytest.raises(ParameterError, match='indicator = "rsii": .*rsi'):
        ind.Stream("rsii")
    with pytest.raises(ParameterError, match=r"rsi\.perod = 3: expected one of period"):
        ind.Stream("rsi", perod=3)
    with pytest.raises(ParameterError, match=r"rsi\.period = 0"):
        ind.Stream("rsi", period=0)
    stream = ind.Stream("rsi")
    with pytest.raises(ParameterError, match=r"rsi\.close = nothing"):
        stream.update()
    with pytest.raises(ParameterError, match=r"rsi\.clos"):
        stream.update(close=1.0, clos=2.0)
    with pytest.raises(ParameterError, match=r"rsi\.update = 2 values: expected close"):
        stream.update(1.0, 2.0)
    with pytest.raises(ShapeError, match=r"type of rsi\.close: got str, expected a number"):
        stream.update(close="1")  # type: ignore[arg-type]


def test_streams_of_many_threads_do_not_meet() -> None:
    results: list[list[float]] = []

    def work() -> None:
        stream = ind.Stream("ema", period=3)
        results.append([stream.update(float(i % 7)) for i in range(5_000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({str(result) for result in results}) == 1
