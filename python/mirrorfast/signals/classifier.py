"""Signals, states and labels of feature rows, and classifiers of one's own beside them."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, TypeAlias

import polars as pl

from mirrorfast import _core
from mirrorfast.data.schema import as_frame
from mirrorfast.errors import MirrorfastError, ParameterError, ShapeError, UserCodeError

__all__ = ["LABELS", "SignalClassifier", "direction"]

LABELS: Final[dict[str, tuple[str, ...]]] = {name: tuple(labels) for name, labels in _core.label_names()}
"""Labels of every vocabulary, by the name of its column."""

#: A classifier of one's own: a frame of feature rows in, one label a row out.
Classify: TypeAlias = Callable[[pl.DataFrame], pl.Series]

_BUILT_IN: Final = ("signal", "signal_state", "legacy_label")


def direction(signal: str | pl.Series | None) -> Any:
    """Fold a signal to its side.

    Parameters
    ----------
    signal : str or polars.Series, shape (n,)
        Labels of the ``signal`` column.

    Returns
    -------
    str or polars.Series, shape (n,)
        ``Buy``, ``Sell`` or ``Neutral``; missing where the signal is.

    Raises
    ------
    ParameterError
        If a label is not one of the vocabulary.

    Examples
    --------
    >>> direction("Mean Reversion Sell")
    'Sell'
    >>> direction(pl.Series(["Weak Buy", None, "Neutral"])).to_list()
    ['Buy', None, 'Neutral']
    """
    if isinstance(signal, pl.Series):
        sides = {label: _core.signal_direction(label) for label in signal.unique().drop_nulls()}
        return signal.replace_strict(sides, return_dtype=pl.String).alias("direction")
    return None if signal is None else _core.signal_direction(signal)


class SignalClassifier:
    """Classify feature rows by the rules of SPEC §4.

    Parameters
    ----------
    timeframe : str, default "medium"
        ``scalping``, ``short``, ``medium``, ``daily``, ``weekly`` or an interval such as ``15m``: sets the thresholds
        of `classify_signal`.
    market : {"crypto", "forex"}, default "crypto"
        Kind of market: sets the thresholds of `classify_signal`.

    Raises
    ------
    ParameterError
        If the timeframe or the market is unknown.

    See Also
    --------
    mirrorfast.compute_features : Computes the columns that are read here, and the three labels with them.

    Notes
    -----
    Each method takes a frame and returns a series, or takes the values of one row by keyword (or as a mapping) and
    returns a string. The first rule that holds wins. A rule with a missing input does not hold; where none holds and a
    missing input could have made one hold, the label is missing. A value on a threshold counts as on it, within 1e-12,
    so that the price unit changes no label.

    Examples
    --------
    >>> classifier = SignalClassifier(timeframe="medium", market="crypto")
    >>> row = {"momentum_short": 0.12, "momentum_long": 0.2, "rsi": 60.0, "macd_pct": 0.001}
    >>> classifier.classify_signal(**row, ichimoku_bullish=True)
    'Strong Buy'
    >>> classifier.classify_signal(row)
    'Buy'
    >>> rows = pl.DataFrame([row | {"ichimoku_bullish": True, "reversion_probability": 0.9}])
    >>> classifier.classify_signal(rows).to_list()
    ['Mean Reversion Sell']
    """

    _registered: ClassVar[dict[str, Classify]] = {}

    def __init__(self, *, timeframe: str = "medium", market: str = "crypto") -> None:
        self.timeframe = timeframe
        self.market = market
        # Both words are checked here and not at the first row.
        _core.classify_row("signal", [float("nan")] * len(_core.classifier_inputs("signal")), timeframe, market)

    def classify_signal(self, features: Any = None, /, **values: Any) -> Any:
        """Classify rows as Strong Buy, Buy, Weak Buy, Neutral, Weak Sell, Sell, Strong Sell or a mean reversion.

        Parameters
        ----------
        features : DataFrame or Arrow table, shape (n, k), or mapping, optional
            Rows with the columns ``momentum_short momentum_long rsi macd_pct ichimoku_bullish reversion_probability``,
            or the values of one row by name.
        **values : float, bool or None
            The values of one row by name; those left out are missing.

        Returns
        -------
        polars.Series, shape (n,), or str or None
            Labels named ``signal``; null while short momentum, RSI or MACD are missing.

        Raises
        ------
        ShapeError
            If the frame lacks a column.
        ParameterError
            If a value has an unknown name or is no number.

        Examples
        --------
        >>> SignalClassifier(market="forex").classify_signal(momentum_short=0.009, rsi=55.0, macd_pct=1e-5)
        'Buy'
        """
        return self._built_in("signal", features, values)

    def classify_state(self, features: Any = None, /, **values: Any) -> Any:
        """Classify rows by their momentum, with thresholds that widen with the volume.

        Parameters
        ----------
        features : DataFrame or Arrow table, shape (n, k), or mapping, optional
            Rows with the columns ``momentum_1 momentum_short volume_ratio bb_position rsi``, or the values of one row.
        **values : float or None
            The values of one row by name; those left out are missing.

        Returns
        -------
        polars.Series, shape (n,), or str or None
            Labels named ``signal_state``.

        Raises
        ------
        ShapeError
            If the frame lacks a column.
        ParameterError
            If a value has an unknown name or is no number.

        Examples
        --------
        >>> SignalClassifier().classify_state(momentum_1=0.08, momentum_short=0.09, volume_ratio=1.0)
        'BULL_PARABOLIC'
        """
        return self._built_in("signal_state", features, values)

    def classify_legacy(self, features: Any = None, /, **values: Any) -> Any:
        """Classify rows with the scanner's original labels.

        Parameters
        ----------
        features : DataFrame or Arrow table, shape (n, k), or mapping, optional
            Rows with the columns ``momentum_short momentum_long rsi bb_position macd_pct``, or the values of one row.
        **values : float or None
            The values of one row by name; those left out are missing.

        Returns
        -------
        polars.Series, shape (n,), or str or None
            Labels named ``legacy_label``.

        Raises
        ------
        ShapeError
            If the frame lacks a column.
        ParameterError
            If a value has an unknown name or is no number.

        Examples
        --------
        >>> SignalClassifier().classify_legacy(momentum_short=0.04, momentum_long=0.1, rsi=55.0)
        'Consistent Uptrend'
        """
        return self._built_in("legacy_label", features, values)

    def classify(self, name: str, features: Any) -> Any:
        """Classify rows with a classifier found by name.

        Parameters
        ----------
        name : str
            ``signal``, ``signal_state``, ``legacy_label``, or a registered name.
        features : DataFrame or Arrow table, shape (n, k), or mapping
            Feature rows, such as `mirrorfast.compute_features` or `mirrorfast.FeatureStream.update` return, or the
            values of one row by name.

        Returns
        -------
        polars.Series, shape (n,), or str or None
            Labels, named `name`; one label for one row.

        Raises
        ------
        ParameterError
            If no classifier has this name.
        ShapeError
            If the frame lacks a column, or a registered classifier does not return one label a row.
        UserCodeError
            If a registered classifier raises.

        Examples
        --------
        >>> row = {"momentum_1": 0.0, "momentum_short": 0.0, "volume_ratio": 1.0, "bb_position": 0.5, "rsi": 50.0}
        >>> SignalClassifier().classify("signal_state", pl.DataFrame([row])).to_list()
        ['NEUTRAL']
        >>> SignalClassifier().classify("signal_state", row)
        'NEUTRAL'
        """
        if name in _BUILT_IN:
            return self._built_in(name, features, {})
        if name not in self._registered:
            raise ParameterError(f"classifier = {name!r}: expected one of {', '.join(self.names())}")
        one = isinstance(features, Mapping)
        frame = pl.DataFrame([dict(features)]) if one else as_frame(features, source="features")
        try:
            result = self._registered[name](frame)
        except MirrorfastError:
            raise
        except pl.exceptions.ColumnNotFoundError as error:
            column = str(error).partition("\n")[0]
            raise ShapeError(f"features: a column that classifier {name!r} reads is missing: {column}") from error
        except Exception as error:
            raise UserCodeError(
                f"classifier {name}: raised {type(error).__name__} on {frame.height} rows: {error}"
            ) from error
        labels = _labels(result, name, frame.height)
        return labels[0] if one else labels

    @classmethod
    def names(cls) -> list[str]:
        """Name every classifier.

        Returns
        -------
        list of str
            The three built-in ones, then those registered, in order of registration.

        Examples
        --------
        >>> SignalClassifier.names()[:3]
        ['signal', 'signal_state', 'legacy_label']
        """
        return [*_BUILT_IN, *cls._registered]

    @classmethod
    def registered(cls) -> list[str]:
        """Name the classifiers of one's own.

        Returns
        -------
        list of str
            Names in order of registration.

        Examples
        --------
        >>> SignalClassifier.registered()
        []
        """
        return list(cls._registered)

    @classmethod
    def register(cls, name: str, classify: Classify) -> Classify:
        """Add a classifier of one's own, for every instance; it is a column of scans, too.

        Parameters
        ----------
        name : str
            A new name; registering a name again replaces it.
        classify : callable
            Takes a frame of feature rows and returns one label a row: a series, an array or a list. For law 1 and 2 of
            SPEC to hold it must judge each row by that row alone; then the rows of a stream get the labels of the table.

        Returns
        -------
        callable
            `classify` itself.

        Raises
        ------
        ParameterError
            If the name is that of a built-in classifier or a feature column, or is no identifier.

        Examples
        --------
        >>> def trend(features):
        ...     strong = pl.col("adx") > 25
        ...     return features.select(pl.when(strong).then(pl.lit("trend")).otherwise(pl.lit("range"))).to_series()
        >>> _ = SignalClassifier.register("adx_trend", trend)
        >>> SignalClassifier().classify("adx_trend", pl.DataFrame({"adx": [10.0, 30.0]})).to_list()
        ['range', 'trend']
        >>> SignalClassifier.unregister("adx_trend")
        """
        taken = {column for column, *_ in _core.feature_catalogue()}  # the three of SPEC are among them
        if name in taken or not name.isidentifier():
            raise ParameterError(f"name = {name!r}: expected an identifier that no feature column has")
        cls._registered[name] = classify
        return classify

    @classmethod
    def unregister(cls, name: str) -> None:
        """Take a registered classifier away.

        Parameters
        ----------
        name : str
            The registered name.

        Raises
        ------
        ParameterError
            If no classifier was registered under it.
        """
        if name not in cls._registered:
            known = ", ".join(cls._registered) or "none is registered"
            raise ParameterError(f"name = {name!r}: expected a registered classifier ({known})")
        del cls._registered[name]

    def _built_in(self, name: str, features: Any, values: Mapping[str, Any]) -> Any:
        inputs = _core.classifier_inputs(name)
        if features is None or isinstance(features, Mapping):
            row = {**(features or {}), **values}
            if features is None:
                _known(row, inputs)
            return _core.classify_row(name, [_number(key, row.get(key)) for key in inputs], self.timeframe, self.market)
        if values:
            raise ParameterError(f"{next(iter(values))} is given beside a frame: expected one or the other")
        frame = as_frame(features, source="features")
        missing = [key for key in inputs if key not in frame.columns]
        if missing:
            raise ShapeError(f"features: column {missing[0]} is missing: expected {', '.join(inputs)}")
        columns = [frame[key].cast(pl.Float64) for key in inputs]
        return pl.Series(_core.classify_columns(name, columns, self.timeframe, self.market)).alias(name)


def _known(row: Mapping[str, Any], inputs: list[str]) -> None:
    for key in row:
        if key not in inputs:
            raise ParameterError(f"{key} = {row[key]!r}: expected one of {', '.join(inputs)}")


def _number(name: str, value: Any) -> float:
    if value is None:
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} = {value!r}: expected a number, a bool or None") from None


def _labels(result: Any, name: str, rows: int) -> pl.Series:
    if not isinstance(result, pl.Series) and hasattr(result, "__len__") and not isinstance(result, str | pl.DataFrame):
        try:
            result = pl.Series(list(result))
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise ShapeError(f"classifier {name!r}: got {type(result).__name__}, expected labels: {error}") from error
    if not isinstance(result, pl.Series) or len(result) != rows:
        got = f"{len(result)} labels" if isinstance(result, pl.Series) else type(result).__name__
        raise ShapeError(f"classifier {name!r}: got {got}, expected a series of {rows}")
    if not (result.dtype in (pl.String, pl.Null) or isinstance(result.dtype, pl.Categorical | pl.Enum)):
        raise ShapeError(f"classifier {name!r}: got {result.dtype} values, expected labels")
    return result.cast(pl.String).alias(name)
