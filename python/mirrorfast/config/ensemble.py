"""How the strategies' votes become one consensus (SPEC §6)."""

from typing import Literal, Self

from pydantic import model_validator

from mirrorfast.config.base import Settings, option

__all__ = ["BayesianConfig", "CorrelationConfig", "DynamicConfig", "EnsembleConfig", "StackedConfig"]


class StackedConfig(Settings):
    """A fitted linear meta-model.

    Examples
    --------
    >>> StackedConfig(coefficients={"ut_bot": 0.8}).link
    'linear'
    """

    link: Literal["linear", "logistic"] = option(
        "linear", "the score is the position, or the log odds of a rise whose probability makes the position"
    )
    intercept: float = option(0.0, "score with every strategy flat", unit="score", ge=-1e6, le=1e6)
    coefficients: dict[str, float] = option(
        None, "coefficient by strategy; a strategy without one takes no part", default_factory=dict
    )


class DynamicConfig(Settings):
    """Weights that follow recent risk-adjusted performance.

    Examples
    --------
    >>> DynamicConfig().half_life
    50.0
    """

    half_life: float = option(50.0, "age at which a return counts half", unit="bars", ge=1e-3, le=1e9)
    learning_rate: float = option(
        10.0, "exponent of a weight at a Sharpe ratio of 1 a bar", unit="factor", ge=0, le=1_000
    )
    min_share: float = option(0.05, "smallest weight", unit="share of the largest", ge=0, le=1)


class BayesianConfig(Settings):
    """Weights by the likelihood of the returns that the votes forecast.

    Examples
    --------
    >>> BayesianConfig().forgetting
    0.99
    """

    forgetting: float = option(0.99, "part of the log evidence that survives a bar", unit="fraction", ge=0, le=1)
    edge: float = option(
        0.2,
        "mean return that a full, certain vote forecasts",
        unit="standard deviations of a bar's return",
        ge=0,
        le=10,
    )
    half_life: float = option(
        50.0, "age at which a return counts half in that standard deviation", unit="bars", ge=1e-3, le=1e9
    )
    clip: float = option(
        3.0,
        "returns beyond this are taken as this: one shock must not decide",
        unit="standard deviations",
        ge=0.1,
        le=100,
    )


class CorrelationConfig(Settings):
    """Of two strategies that say the same, the better votes.

    Examples
    --------
    >>> CorrelationConfig().threshold
    0.85
    """

    threshold: float = option(
        0.85, "correlation of two signals, either way, from which one is set aside", unit="correlation", ge=0, le=1
    )
    window: int = option(100, "span of that correlation", unit="bars", ge=2, le=100_000)
    half_life: float = option(
        50.0, "age at which a return counts half in the judgement of who is better", unit="bars", ge=1e-3, le=1e9
    )


class EnsembleConfig(Settings):
    """How the strategies' votes become one consensus in [−1, 1].

    Examples
    --------
    >>> EnsembleConfig(method="majority", min_agree=2).min_agree
    2
    """

    method: Literal["weighted", "majority", "stacked", "dynamic", "bayesian", "regime", "correlation"] = option(
        "weighted", "rule that combines the votes"
    )
    buy_threshold: float = option(0.5, "consensus above which the direction reads Buy", unit="consensus", ge=0, le=1)
    sell_threshold: float = option(
        -0.5, "consensus below which the direction reads Sell", unit="consensus", ge=-1, le=0
    )
    min_agree: int = option(1, "strategies that must share the direction, else hold", unit="strategies", ge=1, le=1_000)
    required: tuple[str, ...] = option((), "strategies each of which must share the direction, else hold")
    weights: dict[str, float] = option(
        None, "factor on a strategy's weight, at least 0; 1 where none is named", default_factory=dict
    )
    signal_half_life: float | None = option(
        None, "age at which an unchanged signal counts half; absent: signals do not age", unit="bars", ge=1e-3, le=1e9
    )
    diversity_bonus: float = option(
        0.0, "weight gained by a signal that has nothing in common with the others", unit="fraction", ge=0, le=10
    )
    similarity_window: int = option(
        100, "span of the correlation that diversity_bonus looks at", unit="bars", ge=2, le=100_000
    )
    calibration: dict[str, tuple[tuple[float, float], ...]] = option(
        None, "map of confidence by strategy: knots [claimed, calibrated]", default_factory=dict
    )
    priority: tuple[str, ...] = option((), "who decides a tie of majority, the most trusted first")
    stacked: StackedConfig = option(None, "numbers of the stacked method", default_factory=StackedConfig)
    dynamic: DynamicConfig = option(None, "numbers of the dynamic method", default_factory=DynamicConfig)
    bayesian: BayesianConfig = option(None, "numbers of the bayesian method", default_factory=BayesianConfig)
    regime: dict[str, dict[str, float]] = option(
        None,
        "factors of the regime method: market regime, then strategy; over the defaults by style",
        default_factory=dict,
    )
    correlation: CorrelationConfig = option(
        None, "numbers of the correlation method", default_factory=CorrelationConfig
    )

    @model_validator(mode="after")
    def _fitted(self) -> Self:
        if self.method == "stacked" and not self.stacked.coefficients:
            msg = "stacked.coefficients is empty: expected the coefficients of a fitted model"
            raise ValueError(msg)
        return self
