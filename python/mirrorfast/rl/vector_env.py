"""Many trading environments as one, for gymnasium."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mirrorfast.errors import ParameterError
from mirrorfast.rl.environment_data import EnvironmentData, require_extra

try:
    import numpy as np
    import numpy.typing as npt
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space

    from mirrorfast.rl._buffers import Buffers
    from mirrorfast.rl._spaces import Actions, observation_space
except ImportError as error:
    raise require_extra(error) from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirrorfast.config import RLConfig
    from mirrorfast.signals.encoder import SignalEncoder

__all__ = ["TradingVectorEnv", "make_vec"]

Array = npt.NDArray[Any]


class TradingVectorEnv(VectorEnv[Array, Array, Array]):
    """Step many trading environments at once, in the core: a ``VectorEnv`` of gymnasium.

    Parameters
    ----------
    data : EnvironmentData
        Markets.
    n_envs : int
        Environments.
    config : RLConfig
        Settings.
    seed : int, optional
        Seed of all draws; that of the configuration by default.

    See Also
    --------
    mirrorfast.make_vec : Makes it from bars.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> env = mf.make_vec(mf.sample_bars(["BTC/USD"]), n_envs=2)
    >>> type(env).__name__, env.num_envs
    ('TradingVectorEnv', 2)
    """

    # As in the single environment: declared for instances, read from the class.
    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "autoreset_mode": AutoresetMode.SAME_STEP,
        "render_modes": [],
    }

    def __init__(self, data: EnvironmentData, n_envs: int, config: RLConfig, seed: int | None = None) -> None:
        self.data = data
        self.config = config
        self.native = data.batch(n_envs, config=config, seed=seed)
        n, rows, width, symbols = self.native.shape
        self._converter = Actions(symbols, config.positions)
        self._buffers = Buffers((n, rows, width))
        self._finals = np.zeros((n, rows, width), np.float32)
        self.num_envs = n
        self.single_observation_space = observation_space(rows, width)
        self.single_action_space = self._converter.space
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode in every environment.

        Parameters
        ----------
        seed : int or sequence of int, optional
            Seed of all draws from here on; environment *k* has ``seed + k`` or its own.
        options : dict, optional
            ``symbol`` and ``start`` (number of a bar) for all; ``reset_mask``, shape (n_envs,): which ones.

        Returns
        -------
        observations : numpy.ndarray, shape (n_envs, lookback, n_features + 4), float32
            First observations.
        info : dict
            ``equity``, shape (n_envs,).

        Raises
        ------
        ParameterError
            If an option is unknown or out of range, or there are not as many seeds as environments.
        """
        chosen = dict(options or {})
        mask = np.asarray(chosen.pop("reset_mask", np.ones(self.num_envs, np.bool_)), np.bool_)
        unknown = set(chosen) - {"symbol", "start"}
        if unknown or mask.shape != (self.num_envs,):
            raise ParameterError(f"options: {min(unknown or {'reset_mask'})} cannot be used: expected symbol or start")
        seeds: list[int | None]
        if seed is None:
            seeds = [None] * self.num_envs
        elif isinstance(seed, int):
            seeds = [seed + k for k in range(self.num_envs)]
        else:
            seeds = list(seed)
        if len(seeds) != self.num_envs:
            raise ParameterError(f"seed: got {len(seeds)}, expected one for each of {self.num_envs} environments")
        symbol = chosen.get("symbol")
        market = None if symbol is None else self.data.market_of(symbol)
        for k in np.flatnonzero(mask).tolist():
            own = seeds[k]
            if own is not None:
                self.native.reseed(k, own, 0)
            self.native.reset(k, market=market, start=chosen.get("start"))
        observations = self._buffers.take()
        self.native.observe_into(observations)
        return observations, {"equity": self.native.equity()}

    def step(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Make a step.

        Parameters
        ----------
        actions : array-like, shape (n_envs, n_symbols) or, of choices, (n_envs,)
            Target positions. One that is NaN or out of range keeps the position and is counted.

        Returns
        -------
        observations : numpy.ndarray, shape (n_envs, lookback, n_features + 4), float32
            Observations; where an episode ended, the first one of the next.
        rewards : numpy.ndarray, shape (n_envs,), float32
            Rewards.
        terminated, truncated : numpy.ndarray, shape (n_envs,), bool
            Whether the drawdown limit, or length or data ended an episode.
        info : dict
            Where one ended: ``final_obs``, ``final_info`` and their masks ``_final_obs`` and ``_final_info``.

        Raises
        ------
        ShapeError
            If there are not as many actions as environments.
        ParameterError
            Before the first reset.
        """
        n = self.num_envs
        observations = self._buffers.take()
        rewards = np.empty(n, np.float32)
        terminated, truncated = np.empty(n, np.bool_), np.empty(n, np.bool_)
        positions = self._converter.positions(actions, n)
        if not self.native.step(positions, observations, rewards, terminated, truncated, self._finals):
            return observations, rewards, terminated, truncated, {}
        done = terminated | truncated
        final_obs = np.full(n, None, object)
        final_info: dict[str, Any] = {}
        for k in np.flatnonzero(done).tolist():
            final_obs[k] = self._finals[k].copy()
            final_info = self._add_info(final_info, self.native.finished(k), k)
        info = {"final_obs": final_obs, "_final_obs": done.copy(), "final_info": final_info, "_final_info": done.copy()}
        return observations, rewards, terminated, truncated, info


def make_vec(
    bars: Any,
    n_envs: int = 64,
    config: RLConfig | None = None,
    *,
    encoder: SignalEncoder | None = None,
    features: Any = None,
    timeframe: str = "auto",
    together: bool = False,
    seed: int | None = None,
) -> TradingVectorEnv:
    """Make many trading environments that step at once, as a ``VectorEnv`` of gymnasium.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, k), or EnvironmentData
        Closed bars of one or more symbols: each environment draws one for an episode, or trades all with `together`.
    n_envs : int, default 64
        Environments.
    config : RLConfig, optional
        Settings.
    encoder : SignalEncoder, optional
        A fitted encoder, as for test data; else one is fitted on `bars`.
    features : DataFrame, shape (n, k), optional
        Columns of your own beside `bars`, see `mirrorfast.rl.EnvironmentData`.
    timeframe : str, default "auto"
        As in `compute_features`; ``"auto"`` takes the step of the bars.
    together : bool, default False
        One action a symbol, one account for all.
    seed : int, optional
        Seed of all draws; that of the configuration by default.

    Returns
    -------
    TradingVectorEnv
        The environments. Where an episode ends, the next begins in the same step (``AutoresetMode.SAME_STEP``).

    Raises
    ------
    ShapeError, DataError, ParameterError, ModelError
        As `mirrorfast.TradingVecEnv`.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> env = mf.make_vec(mf.sample_bars(["BTC/USD"]), n_envs=4)
    >>> observations, info = env.reset(seed=1)
    >>> observations.shape, info["equity"].tolist()
    ((4, 20, 21), [10000.0, 10000.0, 10000.0, 10000.0])
    """
    data = (
        bars
        if isinstance(bars, EnvironmentData)
        else EnvironmentData(bars, config, encoder=encoder, features=features, timeframe=timeframe, together=together)
    )
    return TradingVectorEnv(data, n_envs, config or data.config, seed)
