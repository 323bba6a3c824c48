"""The functions say what the catalogue says."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mirrorfast.indicators as ind
from mirrorfast.indicators._compute import title

ROWS = {row["name"]: row for row in ind.catalogue().to_dicts()}
NAMES = sorted(ROWS)


def test_catalogue_has_what_it_promises() -> None:
    table = ind.catalogue()
    assert table.columns == ["name", "family", "inputs", "params", "outputs", "warm_up", "summary"]
    assert table.height == table["name"].n_unique() >= 110
    assert set(table["family"]) == {
        "overlap", "trend", "momentum", "volatility", "volume", "statistic", "levels", "candles"
    }  # fmt: skip
    row = table.filter(pl.col("name") == "supertrend").row(0, named=True)
    assert row["inputs"] == ["high", "low", "close"]
    assert [p["name"] for p in row["params"]] == ["period", "multiplier"]
    assert row["params"][1] == {"name": "multiplier", "default": 3.0, "min": 0.0, "max": 1e6, "integer": False}


def test_every_row_has_its_function_and_every_function_its_row() -> None:
    functions = {name for name in ind.__all__ if inspect.isfunction(getattr(ind, name))} - {"catalogue"}
    assert functions == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_signature_equals_the_row(name: str) -> None:
    row = ROWS[name]
    signature = inspect.signature(getattr(ind, name))
    params = signature.parameters.values()
    assert [p.name for p in params if p.kind is p.POSITIONAL_OR_KEYWORD] == row["inputs"]
    options = [p for p in params if p.kind is p.KEYWORD_ONLY]
    assert [(p.name, p.default, p.annotation) for p in options] == [
        (p["name"], p["default"], int if p["integer"] else float) for p in row["params"]
    ]
    assert signature.return_annotation is (pl.Series if len(row["outputs"]) == 1 else pl.DataFrame)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_equal_the_row(name: str, call: Callable[..., pl.DataFrame], bars: pl.DataFrame) -> None:
    row = ROWS[name]
    result = call(name)
    single = [title(name, {p["name"]: p["default"] for p in row["params"]})]
    assert result.columns == (single if len(row["outputs"]) == 1 else row["outputs"])
    assert result.height == bars.height
    assert set(result.dtypes) == {pl.Float64}
    complete = result.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    assert not complete.head(row["warm_up"]).any()
    assert complete.any()
    assert not result.select(pl.any_horizontal(pl.all().is_nan().any())).item()


@pytest.mark.parametrize("name", NAMES)
def test_docstring_has_its_sections(name: str) -> None:
    row = ROWS[name]
    text = inspect.getdoc(getattr(ind, name))
    assert text
    for heading in ("Parameters", "Returns", "Raises", "Notes", "Examples"):
        assert f"\n{heading}\n{'-' * len(heading)}\n" in text, heading
    for p in row["params"]:
        kind, default = ("int", f"{p['default']:.0f}") if p["integer"] else ("float", repr(p["default"]))
        assert f"\n{p['name']} : {kind}, default {default}\n" in text
    if len(row["outputs"]) > 1:
        assert row["outputs"][0] in text
        assert row["outputs"][-1] in text


@pytest.mark.parametrize("name", NAMES)
def test_stream_equals_the_function(
    name: str, call: Callable[..., pl.DataFrame], inputs_of: Callable[..., list[pl.Series]], bars: pl.DataFrame
) -> None:
    row = ROWS[name]
    stream = ind.Stream(name)
    assert (stream.inputs, stream.outputs, stream.warm_up) == (row["inputs"], row["outputs"], row["warm_up"])
    assert stream.params == {p["name"]: p["default"] for p in row["params"]}
    columns = [_floats(values) for values in inputs_of(name, bars)]
    streamed = [stream.update(*values) for values in zip(*columns, strict=True)]
    width = len(row["outputs"])
    rows = [values if width > 1 else (values,) for values in streamed]
    want = call(name).fill_null(float("nan"))
    got = pl.DataFrame(rows, schema=want.schema, orient="row")
    assert got.equals(want)


def _floats(values: pl.Series) -> list[Any]:
    if values.dtype == pl.Float64:
        return values.to_list()
    return values.dt.epoch("ms").cast(pl.Float64).to_list()


def test_the_documentation_is_up_to_date(root: Path) -> None:
    command = [sys.executable, str(root / "scripts" / "gen_indicator_docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (root / "docs" / "indicators.md").read_text("utf-8").count("\n### ") == len(NAMES)
