"""Feature rows as a learning agent sees them: numbers in [−1, 1], scaled by the training span alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mirrorfast import _core
from mirrorfast.data.schema import as_frame
from mirrorfast.errors import ModelError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    import numpy as np
    import numpy.typing as npt

__all__ = ["MARKET_FEATURES", "SignalEncoder"]

MARKET_FEATURES: Final[tuple[str, ...]] = tuple(_core.market_features())
"""The market features of SPEC §8, in the order of an observation."""


class SignalEncoder:
    """Encode feature rows as numbers in [−1, 1].

    Parameters
    ----------
    features : sequence of str, optional
        Features, in the order of an encoded row; the 17 of SPEC §8 by default. A name is one of those, any other column
        of `compute_features` that is free of units, or a numeric column of your own.

    Raises
    ------
    ParameterError
        If a feature is a label, or comes in units of price or volume.

    See Also
    --------
    mirrorfast.compute_features : Where the columns come from.

    Notes
    -----
    A value becomes ``tanh((t(x) − median) / (2·σ))``; median and ``σ = IQR / 1.349`` are those of the rows that it was
    fitted on, so that outliers neither move the scale nor leave the interval. ``t`` is the log return for ``price``,
    the log ratio to the 20-bar mean for ``volume``, ``macd_pct`` for ``macd``, and nothing for the others: encoded rows
    do not depend on the unit of price or volume. Where the quartiles fall together, ``σ`` is a 4.653th of the distance
    of the 1 % and 99 % quantiles; a column that never moved in training is 0 for ever. Yes/no columns are −1 and 1. A
    missing value is 0, the middle. Each row is encoded by itself: in a batch or one at a time gives the same bits.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> features = mf.compute_features(mf.sample_bars(), timeframe="1h")
    >>> encoder = SignalEncoder().fit(features)
    >>> rows = encoder.transform(features)
    >>> rows.shape, float(rows["rsi"].min()) >= -1.0, float(rows["rsi"].max()) <= 1.0
    ((7505, 17), True, True)
    """

    def __init__(self, features: Sequence[str] | None = None) -> None:
        names = [str(name) for name in (MARKET_FEATURES if features is None else features)]
        self._sources: list[str] = _core.encoder_sources(names)
        self._features = names
        self._core: _core.Encoder | None = None

    def fit(self, features: Any) -> Self:
        """Take median and scale of every column from a training span.

        Parameters
        ----------
        features : DataFrame or Arrow table, shape (n, k)
            Feature rows of any number of symbols, as `compute_features` returns them; nothing later than the training
            span. Missing values do not count.

        Returns
        -------
        SignalEncoder
            Itself.

        Raises
        ------
        ShapeError
            If a column is missing or not numeric.
        DataError
            If a column has no finite value.

        Examples
        --------
        >>> table = pl.DataFrame({"rsi": [30.0, 50.0, 70.0]})
        >>> name, source, transform, center, scale = SignalEncoder(["rsi"]).fit(table).describe().row(0)
        >>> name, transform, center, round(scale, 3)
        ('rsi', 'Identity', 50.0, 14.826)
        """
        self._core = _core.Encoder.fit(self._features, self._columns(features))
        return self

    def transform(self, features: Any) -> pl.DataFrame:
        """Encode feature rows.

        Parameters
        ----------
        features : DataFrame or Arrow table, shape (n, k)
            Feature rows.

        Returns
        -------
        polars.DataFrame, shape (n, n_features)
            ``Float32`` columns by the names of the features, without nulls.

        Raises
        ------
        ModelError
            If the encoder is not fitted.
        ShapeError
            If a column is missing or not numeric.

        Examples
        --------
        >>> table = pl.DataFrame({"rsi": [30.0, 50.0, None]})
        >>> SignalEncoder(["rsi"]).fit(table).transform(table)["rsi"].to_list()[2]
        0.0
        """
        return pl.DataFrame(self.encode(features), schema=dict.fromkeys(self._features, pl.Float32))

    def encode(self, features: Any) -> npt.NDArray[np.float32]:
        """Encode feature rows into an array.

        Parameters
        ----------
        features : DataFrame or Arrow table, shape (n, k)
            Feature rows.

        Returns
        -------
        numpy.ndarray, shape (n, n_features), float32
            The same numbers as `transform`, row after row.

        Raises
        ------
        ModelError
            If the encoder is not fitted.
        ShapeError
            If a column is missing or not numeric.

        Examples
        --------
        >>> table = pl.DataFrame({"ichimoku_bullish": [True, False, None]})
        >>> SignalEncoder(["ichimoku_bullish"]).fit(table).encode(table).ravel().tolist()
        [1.0, -1.0, 0.0]
        """
        rows: npt.NDArray[np.float32] = self.native.encode(self._columns(features))
        return rows

    def save(self, path: str | Path) -> None:
        """Write the encoder as JSON.

        Parameters
        ----------
        path : str or Path
            File.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> encoder = SignalEncoder(["rsi"]).fit(pl.DataFrame({"rsi": [30.0, 50.0, 70.0]}))
        >>> with TemporaryDirectory() as directory:
        ...     encoder.save(Path(directory) / "encoder.json")
        ...     SignalEncoder.load(Path(directory) / "encoder.json") == encoder
        True
        """
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path, *, features: Sequence[str] | None = None) -> Self:
        """Read an encoder that `save` wrote.

        Parameters
        ----------
        path : str or Path
            File.
        features : sequence of str, optional
            Features that it must give, in this order.

        Returns
        -------
        SignalEncoder
            The encoder, fitted.

        Raises
        ------
        ModelError
            If the file is no encoder, is damaged, is of another version or gives other columns; the message names the
            difference.
        """
        try:
            text = Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"encoder {path}: {error}") from error
        try:
            return cls.from_json(text, features=features)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from None

    def to_json(self) -> str:
        """Return the encoder as JSON: version, column hash, and every column with its scale.

        Returns
        -------
        str
            What `from_json` takes; every number keeps its bits.

        Raises
        ------
        ModelError
            If the encoder is not fitted.
        """
        return self.native.to_json()

    @classmethod
    def from_json(cls, text: str, *, features: Sequence[str] | None = None) -> Self:
        """Take up an encoder from its JSON.

        Parameters
        ----------
        text : str
            What `to_json` returned.
        features : sequence of str, optional
            Features that it must give, in this order.

        Returns
        -------
        SignalEncoder
            The encoder, fitted.

        Raises
        ------
        ModelError
            As `load`.
        """
        core = _core.Encoder.from_json(text)
        if features is not None:
            core.require(list(features))
        encoder = cls(core.features)
        encoder._core = core
        return encoder

    def require(self, features: Sequence[str]) -> None:
        """Refuse an encoder that gives other features.

        Parameters
        ----------
        features : sequence of str
            Features that are expected, in order.

        Raises
        ------
        ModelError
            If there is a difference, which the message names.

        Examples
        --------
        >>> SignalEncoder(["rsi"]).fit(pl.DataFrame({"rsi": [1.0, 2.0]})).require(["rsi"])
        """
        self.native.require(list(features))

    def describe(self) -> pl.DataFrame:
        """List the columns with what was fitted.

        Returns
        -------
        polars.DataFrame, shape (n_features, 5)
            ``feature``, ``source`` (column of `compute_features`), ``transform``, ``center`` and ``scale``.

        Raises
        ------
        ModelError
            If the encoder is not fitted.
        """
        names = ["feature", "source", "transform", "center", "scale"]
        return pl.DataFrame(self.native.describe(), schema=names, orient="row")

    @property
    def features(self) -> tuple[str, ...]:
        """Features, in the order of an encoded row."""
        return tuple(self._features)

    @property
    def sources(self) -> tuple[str, ...]:
        """Column of `compute_features` that each feature is made of."""
        return tuple(self._sources)

    @property
    def column_hash(self) -> str:
        """Sixteen hex digits for version, names, sources and transforms of the columns, in order."""
        return self.native.column_hash

    @property
    def version(self) -> int:
        """Version of the layout and the formulas."""
        return _core.ENCODER_VERSION

    @property
    def rows(self) -> int:
        """Rows that it was fitted on."""
        return self.native.rows

    @property
    def is_fitted(self) -> bool:
        """Whether it can encode."""
        return self._core is not None

    @property
    def native(self) -> _core.Encoder:
        """The encoder of the core.

        Raises
        ------
        ModelError
            If the encoder is not fitted.
        """
        if self._core is None:
            raise ModelError("encoder: not fitted: call fit(features) on the training span first")
        return self._core

    def _columns(self, features: Any) -> list[pl.Series]:
        frame = as_frame(features, source="features")
        missing = [name for name in self._sources if name not in frame.columns]
        if missing:
            found = ", ".join(frame.columns) or "none"
            raise ShapeError(f"features: column {', '.join(missing)} is missing: found {found}")
        for name in self._sources:
            if not (frame[name].dtype.is_numeric() or frame[name].dtype in (pl.Boolean, pl.Null)):
                raise ShapeError(f"features: column {name} is {frame[name].dtype}: expected numbers")
        return [frame[name].cast(pl.Float64) for name in self._sources]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SignalEncoder):
            return NotImplemented
        if not (self.is_fitted and other.is_fitted):
            return self.is_fitted == other.is_fitted and self._features == other._features
        return self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # it can be fitted again

    def __repr__(self) -> str:
        state = f"fitted on {self.rows} rows, {self.column_hash}" if self.is_fitted else "not fitted"
        return f"<SignalEncoder of {len(self._features)} features: {state}>"

    def __getstate__(self) -> tuple[list[str], str | None]:
        return self._features, self.to_json() if self.is_fitted else None

    def __setstate__(self, state: tuple[list[str], str | None]) -> None:
        features, text = state
        SignalEncoder.__init__(self, features)
        self._core = None if text is None else _core.Encoder.from_json(text)
