import re

import pytest

from mirrorfast.errors import LedgerError, ParameterError
from mirrorfast.ledger import Batch, client_order_id
from mirrorfast.ledger.events import FINAL_STATUSES, Event
from mirrorfast.ledger.journal import GENESIS, Fold, Rows, chain

ORDER = {
    "id": 1,
    "symbol": "BTC/USD",
    "side": "buy",
    "type": "limit",
    "quantity": 1.0,
    "price": 100.0,
    "purpose": "entry",
}
FILL = {"id": 1, "order": 1, "symbol": "BTC/USD", "side": "buy", "quantity": 0.4, "price": 100.0}


def fold_of(batch):
    fold, rows = Fold("r"), Rows()
    for seq, event in enumerate(batch.events, 1):
        event.seq = seq
        fold.apply(event, rows)
    return fold, rows


def test_client_order_ids_fit_every_venue_and_differ():
    ids = {client_order_id(run, order, attempt) for run in ("a", "b") for order in (1, 2, 2**63) for attempt in (1, 2)}
    assert len(ids) == 12
    assert all(re.fullmatch(r"[A-Za-z0-9-]{1,36}", name) for name in ids)
    assert client_order_id("a", 5) == client_order_id("a", 5)


@pytest.mark.parametrize(("order", "attempt"), [(0, 1), (1, 0), (10**20, 100)])
def test_client_order_ids_refuse_bad_numbers(order, attempt):
    with pytest.raises(ParameterError):
        client_order_id("run", order, attempt)


def test_money_is_normalised_once():
    batch = Batch(5)
    batch.fill(FILL | {"fee": 1e-7})
    assert batch.events[0].payload["fee"] == "0.0000001"
    assert batch.events[0].payload["venue_trade_id"] is None
    assert batch.events[0].ts == 5
    batch.fill(FILL | {"ts": 3})
    assert batch.events[1].ts == 3


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("fill", {"id": 1}, "fill without 'order'"),
        ("fill", FILL | {"pric": 1.0}, "unknown field 'pric'; did you mean 'price'"),
        ("fill", FILL | {"price": float("nan")}, "expected a number, not NaN"),
        ("fill", FILL | {"side": "bought"}, "side = 'bought': expected one of buy, sell"),
        ("fill", FILL | {"id": "x"}, "id = 'x'"),
        ("order_status", {"id": 1, "status": "done"}, "status = 'done': expected one of intent"),
        ("fil", FILL, "event kind 'fil'"),
    ],
)
def test_bad_events_name_field_and_value(kind, fields, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        Batch(1).add(kind, fields)


def test_fills_fill_orders_exactly():
    batch = Batch(1)
    batch.order(ORDER | {"quantity": 0.3})
    for number in (1, 2, 3):
        batch.fill(FILL | {"id": number, "quantity": 0.1})
    _, rows = fold_of(batch)
    # In floats 0.1 + 0.1 + 0.1 > 0.3; in decimals it is exactly filled.
    order = rows.inserts["orders"][0]
    assert (order["filled"], order["status"]) == ("0.3", "filled")


def test_late_and_repeated_reports_change_nothing():
    orders = []
    for statuses in (["submitted", "accepted", "cancelled"], ["cancelled", "accepted", "submitted", "cancelled"]):
        batch = Batch(1)
        batch.order(ORDER)
        for status in statuses:
            batch.order_status({"id": 1, "status": status, "venue_order_id": "v1"})
        orders.append(fold_of(batch)[1].inserts["orders"][0])
    assert orders[0]["status"] == orders[1]["status"] == "cancelled"
    assert orders[0]["venue_order_id"] == "v1"


def test_a_fill_after_the_cancel_is_booked():
    batch = Batch(1)
    batch.order(ORDER)
    batch.fill(FILL)
    batch.order_status({"id": 1, "status": "cancelled"})
    batch.fill(FILL | {"id": 2, "quantity": 0.1})
    order = fold_of(batch)[1].inserts["orders"][0]
    assert (order["status"], order["filled"]) == ("cancelled", "0.5")
    batch.fill(FILL | {"id": 3, "quantity": 0.5})
    order = fold_of(batch)[1].inserts["orders"][0]
    assert (order["status"], order["filled"]) == ("filled", "1")


def test_a_second_attempt_is_an_order_of_its_own():
    batch = Batch(1)
    batch.order(ORDER)
    batch.order_status({"id": 1, "status": "never_sent"})
    batch.order(ORDER | {"attempt": 2})
    batch.fill(FILL)
    fold, rows = fold_of(batch)
    assert [(o["attempt"], o["status"], o["filled"]) for o in rows.inserts["orders"]] == [
        (1, "never_sent", "0"),
        (2, "partially_filled", "0.4"),
    ]
    assert [o["attempt"] for o in fold.open_orders()] == [2]
    assert {"never_sent", "rejected", "expired", "cancelled", "filled"} == FINAL_STATUSES


def test_reports_about_unknown_orders_are_refused():
    for kind, fields in (("fill", FILL), ("order_status", {"id": 1, "status": "filled"})):
        batch = Batch(1)
        batch.add(kind, fields)
        with pytest.raises(LedgerError, match="order 1 attempt None was never recorded"):
            fold_of(batch)


def test_a_liquidation_needs_no_order():
    batch = Batch(1)
    batch.fill(FILL | {"order": 0, "purpose": "liquidation"})
    assert len(fold_of(batch)[1].inserts["fills"]) == 1


def test_the_chain_depends_on_every_part():
    first = Event(1, "equity", {"equity": "1"}, 1)
    digests = {
        chain(GENESIS, event)[0]
        for event in (
            first,
            Event(2, "equity", {"equity": "1"}, 1),
            Event(1, "fill", {"equity": "1"}, 1),
            Event(1, "equity", {"equity": "2"}, 1),
            Event(1, "equity", {"equity": "1"}, 2),
        )
    }
    digests.add(chain(b"\1" * 32, first)[0])
    assert len(digests) == 6
