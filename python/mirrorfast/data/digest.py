"""What tells two tables of bars apart."""

import hashlib

import polars as pl

__all__ = ["bars_digest"]


def bars_digest(bars: pl.DataFrame) -> str:
    """Hash the content of a table of bars.

    Parameters
    ----------
    bars : polars.DataFrame
        Validated bars.

    Returns
    -------
    str
        SHA-256 in hexadecimal; equal for tables with the same columns, rows and order.

    Examples
    --------
    >>> from mirrorfast.data import sample_bars
    >>> bars = sample_bars()
    >>> bars_digest(bars) == bars_digest(bars.clone()), bars_digest(bars) == bars_digest(bars.head(10))
    (True, False)
    """
    digest = hashlib.sha256()
    for column in bars.get_columns():
        digest.update(column.name.encode())
        values = column.to_physical()
        digest.update("\0".join(values.to_list()).encode() if column.name == "symbol" else values.to_numpy().tobytes())
    return digest.hexdigest()
