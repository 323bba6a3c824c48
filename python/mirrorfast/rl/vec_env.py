"""Many trading environments as one, for stable-baselines3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirrorfast.errors import ParameterError
from mirrorfast.rl.environment_data import EnvironmentData, require_extra

try:
    import numpy as np
    import numpy.typing as npt
    from stable_baselines3.common.vec_env import VecEnv

    from mirrorfast.rl._buffers import Buffers
    from mirrorfast.rl._spaces import Actions, observation_space
except ImportError as error:
    raise require_extra(error) from error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirrorfast.config import RLConfig
    from mirrorfast.signals.encoder import SignalEncoder

__all__ = ["TradingVecEnv"]


class TradingVecEnv(VecEnv):
    """Step many trading environments at once, in the core: a ``VecEnv`` of stable-baselines3.

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
        Columns of your own beside `bars`, see `EnvironmentData`.
    timeframe : str, default "auto"
        As in `compute_features`; ``"auto"`` takes the step of the bars.
    together : bool, default False
        One action a symbol, one account for all.
    seed : int, optional
        Seed of all draws; that of the configuration by default. Environment *k* has a stream of its own.

    Raises
    ------
    ShapeError, DataError, ParameterError, ModelError
        As `EnvironmentData`, and where `n_envs` is below 1.

    See Also
    --------
    mirrorfast.TradingEnvironment : One of them; its notes say what a step is.

    Notes
    -----
    Where an episode ends, the next begins in the same step: its first observation is returned, the last one is in
    ``info["terminal_observation"]``, ``info["TimeLimit.truncated"]`` says whether length or data ended it, and
    ``info["episode"]`` has reward, length, equity, fees and what else is known. An observation array is used again only
    when nobody holds it any more.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> env = mf.TradingVecEnv(mf.sample_bars(["BTC/USD"]), n_envs=8)
    >>> env.reset().shape
    (8, 20, 21)
    >>> observations, rewards, dones, infos = env.step(np.zeros((8, 1), np.float32))
    >>> float(rewards.sum()), bool(dones.any())
    (0.0, False)
    """

    def __init__(
        self,
        bars: Any,
        n_envs: int = 64,
        config: RLConfig | None = None,
        *,
        encoder: SignalEncoder | None = None,
        features: Any = None,
        timeframe: str = "auto",
        together: bool = False,
        seed: int | None = None,
    ) -> None:
        self.data = (
            bars
            if isinstance(bars, EnvironmentData)
            else EnvironmentData(
                bars, config, encoder=encoder, features=features, timeframe=timeframe, together=together
            )
        )
        self.config = config or self.data.config
        self.native = self.data.batch(n_envs, config=self.config, seed=seed)
        n, rows, width, symbols = self.native.shape
        self._converter = Actions(symbols, self.config.positions)
        self._buffers = Buffers((n, rows, width))
        self._finals = np.zeros((n, rows, width), np.float32)
        self._actions: npt.NDArray[np.float32] = np.zeros(n * symbols, np.float32)
        self.render_mode = None
        super().__init__(n, observation_space(rows, width), self._converter.space)

    @property
    def encoder(self) -> SignalEncoder:
        """The encoder, to be kept with a policy that is trained here."""
        return self.data.encoder

    def reset(self) -> npt.NDArray[np.float32]:
        """Begin an episode in every environment.

        Returns
        -------
        numpy.ndarray, shape (n_envs, lookback, n_features + 4), float32
            First observations.
        """
        for k, seed in enumerate(self._seeds):
            if seed is not None:
                self.native.reseed(k, seed, 0)
            self.native.reset(k, **self._place(self._options[k]))
        self.reset_infos = [self.native.episode(k) for k in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        observations = self._buffers.take()
        self.native.observe_into(observations)
        return observations

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Take the actions of the next step.

        Parameters
        ----------
        actions : array-like, shape (n_envs, n_symbols) or, of choices, (n_envs,)
            Target positions. One that is NaN or out of range keeps the position and is counted.

        Raises
        ------
        ShapeError
            If there are not as many as environments.
        """
        self._actions = self._converter.positions(actions, self.num_envs)

    def step_wait(
        self,
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.bool_], list[dict[str, Any]]]:
        """Make the step.

        Returns
        -------
        observations : numpy.ndarray, shape (n_envs, lookback, n_features + 4), float32
            Observations.
        rewards : numpy.ndarray, shape (n_envs,), float32
            Rewards.
        dones : numpy.ndarray, shape (n_envs,), bool
            Where an episode ended.
        infos : list of dict
            Empty but where an episode ended.

        Raises
        ------
        ParameterError
            Before the first reset.
        """
        n = self.num_envs
        observations = self._buffers.take()
        rewards = np.empty(n, np.float32)
        terminated, truncated = np.empty(n, np.bool_), np.empty(n, np.bool_)
        infos: list[dict[str, Any]] = [{} for _ in range(n)]
        if not self.native.step(self._actions, observations, rewards, terminated, truncated, self._finals):
            return observations, rewards, terminated, infos
        dones = terminated | truncated
        for k in np.flatnonzero(dones).tolist():
            episode = self.native.finished(k)
            infos[k] = {
                "terminal_observation": self._finals[k].copy(),
                "TimeLimit.truncated": bool(truncated[k]),
                "episode": {"r": episode["reward"], "l": episode["steps"], **episode},
            }
        return observations, rewards, dones, infos

    def close(self) -> None:
        """Do nothing: there is no process and no file."""

    def set_options(self, options: list[dict[str, Any]] | dict[str, Any] | None = None) -> None:
        """Say where the next reset begins.

        Parameters
        ----------
        options : dict or list of dict, optional
            ``symbol`` and ``start`` (number of a bar), for all environments or one each.
        """
        super().set_options(options)

    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        """Return an attribute of environments: one of this object's, or a key of the present episode.

        Parameters
        ----------
        attr_name : str
            Such as ``render_mode``, ``config``, ``equity`` or ``drawdown``.
        indices : int or iterable of int, optional
            Environments; all by default.

        Returns
        -------
        list
            One value an environment.

        Raises
        ------
        AttributeError
            If there is none of that name.
        """
        chosen = self._get_indices(indices)
        if attr_name in self.__dict__ or hasattr(type(self), attr_name):
            return [getattr(self, attr_name) for _ in chosen]
        if chosen_list := list(chosen):
            if attr_name not in self.native.episode(chosen_list[0]):
                raise AttributeError(f"environments have no attribute {attr_name!r}")
            return [self.native.episode(k)[attr_name] for k in chosen_list]
        return []

    def set_attr(self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None) -> None:
        """Set an attribute of the whole: single environments have none that could be set.

        Parameters
        ----------
        attr_name : str
            Name.
        value : object
            Value.
        indices : int or iterable of int, optional
            All environments, or nothing.

        Raises
        ------
        ParameterError
            If only some environments are meant.
        """
        if len(list(self._get_indices(indices))) != self.num_envs:
            raise ParameterError(f"indices = {indices}: expected all environments, as they share their attributes")
        setattr(self, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: int | Iterable[int] | None = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of environments.

        Parameters
        ----------
        method_name : {"episode", "finished", "account", "positions", "bar", "get_wrapper_attr"}
            The present episode, the last finished one, the ledger, the positions or the number of the bar.
        *method_args, **method_kwargs
            Its arguments.
        indices : int or iterable of int, optional
            Environments; all by default.

        Returns
        -------
        list
            One result an environment.

        Raises
        ------
        AttributeError
            If there is none of that name.
        """
        if method_name == "get_wrapper_attr":
            return self.get_attr(str(method_args[0]), indices)
        if method_name not in _METHODS:
            raise AttributeError(f"environments have no method {method_name!r}: expected one of {', '.join(_METHODS)}")
        method = getattr(self.native, method_name)
        return [method(k, *method_args, **method_kwargs) for k in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: int | Iterable[int] | None = None) -> list[bool]:
        """Tell that no environment is wrapped.

        Parameters
        ----------
        wrapper_class : type
            A wrapper of gymnasium.
        indices : int or iterable of int, optional
            Environments; all by default.

        Returns
        -------
        list of bool
            False each.
        """
        # Finished episodes are told in `info`, as a Monitor would: with one around, they would be counted twice.
        from stable_baselines3.common.monitor import Monitor

        return [wrapper_class is Monitor for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[npt.NDArray[np.uint8] | None]:
        """Return no pictures: render a `TradingEnvironment`.

        Returns
        -------
        list of None
            One an environment.
        """
        return [None] * self.num_envs

    def _place(self, options: dict[str, Any]) -> dict[str, int | None]:
        unknown = set(options) - {"symbol", "start"}
        if unknown:
            raise ParameterError(f"options: {min(unknown)} is unknown: expected symbol or start")
        symbol = options.get("symbol")
        return {"market": None if symbol is None else self.data.market_of(symbol), "start": options.get("start")}


_METHODS = ("account", "bar", "episode", "finished", "positions")
