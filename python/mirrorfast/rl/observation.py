"""What a policy sees at a close outside of training: the same window, from the run's own bars and account."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from mirrorfast import _core
from mirrorfast.data.schema import BAR_COLUMNS, BAR_SCHEMA
from mirrorfast.errors import ModelError
from mirrorfast.features import FeatureStream
from mirrorfast.rl.card import ObservationCard
from mirrorfast.signals.encoder import SignalEncoder
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from mirrorfast._core import DecisionEngine
    from mirrorfast.rl.policy import Policy

__all__ = ["ACCOUNT", "PolicyStream", "Window", "encoder_of", "observation_of"]

ACCOUNT: Final = ("position", "equity_change", "unrealised_pnl", "drawdown")
"""The account's columns of an observation, behind those of the market."""

_log = get_logger(__name__)


def observation_of(encoder: SignalEncoder, lookback: int) -> ObservationCard:
    """Describe the observation that this release makes with an encoder.

    Parameters
    ----------
    encoder : SignalEncoder
        Its features are the market's columns.
    lookback : int
        Rows.

    Returns
    -------
    ObservationCard
        Version, columns and their hash.

    Examples
    --------
    >>> observation_of(SignalEncoder(), 20).shape
    (20, 21)
    """
    return ObservationCard.of(_core.ENCODER_VERSION, lookback, (*encoder.features, *ACCOUNT))


def encoder_of(policy: Policy) -> SignalEncoder:
    """Make the encoder that a policy was trained with.

    Parameters
    ----------
    policy : Policy
        With its card.

    Returns
    -------
    SignalEncoder
        Fitted on the training span of the policy.

    Raises
    ------
    ModelError
        If the card has none, or one that this release does not read; the message names the difference.
    """
    document = policy.card.encoder
    if document is None:
        raise ModelError(f"model {policy.card.name}: the card has no encoder: expected one that was trained on bars")
    return SignalEncoder.from_json(json.dumps(document))


class Window:
    """The last rows of one symbol, oldest first; rows that have not come yet are 0, the middle.

    Parameters
    ----------
    lookback, width : int
        Rows, and numbers of a row.

    Examples
    --------
    >>> window = Window(2, 3)
    >>> window.push(np.ones(3, np.float32))
    >>> window.rows().tolist()
    [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    """

    __slots__ = ("_lookback", "_next", "_rows", "seen")

    def __init__(self, lookback: int, width: int) -> None:
        self._lookback = lookback
        # Every row twice, `lookback` rows apart: any `lookback` rows in a row are then in one piece.
        self._rows = np.zeros((2 * lookback, width), np.float32)
        self._next = 0
        self.seen = 0

    def push(self, row: npt.NDArray[np.float32]) -> None:
        """Take the row of a closed bar.

        Parameters
        ----------
        row : numpy.ndarray, shape (width,)
            Market and account.
        """
        self._rows[self._next] = row
        self._rows[self._next + self._lookback] = row
        self._next = (self._next + 1) % self._lookback
        self.seen += 1

    def rows(self) -> npt.NDArray[np.float32]:
        """Show the window.

        Returns
        -------
        numpy.ndarray, shape (lookback, width)
            A view: it changes with the next row.
        """
        return self._rows[self._next : self._next + self._lookback]


class PolicyStream:
    """A policy at work in one run: encodes what closes, shows it with the account, and checks the answers.

    Parameters
    ----------
    policy : Policy
        Over one symbol at a time.
    symbols : sequence of str
        Names by symbol id.
    timeframe : str
        Timeframe of the features.
    market_of : callable
        Kind of market of a symbol.
    largest : float
        Largest position that the run may hold in one symbol: what the policy sees of its position is a share of it,
        as it was in training.

    Raises
    ------
    ModelError
        If the policy is one over several symbols, was trained on another timeframe, or has an encoder that this release
        does not read.

    Notes
    -----
    Until a symbol has a full window whose last row is whole, the policy is not asked. An answer that is NaN or out of
    range is never traded on: the last sound one stands, it is counted, and `incidents` says so at the first, tenth,
    hundredth …

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import mirrorfast as mf
    >>> config = mf.RLConfig(lookback=4, n_envs=8, n_steps=16, n_epochs=1, total_timesteps=128)
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> with TemporaryDirectory() as folder:
    ...     agent = mf.RLTradingAgent("PPO", config).train(bars.head(600))
    ...     policy = agent.export(Path(folder) / "policy.onnx")
    >>> stream = policy.session(["BTC/USD"], timeframe="1h", market_of=lambda _: "crypto", largest=0.1)
    >>> stream.state()
    {'account': [[]], 'wishes': {}, 'refused': 0}
    """

    def __init__(
        self,
        policy: Policy,
        symbols: Sequence[str],
        *,
        timeframe: str,
        market_of: Callable[[str], str],
        largest: float,
    ) -> None:
        card = policy.card
        if card.action.size != 1:
            raise ModelError(f"model {card.name}: answers for {card.action.size} symbols at once: expected one")
        if card.timeframe is not None and card.timeframe != timeframe:
            raise ModelError(f"model {card.name}: trained on bars of {card.timeframe}, not {timeframe}: train another")
        self._policy = policy
        self._encoder = encoder_of(policy)
        self._sources = list(dict.fromkeys(self._encoder.sources))
        self._symbols = list(symbols)
        self._market_of = market_of
        self._timeframe = timeframe
        self._largest = largest
        rows, width = card.observation.shape
        self._split = width - len(ACCOUNT)
        self._windows = [Window(rows, width) for _ in self._symbols]
        self._lookback = rows
        self._account: list[list[tuple[float, ...]]] = [[] for _ in self._symbols]
        self._features: dict[str, FeatureStream] = {}
        self._wishes: dict[int, tuple[float, float]] = {}
        self._bad = 0
        self._new: list[dict[str, Any]] = []

    @property
    def refused(self) -> int:
        """How many answers could not be used."""
        return self._bad

    def warm(self, bars: pl.DataFrame) -> None:
        """Take in bars that closed before the run, or before it went on.

        Parameters
        ----------
        bars : polars.DataFrame
            Validated bars; the policy is not asked about them. `restore` puts the account beside them.
        """
        for (name,), part in bars.partition_by("symbol", as_dict=True, maintain_order=True).items():
            encoded, _ = self._encode(self._market_of(str(name)), part.select(BAR_COLUMNS))
            window = self._windows[self._symbols.index(str(name))]
            row = np.zeros(self._split + len(ACCOUNT), np.float32)
            for market in encoded[-self._lookback :]:
                row[: self._split] = market
                window.push(row)
            window.seen = part.height

    def on_bars(
        self, ts: int, rows: Sequence[tuple[int, float, float, float, float, float]], engine: DecisionEngine
    ) -> list[tuple[float, float] | None]:
        """Take in what closed at one time, and ask.

        Parameters
        ----------
        ts : int
            Open time of the bars, ms.
        rows : sequence of tuple
            Symbol id, open, high, low, close, volume.
        engine : DecisionEngine
            Whose account is shown, as it stands at these closes.

        Returns
        -------
        list of tuple of float or None
            Position and confidence for each row; None while there is nothing to say.
        """
        accounts = [tuple(entries) for entries in engine.outlook(ts, list(rows), self._largest)]
        answers: list[tuple[float, float] | None] = [None] * len(rows)
        for places, frame, market in self._frames(ts, rows):
            encoded, whole = self._encode(market, frame)
            for place, features, known in zip(places, encoded, whole, strict=True):
                symbol = rows[place][0]
                answers[place] = self._one(ts, symbol, features, accounts[place], known=known)
        return answers

    def _one(
        self, ts: int, symbol: int, features: npt.NDArray[np.float32], account: tuple[float, ...], *, known: bool
    ) -> tuple[float, float] | None:
        window = self._windows[symbol]
        window.push(np.concatenate([features, np.array(account, np.float32)]))
        held = self._account[symbol]
        held.append(account)
        del held[: -self._lookback]
        if window.seen < self._lookback or not known:
            return None
        position, confidence = self._policy.decide(window.rows())
        if -1.0 <= position <= 1.0:
            wish = (position, confidence if 0.0 <= confidence <= 1.0 else 0.0)
            self._wishes[symbol] = wish
            return wish
        self._refuse(ts, symbol, position)
        return self._wishes.get(symbol)

    def _refuse(self, ts: int, symbol: int, position: float) -> None:
        self._bad += 1
        if math.log10(self._bad) % 1.0 == 0.0:
            kept = self._wishes.get(symbol)
            text = (
                f"policy {self._policy.card.name}: position {position} for {self._symbols[symbol]}: expected a number "
                f"from -1 to 1; {'nothing' if kept is None else format(kept[0], '+.4f')} stands"
            )
            bad = {
                "text": text,
                "symbol": self._symbols[symbol],
                "ts": ts,
                "position": str(position),
                "count": self._bad,
            }
            self._new.append(bad)
            _log.error("policy_refused", **bad)

    def incidents(self) -> list[dict[str, Any]]:
        """Answers that could not be used, since the last call.

        Returns
        -------
        list of dict
            ``text``, ``symbol``, ``ts``, ``position`` and the ``count`` so far.
        """
        new, self._new = self._new, []
        return new

    def state(self) -> dict[str, Any]:
        """Say what a run that goes on must know beside the bars.

        Returns
        -------
        dict
            For `restore`; JSON can hold it.
        """
        return {
            "account": [[list(row) for row in rows] for rows in self._account],
            "wishes": {str(symbol): list(wish) for symbol, wish in self._wishes.items()},
            "refused": self._bad,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state, after `warm` with the bars behind it.

        Parameters
        ----------
        state : mapping
            What `state` returned; an empty one for a new run.
        """
        self._bad = int(state.get("refused", 0))
        self._wishes = {int(s): (float(p), float(c)) for s, (p, c) in state.get("wishes", {}).items()}
        for symbol, rows in enumerate(state.get("account", [])):
            self._account[symbol] = [tuple(row) for row in rows]
            market = self._windows[symbol].rows()[:, : self._split].copy()
            seen = self._windows[symbol].seen
            window = Window(self._lookback, self._split + len(ACCOUNT))
            accounts = [(0.0,) * len(ACCOUNT)] * (self._lookback - len(rows)) + self._account[symbol]
            for features, account in zip(market, accounts, strict=True):
                window.push(np.concatenate([features, np.array(account, np.float32)]))
            window.seen = seen
            self._windows[symbol] = window

    def _frames(
        self, ts: int, rows: Sequence[tuple[int, float, float, float, float, float]]
    ) -> list[tuple[list[int], pl.DataFrame, str]]:
        """Bars that closed at one time, as one table for each kind of market."""
        kinds: dict[str, list[int]] = {}
        for place, (symbol, *_) in enumerate(rows):
            kinds.setdefault(self._market_of(self._symbols[symbol]), []).append(place)
        found = []
        for market, places in kinds.items():
            names = pl.Series("symbol", [self._symbols[rows[p][0]] for p in places], pl.String)
            times = pl.Series("timestamp", [ts] * len(places), pl.Int64).cast(BAR_SCHEMA["timestamp"])
            numbers = [
                pl.Series(name, [rows[p][k] for p in places], pl.Float64) for k, name in enumerate(BAR_COLUMNS[2:], 1)
            ]
            found.append((places, pl.DataFrame([names, times, *numbers]), market))
        return found

    def _encode(self, market: str, bars: pl.DataFrame) -> tuple[npt.NDArray[np.float32], list[bool]]:
        if market not in self._features:
            self._features[market] = FeatureStream(
                timeframe=self._timeframe, market=market, columns=self._sources, threads=1
            )
        made = self._features[market].update(bars)
        # One bar at a time: expressions and checks that pay for tables cost more here than what they do.
        columns = [made[name] for name in self._encoder.sources]
        whole = np.ones(made.height, np.bool_)
        for column in columns:
            if column.null_count():
                whole &= column.is_not_null().to_numpy()
        numbers = [c if c.dtype == pl.Float64 else c.cast(pl.Float64) for c in columns]
        encoded: npt.NDArray[np.float32] = self._encoder.native.encode(numbers)
        return encoded, whole.tolist()
