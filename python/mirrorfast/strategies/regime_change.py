"""Regime change."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import FittedModel, FittedStrategyAgent

__all__ = ["RegimeChangeAgent"]


class RegimeChangeAgent(FittedStrategyAgent):
    """Regime change: follow in a trend, fade in a range, stand aside in a storm.

    Parameters
    ----------
    period : int, default 20
        Bars of volatility and z-score. Range: 2 to 100 000.
    train_window : int, default 300
        Observations behind on which the model is fitted. Range: 30 to 20 000.
    refit : int, default 100
        Bars after which it is fitted anew. Range: 1 to 100 000.
    momentum_period : int, default 20
        Bars of the momentum that is followed. Range: 1 to 100 000.
    entry_z : float, default 1.0
        z-score beyond which a range is faded. Range: 0.01 to 100.
    model : mapping, sequence of mappings, str or path, optional
        A model fitted before (see `fit`) or several in order of time (`fit_rolling`): as mappings, as JSON or a file of
        it; without one the strategy fits its own, again and again.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    A Gaussian hidden Markov model of three states over (log return, log volatility) tells the regimes apart. Its
    state probabilities are *filtered*: of the present given the past, never smoothed with the future. The most
    volatile state is the storm; of the others, the one whose mean return is the furthest from 0 is the trend.
    The first model is there at once; a later one is fitted by equal steps over the 46 bars after its window (or
    ``refit`` where that is less), and takes over once it has filtered up to the present.
    Confidence: the regime's probability when the position is taken. A model fitted with hmmlearn can be given as
    `model`.

    References
    ----------
    L. E. Baum et al., Annals of Mathematical Statistics 41, 1970; J. D. Hamilton, Econometrica 57, 1989.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = RegimeChangeAgent().evaluate(mf.sample_bars(["BTC/USD"]).head(600))
    >>> signal.len(), signal.null_count()
    (600, 319)
    """

    name: ClassVar[str] = "regime_change"

    def __init__(
        self,
        *,
        period: int = 20,
        train_window: int = 300,
        refit: int = 100,
        momentum_period: int = 20,
        entry_z: float = 1.0,
        model: FittedModel = None,
    ) -> None:
        super().__init__(
            period=period,
            train_window=train_window,
            refit=refit,
            momentum_period=momentum_period,
            entry_z=entry_z,
            model=model,
        )
