"""Anomaly detection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mirrorfast.strategies._native import FittedStrategyAgent

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    model : mapping or str, optional
        A model fitted before (see `fit`), as a mapping or JSON; without one the strategy fits its own, again and again.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    A bar is (log return, ln(high / low), ln(1 + volume ratio)). The forest is grown on the trailing window only,
    before the bar is judged. An anomaly is a bar whose score lies below that of the `contamination` share of the
    training bars; the position is against its return. Confidence: ``0.5 + 0.5·min(1, (offset − score) / (1 +
    offset))``. Scores are those of scikit-learn's ``IsolationForest.score_samples``; a forest fitted there can be
    given as `model`.

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
        model: Mapping[str, Any] | str | None = None,
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
