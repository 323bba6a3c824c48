"""Indicators inside polars expressions: ``pl.col("close").mf.rsi(14).over("symbol")``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from mirrorfast.errors import ParameterError
from mirrorfast.indicators._catalogue import entries, entry
from mirrorfast.indicators._compute import compute, labelled, title

__all__ = ["IndicatorExpressions", "expression"]


def expression(name: str, inputs: Mapping[str, pl.Expr], params: Mapping[str, float]) -> pl.Expr:
    """Build the expression of an indicator.

    Parameters
    ----------
    name : str
        Name in the catalogue.
    inputs : mapping of str to polars.Expr
        Expressions for all of its inputs.
    params : mapping of str to float
        Parameters that differ from the defaults.

    Returns
    -------
    polars.Expr
        A ``Float64`` column, or a struct of them where there are several outputs. A group shorter than the indicator's
        window has nulls: one young symbol must not spoil the query for the others.

    Raises
    ------
    ParameterError
        If the indicator, an input or a parameter is unknown.
    """
    row = entry(name)
    known = {p["name"]: p for p in row["params"]}
    for key in params:
        if key not in known:
            raise ParameterError(
                f"{name}.{key} = {params[key]!r}: expected one of {', '.join(known) or 'no parameter'}"
            )
    names: list[str] = row["inputs"]
    outputs: list[str] = row["outputs"]
    full = {key: params.get(key, p["default"]) for key, p in known.items()}

    def run(columns: Sequence[pl.Series]) -> pl.Series:
        results = compute(name, dict(zip(names, columns, strict=True)), full, strict=False)
        if len(results) == 1:
            return labelled(columns[0].name, results[0])
        table = pl.DataFrame([labelled(key, values) for key, values in zip(outputs, results, strict=True)])
        return table.to_struct(columns[0].name)

    kind: pl.DataType = pl.Float64() if len(outputs) == 1 else pl.Struct(dict.fromkeys(outputs, pl.Float64()))
    label = title(name, full) if len(outputs) == 1 else name
    return pl.map_batches([inputs[key] for key in names], run, return_dtype=kind).alias(label)


@pl.api.register_expr_namespace("mf")
class IndicatorExpressions:
    """Namespace ``mf`` of polars expressions: every indicator of the catalogue as a method.

    Importing ``mirrorfast.indicators`` registers it. The expression it is called on is the indicator's series: its
    ``close`` where it takes one, else its first input. The other inputs are the columns of the same name (``high``,
    ``low``, ``volume`` …) unless given as ``high=pl.col("h")``.
    Parameters follow in the catalogue's order or by name. An indicator with several outputs gives a struct:
    ``.struct.unnest()`` or ``.struct.field("macd_signal")`` takes it apart.

    Parameters
    ----------
    expr : polars.Expr
        Expression that the namespace is used on.

    Examples
    --------
    >>> import mirrorfast.indicators
    >>> import polars as pl
    >>> bars = pl.DataFrame({"symbol": ["A", "A", "A", "B", "B", "B"], "close": [1.0, 2.0, 3.0, 30.0, 20.0, 10.0]})
    >>> bars.with_columns(pl.col("close").mf.sma(2).over("symbol"))["sma_2"].to_list()
    [None, 1.5, 2.5, None, 25.0, 15.0]
    """

    def __init__(self, expr: pl.Expr) -> None:
        self._expr = expr

    def __getattr__(self, name: str) -> Callable[..., pl.Expr]:
        if name not in entries():
            raise AttributeError(f"no indicator {name!r}: see mirrorfast.indicators.catalogue()")
        row = entry(name)
        names: list[str] = row["inputs"]
        order = [p["name"] for p in row["params"]]
        own = "close" if "close" in names else names[0]

        def build(*args: float, **options: Any) -> pl.Expr:
            if len(args) > len(order):
                raise ParameterError(
                    f"{name} = {args!r}: expected at most {len(order)} parameters ({', '.join(order)})"
                )
            inputs = {key: self._expr if key == own else _as_expr(options.pop(key, pl.col(key))) for key in names}
            params = dict(zip(order, args, strict=False))
            for key, value in options.items():
                if key in params:
                    raise ParameterError(f"{name}.{key} = {value!r}: given twice")
                params[key] = value
            return expression(name, inputs, params)

        build.__name__ = name
        build.__doc__ = f"{row['summary']} See ``mirrorfast.indicators.{name}``."
        return build

    def __dir__(self) -> list[str]:
        return sorted(entries())


def _as_expr(value: pl.Expr | str) -> pl.Expr:
    return pl.col(value) if isinstance(value, str) else value
