"""One trading environment, for gymnasium (SPEC §8)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from mirrorfast.errors import ParameterError
from mirrorfast.rl.environment_data import EnvironmentData, require_extra

try:
    import gymnasium
    import numpy as np
    import numpy.typing as npt

    from mirrorfast.rl._spaces import Actions, observation_space
except ImportError as error:
    raise require_extra(error) from error

if TYPE_CHECKING:
    from mirrorfast.config import RLConfig
    from mirrorfast.signals.encoder import SignalEncoder

__all__ = ["TradingEnvironment"]


class TradingEnvironment(gymnasium.Env[npt.NDArray[np.float32], Any]):
    """Trade bars one step at a time, on the engine's own portfolio and fills.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, k), or EnvironmentData
        Closed bars of one or more symbols; an episode takes one of them, or all with `together`.
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
    render_mode : {"human", "rgb_array"}, optional
        ``human`` writes a line a step; ``rgb_array`` returns a picture of price, position and equity.

    Attributes
    ----------
    observation_space : gymnasium.spaces.Box, shape (lookback, n_features + 4)
        Rows of encoded features, oldest first, each with four numbers of the account after that bar: position, equity
        change since reset, unrealised profit, drawdown. With `together` the blocks of all symbols stand side by side.
    action_space : gymnasium.spaces.Box, shape (n_symbols,), or Discrete
        Target position as a fraction of ``max_position`` times equity; a choice of ``positions`` where they are
        configured.

    Raises
    ------
    ShapeError, DataError, ParameterError, ModelError
        As `EnvironmentData`.

    See Also
    --------
    mirrorfast.TradingVecEnv : Many of them at once, for stable-baselines3.
    mirrorfast.make_vec : Many of them at once, for gymnasium.

    Notes
    -----
    The action chosen on the close of bar *t* fills at the open of bar *t* + 1, moved by the slippage and inside that
    bar's range, and pays the transaction cost on the traded notional; equity is marked at that bar's close. An action
    that is NaN or out of range keeps the position and is counted in ``info["refused"]``.

    The reward is ``reward_scaling · (ln(equity after / equity before) − drawdown_penalty · growth of the drawdown −
    turnover_penalty · traded notional / equity)``. An episode is terminated at the drawdown limit, and truncated at its
    length or the data's end.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> env = mf.TradingEnvironment(mf.sample_bars())
    >>> observation, info = env.reset(seed=1, options={"symbol": "BTC/USD"})
    >>> observation.shape, info["symbols"]
    ((20, 21), ['BTC/USD'])
    >>> observation, reward, terminated, truncated, info = env.step([0.5])
    >>> terminated, truncated, round(info["fees"], 1)
    (False, False, 15.0)
    """

    # gymnasium declares it for instances, and its checker reads the class.
    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["human", "rgb_array"], "render_fps": 10}  # type: ignore[misc]

    def __init__(
        self,
        bars: Any,
        config: RLConfig | None = None,
        *,
        encoder: SignalEncoder | None = None,
        features: Any = None,
        timeframe: str = "auto",
        together: bool = False,
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ParameterError(f"render_mode = {render_mode!r}: expected human, rgb_array or None")
        self.data = (
            bars
            if isinstance(bars, EnvironmentData)
            else EnvironmentData(
                bars, config, encoder=encoder, features=features, timeframe=timeframe, together=together
            )
        )
        self.config = config or self.data.config
        self.render_mode = render_mode
        self._core = self.data.batch(1, config=self.config)
        _, rows, width, symbols = self._core.shape
        self._actions = Actions(symbols, self.config.positions)
        self._plain = self._actions.levels is None
        self.observation_space = observation_space(rows, width)  # type: ignore[assignment]
        self.action_space = self._actions.space
        self._trace: list[tuple[float, float, float]] = []
        # What a step costs is the core's; each line here adds to it.
        self._play = self._core.play

    @property
    def encoder(self) -> SignalEncoder:
        """The encoder, to be kept with a policy that is trained here."""
        return self.data.encoder

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Begin an episode.

        Parameters
        ----------
        seed : int, optional
            Seed of all draws from here on.
        options : dict, optional
            ``symbol``: what is traded; ``start``: bar of the first observation, as its number or its open time. What
            is absent is drawn, or the first bar where the configuration has no random start.

        Returns
        -------
        observation : numpy.ndarray, shape (lookback, n_features + 4), float32
            First observation.
        info : dict
            ``symbols``, ``start``, ``equity``, ``transaction_cost`` and other facts of the episode.

        Raises
        ------
        ParameterError
            If an option is unknown, the symbol is, or no episode can start at that bar.
        """
        super().reset(seed=seed)
        if seed is not None:
            self._core.reseed(0, seed, 0)
        market, start = self._place(options or {})
        self._core.reset(0, market=market, start=start)
        self._trace = []
        info = self._core.episode(0)
        if self.render_mode:
            self._remember(info)
        return self._core.observe(0), info

    def step(self, action: Any) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Take an action on the present bar's close.

        Parameters
        ----------
        action : array-like, shape (n_symbols,), or int
            Target position, or a choice.

        Returns
        -------
        observation : numpy.ndarray, shape (lookback, n_features + 4), float32
            A new array.
        reward : float
            Reward.
        terminated, truncated : bool
            Whether the drawdown limit, or length or data ended the episode.
        info : dict
            ``equity``, ``drawdown``, ``fees`` and ``refused`` (actions that were none) of the episode so far.

        Raises
        ------
        ParameterError
            If the episode is over.
        ShapeError
            If the action has another shape.
        """
        result = self._play(action if self._plain else self._actions.positions(action, 1))
        if self.render_mode:
            self._remember(result[4])
            if self.render_mode == "human":
                self.render()
        return result

    def account(self) -> dict[str, Any]:
        """Return the ledger of the present episode.

        Returns
        -------
        dict
            ``cash``, ``equity``, ``realised``, ``unrealised``, ``fees`` and the ``quantities`` held.
        """
        return self._core.account(0)

    def positions(self) -> list[float]:
        """Return the present positions.

        Returns
        -------
        list of float
            Signed fraction of equity of each symbol.
        """
        return self._core.positions(0)

    def render(self) -> npt.NDArray[np.uint8] | None:
        """Show the episode so far.

        Returns
        -------
        numpy.ndarray, shape (240, 480, 3), uint8, or None
            With ``rgb_array`` a picture of the last steps: price, position, equity.
        """
        if self.render_mode == "rgb_array":
            from mirrorfast.rl._picture import picture

            return picture(self._trace[-240:])
        if self.render_mode == "human":
            episode = self._core.episode(0)
            price, position, equity = self._trace[-1]
            sys.stdout.write(
                f"{' '.join(episode['symbols'])} step {episode['steps']}: price {price:.6g}, position {position:+.2f}, "
                f"equity {equity:,.2f}, drawdown {episode['drawdown']:.1%}, fees {episode['fees']:,.2f}\n"
            )
        return None

    def _remember(self, info: dict[str, Any]) -> None:
        episode = self._core.episode(0)
        price = self.data.bars_of(episode["market"])["close"][self._core.bar(0)]
        self._trace.append((float(price), sum(self._core.positions(0)), float(info["equity"])))

    def _place(self, options: dict[str, Any]) -> tuple[int | None, int | None]:
        unknown = set(options) - {"symbol", "start"}
        if unknown:
            raise ParameterError(f"options: {min(unknown)} is unknown: expected symbol or start")
        symbol, start = options.get("symbol"), options.get("start")
        market = None if symbol is None else self.data.market_of(symbol)
        if isinstance(start, datetime):
            if market is None and len(self.data.symbols) > 1:
                raise ParameterError(f"start = {start}: expected together with a symbol, as there are several")
            times = self.data.bars_of(market or 0)["timestamp"]
            wanted = start if start.tzinfo else start.replace(tzinfo=UTC)
            found = (times == wanted).arg_true()
            if not len(found):
                raise ParameterError(f"start = {start}: expected the open time of a bar")
            start = int(found[0])
        return market, start
