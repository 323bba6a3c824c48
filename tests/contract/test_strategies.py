"""Every strategy of the catalogue has its class, typed and documented as the registry says; none is left over."""

import inspect
import re

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast import _core, strategies
from mirrorfast.strategies._native import NativeStrategyAgent

ROWS = _core.strategy_catalogue()
CONTEXT = {"model", "market", "timeframe"}


def test_the_catalogue_is_whole() -> None:
    names = [row["name"] for row in ROWS]
    assert len(names) == len(set(names)) >= 11
    assert mf.strategies.catalogue()["name"].to_list() == names
    agents = {
        value.name
        for value in vars(strategies).values()
        if inspect.isclass(value) and issubclass(value, NativeStrategyAgent)
    }
    assert agents == set(names)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_class_matches_its_row(row: dict) -> None:
    cls = getattr(mf, row["class"])
    assert cls is getattr(strategies, row["class"])
    assert cls.name == row["name"]
    parameters = inspect.signature(cls).parameters
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters.values())
    own = {name: p for name, p in parameters.items() if name not in CONTEXT}
    assert list(own) == [p["name"] for p in row["params"]]
    doc = inspect.getdoc(cls)
    for param in row["params"]:
        signature = own[param["name"]]
        assert signature.default == param["default"]
        kind = "int" if param["integer"] else "float"
        assert signature.annotation == kind
        assert type(signature.default).__name__ == kind
        assert re.search(rf"^{param['name']} : {kind}, default {signature.default}$", doc, re.MULTILINE), param
    assert ("model" in parameters) == row["takes_model"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_ranges_are_enforced(row: dict) -> None:
    cls = getattr(mf, row["class"])
    for param in row["params"]:
        for value in (param["min"] - 1.0, param["max"] + 1.0, float("nan")):
            with pytest.raises(mf.ParameterError, match=f"{row['name']}.{param['name']} = "):
                cls(**{param["name"]: value})
        if param["integer"]:
            with pytest.raises(mf.ParameterError, match="a whole number from"):
                cls(**{param["name"]: param["default"] + 0.5})
    assert dict(cls().params) == {p["name"]: p["default"] for p in row["params"]}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_votes_on_the_bundled_market(row: dict, market: pl.DataFrame) -> None:
    agent = mf.strategies.create(row["name"])
    table = market.group_by("symbol", maintain_order=True).head(900)
    votes = agent.votes(table)
    assert votes.columns == ["signal", "confidence"]
    assert votes.schema["signal"] == pl.Float64
    assert votes.height == table.height
    assert votes["signal"].is_null().equals(votes["confidence"].is_null())
    assert not votes["signal"].is_nan().any()
    assert votes["signal"].drop_nulls().is_between(-1.0, 1.0).all()
    assert votes["confidence"].drop_nulls().is_between(0.0, 1.0).all()
    assert agent.evaluate(table).equals(votes["signal"])
    assert agent.confidence(table).equals(votes["confidence"])
    if row["scope"] == "symbol":
        # Every symbol warms up on its own. A rule that asks for a move of 2 % in five bars may find none in EUR/USD.
        assert votes["signal"].drop_nulls().n_unique() > 1
        by_symbol = table.select("symbol").with_columns(votes)
        for _, part in by_symbol.group_by("symbol"):
            assert part["signal"].slice(row["warm_up"]).null_count() == 0
            if not row["needs_features"]:
                assert part["signal"].head(row["warm_up"]).null_count() == row["warm_up"]
        assert votes["signal"].drop_nulls().n_unique() > 1
