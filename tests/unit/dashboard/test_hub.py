"""Deltas and snapshots: whatever a viewer misses, it ends with the document of the number that it has."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirrorfast.dashboard.hub import Hub, Viewer
from mirrorfast.dashboard.ops import apply


def seen(hub, viewer, state):
    """Take one message as a page does."""
    text = hub.next(viewer)
    if text is None:
        return state
    message = json.loads(text)
    if message["t"] == "snapshot":
        return {"seq": message["seq"], "document": message["document"], "snapshots": state["snapshots"] + 1}
    for delta in message["list"]:
        assert delta["seq"] == state["seq"] + 1
        apply(state["document"], delta["ops"])
        state["seq"] += 1
    if "chart" in message:
        state["document"]["charts"] = {message["chart"]["symbol"]: message["chart"]["chart"]}
    return state


def of(hub, symbol):
    return hub.document | {"charts": {symbol: hub.document["charts"].get(symbol, {})}}


def viewer(symbol="A"):
    return Viewer(asyncio.Event(), symbol)


actions = st.lists(
    st.one_of(
        st.tuples(st.just("number"), st.integers(0, 9)),
        st.tuples(st.just("row"), st.integers(0, 9)),
        st.tuples(st.just("bar"), st.sampled_from("ABC")),
        st.tuples(st.just("look"), st.none()),
        st.tuples(st.just("chart"), st.sampled_from("ABC")),
        st.tuples(st.just("again"), st.none()),
    ),
    max_size=60,
)


@given(actions)
def test_a_viewer_ends_with_the_document(actions):
    hub = Hub(keep=4)
    hub.publish([("set", ["run"], {"symbols": ["A", "B", "C"]}), ("set", ["rows"], [])])
    looking, state = viewer(), {"seq": None, "document": {}, "snapshots": 0}
    for name, value in actions:
        match name:
            case "number":
                hub.publish([("set", ["number"], value)])
            case "row":
                hub.publish([("add", ["rows"], [value], 3)])
            case "bar":
                hub.publish([("add", ["charts", value, "bars"], [hub.seq], 5), ("set", ["last"], value)])
            case "look":
                state = seen(hub, looking, state)
            case "chart":
                looking.wanted = value
            case "again":
                # The line is lost: what was on its way with it, what was taken in stays.
                before, looking = looking, viewer(looking.symbol)
                looking.wanted = before.wanted
                hub.greet(looking, epoch=hub.epoch, seq=state["seq"])
    state = seen(hub, looking, state)
    assert state["seq"] == hub.seq
    assert state["document"] == of(hub, looking.symbol)


def test_a_slow_viewer_gets_a_snapshot_and_nothing_waits_for_it():
    hub = Hub(keep=10)
    hub.publish([("set", ["number"], 0)])
    looking = viewer()
    assert json.loads(hub.next(looking))["t"] == "snapshot"
    for k in range(1_000):
        hub.publish([("set", ["number"], k)])
    assert len(hub._ring) == 10
    message = json.loads(hub.next(looking))
    assert (message["t"], message["seq"], message["document"]["number"]) == ("snapshot", 1_001, 999)
    assert hub.next(looking) is None


def test_the_ring_is_bounded_in_size_too():
    hub = Hub(keep=1_000, keep_bytes=10_000)
    for k in range(100):
        hub.publish([("set", ["text"], str(k) * 1_000)])
    assert sum(d.size for d in hub._ring) <= 10_000
    assert len(hub._ring) >= 1


@pytest.mark.parametrize(
    ("epoch", "back", "kind"), [("own", 3, "delta"), ("own", 50, "snapshot"), ("other", 3, "snapshot")]
)
def test_resuming(epoch, back, kind):
    hub = Hub(keep=20)
    for k in range(100):
        hub.publish([("set", ["number"], k)])
    looking = viewer()
    hub.greet(looking, epoch=hub.epoch if epoch == "own" else "0" * 16, seq=hub.seq - back)
    message = json.loads(hub.next(looking))
    assert message["t"] == kind
    if kind == "delta":
        assert [d["seq"] for d in message["list"]] == [98, 99, 100]


@pytest.mark.parametrize("seq", [-1, 101, 10**12])
def test_a_number_from_the_future_or_before_all_time_is_nothing(seq):
    hub = Hub()
    for k in range(100):
        hub.publish([("set", ["number"], k)])
    looking = viewer()
    hub.greet(looking, epoch=hub.epoch, seq=seq)
    assert json.loads(hub.next(looking))["t"] == "snapshot"


def test_charts_go_to_those_who_look_at_them():
    hub = Hub()
    hub.publish([("set", ["run"], {"symbols": ["A", "B"]})])
    one, other = viewer("A"), viewer("B")
    hub.next(one), hub.next(other)
    hub.publish([("add", ["charts", "A", "bars"], [[1, 2]], 5)])
    assert "charts" in hub.next(one)
    assert "charts" not in hub.next(other)


def test_what_cannot_be_sent_does_not_get_in():
    hub = Hub()
    with pytest.raises(ValueError, match="JSON"):
        hub.publish([("set", ["number"], float("nan"))])
    assert hub.seq == 0
    assert "number" not in hub.document
