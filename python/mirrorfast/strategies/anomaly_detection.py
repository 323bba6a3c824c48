"""Anomaly detection."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import FittedModel, FittedStrategyAgent

__all__ = ["AnomalyDetectionAgent"]


class AnomalyDetectionAgent(FittedStrategyAgent):
    """Anomaly detection: against the move of a bar that an isolation forest finds strange.

    Parameters
    ----------
    train_window : int, default 300
        Bars behind on which the forest is grown. Range: 16 to 20 000.
    refit : int, default 100
        Bars after which it is grown anew. Range: 1 to 100 000.
    contamination : float, default 0.1
        Share of the training bars that count as anomalies. Range: 1e-4 to 0.5.
    trees : int, default 100
        Trees of the forest. Range: 1 to 1000.
    hold : int, default 5
        Bars that a position is held without another anomaly. Range: 1 to 100 000.
    volume_period : int, default 20
        Bars of the mean volume. Range: 1 to 100 000.
    seed : int, default 42
        Seed of the forest. Range: 0 to 10⁹.
    model : mapping, sequence of mappings, str, bytes or path, optional
        A model fitted before (see `fit`) or several in order of time (`fit_rolling`): as mappings, as JSON, as the
        bytes of an ONNX file of scikit-learn's forest, or a file; without one the strategy fits its own, again and
        again.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    A bar is (log return, ln(high / low), ln(1 + volume ratio)). The forest is grown on the trailing window only,
    before the bar is judged. The first one is there at once; a later one is grown by equal steps over the 100 bars
    after its window (or ``refit`` where that is less) and then takes over, so that no bar waits for a hundred trees.
    An anomaly is a bar whose score lies below that of the `contamination` share of the
    training bars; the position is against its return. Confidence: ``0.5 + 0.5·min(1, (offset − score) / (1 +
    offset))``. Scores are those of scikit-learn's ``IsolationForest.score_samples``; a forest fitted there, or its ONNX
    file, can be given as `model`: it is cold up to the end of what it was fitted on, and scored in Rust.

    References
    ----------
    F. T. Liu, K. M. Ting and Z.-H. Zhou, "Isolation Forest", ICDM 2008.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = AnomalyDetectionAgent().evaluate(mf.sample_bars(["BTC/USD"]).head(600))
    >>> signal.len(), signal.null_count()
    (600, 319)
    """

    name: ClassVar[str] = "anomaly_detection"

    def __init__(
        self,
        *,
        train_window: int = 300,
        refit: int = 100,
        contamination: float = 0.1,
        trees: int = 100,
        hold: int = 5,
        volume_period: int = 20,
        seed: int = 42,
        model: FittedModel = None,
    ) -> None:
        super().__init__(
            train_window=train_window,
            refit=refit,
            contamination=contamination,
            trees=trees,
            hold=hold,
            volume_period=volume_period,
            seed=seed,
            model=model,
        )
