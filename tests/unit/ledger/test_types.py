import json
import math
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from mirrorfast.errors import LedgerError
from mirrorfast.ledger.types import DecimalText, JsonText, decimal_text, json_text

FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(FINITE)
def test_floats_survive_the_text(x):
    text = decimal_text(x)
    assert float(text) == x
    assert "e" not in text.lower()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**25), max_value=10**25))
def test_decimals_survive_the_text(d):
    text = decimal_text(d)
    assert Decimal(text) == d
    assert text == decimal_text(text)


@given(st.integers(-(10**12), 10**12), st.integers(0, 12))
def test_a_price_on_the_grid_is_written_as_its_decimal(ticks, places):
    exact = Decimal(ticks).scaleb(-places)
    assert Decimal(decimal_text(float(exact))) == exact


@given(FINITE)
def test_equal_numbers_have_one_text(x):
    assert decimal_text(x) == decimal_text(Decimal(repr(x))) == decimal_text(repr(x)) == decimal_text(np.float64(x))


def test_known_texts():
    cases = {
        0.1: "0.1",
        1e-7: "0.0000001",
        1e22: "1" + "0" * 22,
        -0.0: "0",
        25.0: "25",
        5: "5",
        "1.500": "1.5",
        "-0": "0",
        "1e3": "1000",
    }
    assert {k: decimal_text(k) for k in cases} == cases
    assert decimal_text(float("nan")) is None
    assert decimal_text(Decimal("NaN")) is None
    assert decimal_text(None) is None


@pytest.mark.parametrize("bad", [math.inf, -math.inf, "abc", "1,5", "", object(), Decimal("Infinity")])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(LedgerError, match="expected a finite decimal"):
        decimal_text(bad)


@given(JSON)
def test_json_is_canonical(value):
    text = json_text(value)
    assert json_text(json.loads(text)) == text


def test_json_writes_what_engines_hold():
    value = {"b": float("nan"), "a": (1, np.float64(0.5)), "c": Decimal("1.10"), "d": np.int64(3)}
    assert json_text(value) == '{"a":[1,0.5],"b":null,"c":"1.1","d":3}'
    with pytest.raises(LedgerError, match="object"):
        json_text({"x": object()})


@given(st.lists(FINITE | st.none(), min_size=1, max_size=20))
def test_column_types_round_trip(values):
    table = sa.Table(
        "t",
        sa.MetaData(),
        sa.Column("i", sa.Integer, primary_key=True),
        sa.Column("x", DecimalText),
        sa.Column("j", JsonText),
    )
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table), [{"i": i, "x": v, "j": {"v": v}} for i, v in enumerate(values)])
        rows = connection.execute(sa.select(table.c.x, table.c.j).order_by(table.c.i)).all()
        raw = connection.execute(sa.select(sa.type_coerce(table.c.x, sa.Text)).order_by(table.c.i)).scalars().all()
    engine.dispose()
    assert [r.x for r in rows] == [None if v is None else Decimal(decimal_text(v)) for v in values]
    assert [r.j for r in rows] == [{"v": v} for v in values]
    # What `frame` does: polars reads the text back as the same float.
    assert pl.Series(raw, dtype=pl.String).cast(pl.Float64).to_list() == values
