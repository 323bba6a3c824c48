"""Markets whose best policy is known: what an agent that learns must find, and where there is nothing to find."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from mirrorfast.config import RLConfig
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from mirrorfast.rl.environment_data import EnvironmentData
    from mirrorfast.signals.encoder import SignalEncoder

__all__ = ["SyntheticMarket", "synthetic_market"]

Array = npt.NDArray[np.float64]

_HOUR_MS: Final = 3_600_000
_START: Final = datetime(2020, 1, 1, tzinfo=UTC)
#: A bar reaches this much beyond open and close, so that a fill with slippage lies inside it.
_WICK: Final = 0.002
_LEVELS: Final = np.array([-1.0, 0.0, 1.0])
_DISCOUNT: Final = 0.999


@dataclass(frozen=True)
class SyntheticMarket:
    """A market with its best policy.

    Attributes
    ----------
    name : str
        Which one.
    bars : polars.DataFrame
        Hourly bars of one symbol; each opens at the last one's close.
    features : polars.DataFrame
        Columns of its own, row by row: what the best policy looks at and no feature says.
    config : RLConfig
        An environment of small observations in which the best policy can be seen: features, lookback, costs.
    positions : numpy.ndarray, shape (n,)
        The position that the best policy takes on each bar's close, one of −1, 0, 1.

    Examples
    --------
    >>> synthetic_market("ou", 200).features.columns
    ['level']
    """

    name: str
    bars: pl.DataFrame
    features: pl.DataFrame
    config: RLConfig
    positions: Array

    def data(self, *, config: RLConfig | None = None, encoder: SignalEncoder | None = None) -> EnvironmentData:
        """Make it ready for environments.

        Parameters
        ----------
        config : RLConfig, optional
            Settings; those of the market by default.
        encoder : SignalEncoder, optional
            The encoder of a training market; else one is fitted on this one.

        Returns
        -------
        EnvironmentData
            What `TradingEnvironment` and its like take for bars.

        Examples
        --------
        >>> synthetic_market("trend", 200).data().features
        ('regime',)
        """
        from mirrorfast.rl.environment_data import EnvironmentData

        return EnvironmentData(
            self.bars, config or self.config, encoder=encoder, features=self.features if self.features.width else None
        )

    def growth(self, positions: npt.ArrayLike | None = None) -> float:
        """Measure what positions earn in the environment, costs included.

        Parameters
        ----------
        positions : array-like, shape (n,), optional
            Position taken on each bar's close; the best ones by default.

        Returns
        -------
        float
            Log growth of equity from the first bar with a full observation to the last.

        Raises
        ------
        ParameterError
            If there is not one position a bar.

        Examples
        --------
        >>> synthetic_market("random_walk", 200).growth()
        0.0
        """
        wanted = np.asarray(self.positions if positions is None else positions, np.float32)
        if wanted.shape != self.positions.shape:
            raise ParameterError(f"positions: got shape {wanted.shape}, expected {self.positions.shape}")
        plain = self.config.model_copy(
            update={"random_start": False, "episode_length": None, "drawdown_limit": 1.0, "positions": ()}
        )
        batch = self.data(config=plain).batch(1)
        batch.reset(0)
        end = False
        while not end:
            _, _, terminated, truncated, _ = batch.play(float(wanted[batch.bar(0)]))
            end = terminated or truncated
        return float(np.log(batch.episode(0)["equity"] / plain.capital))


def synthetic_market(
    name: Literal["sine", "ou", "trend", "random_walk"], n: int = 20_000, *, seed: int = 0, cost: float = 0.001
) -> SyntheticMarket:
    """Make a market whose best policy is known.

    Parameters
    ----------
    name : {"sine", "ou", "trend", "random_walk"}
        ``sine``: the price runs round a circle of 48 bars. ``ou``: the log price is pulled back to its mean
        (Ornstein–Uhlenbeck); its column ``level`` says how far away it is. ``trend``: a drift that switches sign
        without warning; its column ``regime`` says which way it goes. ``random_walk``: nothing can be known, and being
        flat is best.
    n : int, default 20000
        Bars.
    seed : int, default 0
        Seed; markets of other seeds are other paths of the same law.
    cost : float, default 0.001
        Fee on the traded notional; there is no slippage.

    Returns
    -------
    SyntheticMarket
        Bars, features, settings and the best positions.

    Raises
    ------
    ParameterError
        If the name is unknown, there are fewer than 100 bars or the cost is not in [0, 0.1).

    Notes
    -----
    The best policy maximises expected log growth less costs, over positions −1, 0 and 1, by value iteration over the
    market's state and the position held (discount 0.999): phase of the sine, level of the OU process on a grid of 201
    points, sign of the drift. It knows the law and the present state, nothing of the future noise.

    Examples
    --------
    >>> market = synthetic_market("sine", 500)
    >>> market.bars.height, market.growth() > 1.0, market.growth(np.zeros(500))
    (500, True, 0.0)
    """
    if not (isinstance(n, int) and n >= 100):
        raise ParameterError(f"n = {n!r}: expected at least 100 bars")
    if not 0.0 <= cost < 0.1:
        raise ParameterError(f"cost = {cost!r}: expected a fraction in [0, 0.1)")
    makers = {"sine": _sine, "ou": _ou, "trend": _trend, "random_walk": _random_walk}
    if name not in makers:
        raise ParameterError(f"name = {name!r}: expected one of {', '.join(makers)}")
    return makers[name](n, np.random.default_rng(seed), cost)


def _sine(n: int, random: np.random.Generator, cost: float) -> SyntheticMarket:
    period, height = 48, 0.05
    phase = (np.arange(n) + int(random.integers(period))) % period
    level = height * np.sin(2 * np.pi * np.arange(period) / period)
    moves = np.roll(level, -1) - level
    law = np.roll(np.eye(period), 1, axis=1)
    best = _best(law, _growth(np.repeat(moves[:, None], period, axis=1), law), cost)
    config = _config(cost, features=("price",), lookback=4)
    return _market("sine", level[phase], pl.DataFrame(), config, _follow(best, phase))


def _ou(n: int, random: np.random.Generator, cost: float) -> SyntheticMarket:
    pull, noise, points = 0.1, 0.01, 201
    spread = noise / np.sqrt(1.0 - (1.0 - pull) ** 2)
    level = np.empty(n)
    level[0] = spread * random.standard_normal()
    shocks = noise * random.standard_normal(n)
    for t in range(1, n):
        level[t] = (1.0 - pull) * level[t - 1] + shocks[t]
    grid = np.linspace(-5.0, 5.0, points) * spread
    law = np.exp(-0.5 * ((grid[None, :] - (1.0 - pull) * grid[:, None]) / noise) ** 2)
    law /= law.sum(axis=1, keepdims=True)
    best = _best(law, _growth(grid[None, :] - grid[:, None], law), cost)
    nearest = np.clip(np.round((level - grid[0]) / (grid[1] - grid[0])), 0, points - 1).astype(int)
    features = pl.DataFrame({"level": level / spread})
    return _market("ou", level, features, _config(cost, features=("level",), lookback=1), _follow(best, nearest))


def _trend(n: int, random: np.random.Generator, cost: float) -> SyntheticMarket:
    drift, noise, switch = 0.002, 0.005, 0.02
    regime = (np.cumsum(random.random(n) < switch) + int(random.integers(2))) % 2
    moves = np.where(regime == 1, drift, -drift) + noise * random.standard_normal(n)
    # The move into bar t + 1 has the drift that bar t shows.
    level = np.concatenate([[0.0], np.cumsum(moves[:-1])])
    law = np.array([[1.0 - switch, switch], [switch, 1.0 - switch]])
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    weights = weights / weights.sum()
    steps = np.array([-drift, drift])[:, None] + noise * nodes[None, :]
    best = _best(law, _growth(steps, np.repeat(weights[None, :], 2, axis=0)), cost)
    features = pl.DataFrame({"regime": 2.0 * regime - 1.0})
    return _market("trend", level, features, _config(cost, features=("regime",), lookback=1), _follow(best, regime))


def _random_walk(n: int, random: np.random.Generator, cost: float) -> SyntheticMarket:
    noise = 0.01
    # The price, not its logarithm, has no drift: neither side gains on average.
    level = np.cumsum(noise * random.standard_normal(n) - 0.5 * noise**2)
    config = _config(cost, features=("price",), lookback=4)
    return _market("random_walk", level, pl.DataFrame(), config, np.zeros(n))


def _config(cost: float, *, features: tuple[str, ...], lookback: int) -> RLConfig:
    return RLConfig(
        features=features,
        lookback=lookback,
        transaction_cost=cost,
        slippage=0.0,
        rebalance_band=0.25,
        drawdown_penalty=0.0,
        turnover_penalty=0.0,
        reward_scaling=100.0,
        episode_length=256,
    )


def _market(name: str, level: Array, features: pl.DataFrame, config: RLConfig, positions: Array) -> SyntheticMarket:
    close = 100.0 * np.exp(level)
    opened = np.concatenate([close[:1], close[:-1]])
    first = int(_START.timestamp() * 1_000)
    bars = pl.DataFrame(
        {
            "symbol": pl.Series([name.upper()]).new_from_index(0, len(close)),
            "timestamp": pl.Series(first + _HOUR_MS * np.arange(len(close))).cast(pl.Datetime("ms", "UTC")),
            "open": opened,
            "high": np.maximum(opened, close) * (1.0 + _WICK),
            "low": np.minimum(opened, close) * (1.0 - _WICK),
            "close": close,
            "volume": np.full(len(close), 1_000.0),
        }
    )
    return SyntheticMarket(name, bars, features, config, positions)


def _growth(moves: Array, law: Array) -> Array:
    """Give the expected log growth of each level in each state; `moves` are the log returns, `law` their weights."""
    returns = np.expm1(moves)
    return np.stack([(law * np.log1p(level * returns)).sum(axis=1) for level in _LEVELS], axis=1)


def _best(law: Array, growth: Array, cost: float) -> npt.NDArray[np.int_]:
    """Iterate to the best next level, by state and level held."""
    paid = np.log1p(-cost * np.abs(_LEVELS[:, None] - _LEVELS[None, :]))
    value = np.zeros((len(law), len(_LEVELS)))
    for _ in range(20_000):
        # Over state, level held, level taken.
        choices = growth[:, None, :] + paid[None, :, :] + _DISCOUNT * (law @ value)[:, None, :]
        new = choices.max(axis=2)
        if np.abs(new - value).max() < 1e-10:
            break
        value = new
    best: npt.NDArray[np.intp] = choices.argmax(axis=2)
    return best


def _follow(best: npt.NDArray[np.int_], states: npt.NDArray[np.int_]) -> Array:
    held, levels = 1, np.empty(len(states), int)
    for t, state in enumerate(states):
        held = best[state, held]
        levels[t] = held
    return _LEVELS[levels]
