"""RiskManager: the risk engine for callers who keep their own account."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mirrorfast import _core
from mirrorfast.config import InstrumentConfig, RiskConfig
from mirrorfast.data import validate_bars
from mirrorfast.errors import DataError, LedgerError, ParameterError
from mirrorfast.risk.decision import Account, Halt, RiskDecision, RiskEvent, RiskStep

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RiskManager"]

_BAR = ("timestamp", "open", "high", "low", "close")


class RiskManager:
    """Turns wanted positions into orders that keep to the limits, and says why.

    It is the engine of backtest, paper and live runs, for an account that someone else keeps: show it closed bars
    (:meth:`observe`), the equity after each (:meth:`update_equity`), fills (:meth:`protect`) and closed trades
    (:meth:`record_trade`, for Kelly sizing), and ask it about targets (:meth:`evaluate`).

    Parameters
    ----------
    config : RiskConfig, optional
        Every number of the rules; SPEC §9's by default.
    instruments : mapping of str to InstrumentConfig, optional
        Precision and limits by symbol; the default suits any price.

    Raises
    ------
    ConfigurationError
        For a field out of its range.

    Notes
    -----
    A target in [-1, 1] is a direction and a conviction. The rules apply in this order, and each only ever makes a
    position smaller: sizing, stop distance, per-position cap, cap that correlated positions share, portfolio heat,
    leverage, minimum cash, drawdown ladder, daily loss limit, rebalance band, the venue's precision. None but the last
    stands in the way of an exit. Caps on the whole portfolio stop positions from growing; only the per-position cap,
    sizing and the drawdown ladder trim what is held.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> manager = RiskManager(mf.RiskConfig(max_position=0.2))
    >>> manager.observe(mf.sample_bars(["BTC/USD"]).head(100))
    >>> decision = manager.evaluate({"BTC/USD": 0.8}, Account(cash=10_000))["BTC/USD"]
    >>> decision.verdict, decision.purpose
    ('reduced', 'entry')
    >>> decision.reasons[2]
    'per-position cap: 56.76 % of equity cut to 20.00 % (cap 20.00 %)'
    """

    def __init__(
        self, config: RiskConfig | None = None, *, instruments: Mapping[str, InstrumentConfig] | None = None
    ) -> None:
        self.config = RiskConfig() if config is None else config
        self._instruments = dict(instruments or {})
        self._book = _core.RiskBook(self.config.model_dump_json())
        self._ids: dict[str, int] = {}
        self._closes: dict[str, float] = {}
        self._time: datetime | None = None
        self._step = timedelta(0)

    def observe(self, bars: Any) -> None:
        """Take closed bars: they set ATR, volatility, correlations and last prices.

        Parameters
        ----------
        bars : frame
            SPEC §1's columns, of any number of symbols, newer than those already seen; older ones are ignored.

        Raises
        ------
        DataError
            For bars that break a rule of SPEC §1, naming symbol, row and value.

        Notes
        -----
        ATR over 14 bars (Wilder); volatility, the population deviation of the last 20 log returns; correlation, of the
        last 60 log returns that two symbols share.

        References
        ----------
        .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

        Examples
        --------
        >>> import mirrorfast as mf
        >>> manager = RiskManager()
        >>> manager.observe(mf.sample_bars(["BTC/USD"]).head(30))
        >>> manager.measures("BTC/USD")["atr"] > 0
        True
        """
        frame = validate_bars(bars)
        for (symbol,), rows in frame.group_by(["symbol"], maintain_order=True):
            name = str(symbol)
            self._book.observe(self._id(name), [rows[column] for column in _BAR])
            self._closes[name] = float(rows["close"][-1])
            step = rows["timestamp"].diff().min()
            if isinstance(step, timedelta):
                self._step = min(self._step, step) if self._step else step
        newest = frame["timestamp"].max()
        if isinstance(newest, datetime) and (self._time is None or newest > self._time):
            self._time = newest

    def update_equity(self, equity: float, *, timestamp: datetime | int | None = None) -> RiskEvent | None:
        """Take the equity after a bar, before deciding on it: moves the drawdown ladder and the daily loss.

        Parameters
        ----------
        equity : float
            Account currency.
        timestamp : datetime or int, optional
            Time, or milliseconds since the epoch; the close time of the newest bar by default.

        Returns
        -------
        RiskEvent or None
            What changed; nothing for an equity that is not a number.

        Raises
        ------
        ParameterError
            When there is no time: no bar was observed and none is given.

        Examples
        --------
        >>> manager = RiskManager()
        >>> manager.update_equity(10_000, timestamp=0)
        >>> manager.update_equity(8_900, timestamp=86_400_000 * 3).kind
        'daily_loss'
        """
        event = self._book.on_equity(self._ms(timestamp), equity)
        return None if event is None else RiskEvent.of(event)

    def evaluate(
        self,
        targets: Mapping[str, float],
        portfolio: Account | Mapping[str, Any],
        *,
        prices: Mapping[str, float] | None = None,
        timestamp: datetime | int | None = None,
    ) -> dict[str, RiskDecision]:
        """Decide on wanted positions.

        Parameters
        ----------
        targets : mapping of str to float
            Direction and conviction by symbol, in [-1, 1]; NaN leaves what is held.
        portfolio : Account or mapping
            The account, or the fields of an :class:`Account`.
        prices : mapping of str to float, optional
            Prices by symbol; the last observed closes by default.
        timestamp : datetime or int, optional
            Time of the decision, or milliseconds since the epoch; the close time of the newest bar by default.

        Returns
        -------
        dict of str to RiskDecision
            By symbol, in the order of `targets`. Symbols without 14 bars are held, or refused: their ATR is unknown.

        Raises
        ------
        DataError
            For a symbol without a price.
        ParameterError
            For an account that cannot be.

        Notes
        -----
        Targets are decided by descending conviction, each counting against the limits that the next one meets, as if it
        had filled. Nothing is remembered of a decision once time has moved on: pass what
        is on order as ``Account.pending``.

        References
        ----------
        .. [1] V. Tharp, *Trade Your Way to Financial Freedom*, 1998 (fixed-fraction sizing, portfolio heat).

        Examples
        --------
        >>> manager = RiskManager()
        >>> decision = manager.evaluate({"BTC/USD": 0.05}, {"cash": 10_000}, prices={"BTC/USD": 100}, timestamp=0)
        >>> decision["BTC/USD"].reasons
        ['minimum target: 0.050 is not beyond ±0.100, so the target is flat']
        """
        account = portfolio if isinstance(portfolio, Account) else Account(**portfolio)
        known = self._closes | dict(prices or {})
        held = {symbol: quantity for symbol, quantity in account.positions.items() if quantity != 0.0}
        for symbol in (*targets, *held, *account.pending):
            if not known.get(symbol, 0.0) > 0.0:
                raise DataError(
                    f"{symbol}: price = {known.get(symbol)}: expected a number > 0; observe bars or pass prices="
                )
        values = {symbol: quantity * known[symbol] for symbol, quantity in held.items()}
        equity = account.equity if account.equity is not None else (account.cash or 0.0) + sum(values.values())
        order = sorted(targets, key=lambda symbol: _conviction(targets[symbol]), reverse=True)
        decided = self._book.evaluate(
            self._ms(timestamp),
            [(self._id(symbol), float(targets[symbol]), float(known[symbol])) for symbol in order],
            float(equity),
            [(self._id(symbol), float(quantity), float(known[symbol])) for symbol, quantity in held.items()],
            [(self._id(symbol), float(quantity)) for symbol, quantity in account.pending.items()],
            float(account.leverage),
        )
        decisions = {symbol: _decision(symbol, record) for symbol, record in zip(order, decided, strict=True)}
        return {symbol: decisions[symbol] for symbol in targets}

    def protect(self, symbol: str, quantity: float, average_price: float) -> float | None:
        """Say where the protective stop of a position stands after a fill.

        Parameters
        ----------
        symbol : str
            Symbol.
        quantity : float
            Signed quantity held now; 0 forgets the stop.
        average_price : float
            Average entry price.

        Returns
        -------
        float or None
            Price of the stop: a new or turned position gets it from its entry price and the distance that it was sized
            with, a resized one keeps it. None for none.

        Examples
        --------
        >>> import mirrorfast as mf
        >>> manager = RiskManager(mf.RiskConfig(stop={"kind": "percent", "percent": 0.05}))
        >>> manager.protect("BTC/USD", 1.0, 100.0)
        95.0
        """
        return _known(self._book.protect(self._id(symbol), quantity, average_price))

    def advance_stop(
        self, symbol: str, quantity: float, average_price: float, *, best_price: float, last_price: float
    ) -> float | None:
        """Move the protective stop after a bar, as break-even and trailing ask; it never loosens.

        Parameters
        ----------
        symbol : str
            Symbol.
        quantity : float
            Signed quantity held.
        average_price, best_price, last_price : float
            Average entry price, most favourable price since entry, close of the bar.

        Returns
        -------
        float or None
            Where the stop stands now; None for none.

        Examples
        --------
        >>> import mirrorfast as mf
        >>> manager = RiskManager(mf.RiskConfig(stop={"kind": "percent", "percent": 0.05, "trailing": True}))
        >>> manager.protect("BTC/USD", 1.0, 100.0)
        95.0
        >>> manager.advance_stop("BTC/USD", 1.0, 100.0, best_price=120.0, last_price=118.0)
        114.0
        """
        key = self._id(symbol)
        self._book.advance_stop(key, quantity, average_price, best_price, last_price)
        return _known(self._book.measures(key)[2])

    def record_trade(self, return_fraction: float) -> None:
        """Take a closed trade, for Kelly sizing.

        Parameters
        ----------
        return_fraction : float
            Net profit over the notional of the entries.

        Examples
        --------
        >>> RiskManager().record_trade(0.012)
        """
        self._book.on_trade(return_fraction)

    def measures(self, symbol: str) -> dict[str, float]:
        """Return what the rules know of a symbol.

        Parameters
        ----------
        symbol : str
            Symbol.

        Returns
        -------
        dict
            ``atr`` (price units), ``volatility`` (a bar) and ``stop`` (price); NaN where unknown.

        Examples
        --------
        >>> RiskManager().measures("BTC/USD")
        {'atr': nan, 'volatility': nan, 'stop': nan}
        """
        atr, volatility, stop = self._book.measures(self._id(symbol))
        return {"atr": atr, "volatility": volatility, "stop": stop}

    def correlation(self, symbol: str, other: str) -> float:
        """Return the correlation of two symbols' log returns.

        Parameters
        ----------
        symbol, other : str
            Symbols.

        Returns
        -------
        float
            Over the last 60 bars that both have; NaN below 20 of them.

        Examples
        --------
        >>> RiskManager().correlation("BTC/USD", "ETH/USD")
        nan
        """
        return self._book.correlation(self._id(symbol), self._id(other))

    @property
    def halted(self) -> Halt | None:
        """The halt in force.

        Returns
        -------
        Halt or None
            It survives :meth:`snapshot` and :meth:`restore`, and ends by :meth:`lift_halt` alone.
        """
        record = self._book.halted
        return None if record is None else Halt.of(record)

    def halt(self, equity: float, *, timestamp: datetime | int | None = None) -> None:
        """Halt trading by hand: every target is flat until :meth:`lift_halt`.

        Parameters
        ----------
        equity : float
            Equity now, for the record.
        timestamp : datetime or int, optional
            Time, or milliseconds since the epoch; the close time of the newest bar by default.

        Examples
        --------
        >>> manager = RiskManager()
        >>> manager.halt(10_000, timestamp=0)
        >>> manager.halted.reason
        'operator'
        """
        self._book.halt(self._ms(timestamp), equity)

    def lift_halt(self) -> Halt | None:
        """Lift the halt, as a person's decision.

        Returns
        -------
        Halt or None
            The halt that was lifted. After a halt by drawdown the ladder starts anew from the next equity.

        Examples
        --------
        >>> manager = RiskManager()
        >>> manager.halt(10_000, timestamp=0)
        >>> manager.lift_halt().equity, manager.halted
        (10000.0, None)
        """
        record = self._book.lift_halt()
        return None if record is None else Halt.of(record)

    @property
    def state(self) -> dict[str, str | float]:
        """Rung of the drawdown ladder and what was lost.

        Returns
        -------
        dict
            ``level`` (``normal``, ``half``, ``no_new_risk``, ``halt``), ``drawdown`` and ``daily_loss`` as fractions.
        """
        level, drawdown, daily_loss = self._book.state
        return {"level": level, "drawdown": drawdown, "daily_loss": daily_loss}

    def snapshot(self) -> bytes:
        """Return the whole state as bytes.

        Returns
        -------
        bytes
            For :meth:`restore` of a manager with the same configuration.

        Examples
        --------
        >>> manager = RiskManager()
        >>> manager.halt(10_000, timestamp=0)
        >>> other = RiskManager()
        >>> other.restore(manager.snapshot())
        >>> other.halted.reason
        'operator'
        """
        time = None if self._time is None else int(self._time.timestamp() * 1000)
        step = int(self._step.total_seconds() * 1000)
        header = json.dumps({"closes": self._closes, "time": time, "step": step}).encode()
        return len(header).to_bytes(4, "little") + header + self._book.snapshot()

    def restore(self, state: bytes) -> None:
        """Take up a state.

        Parameters
        ----------
        state : bytes
            What :meth:`snapshot` returned.

        Raises
        ------
        LedgerError
            When the bytes are damaged or of another configuration; the state is unchanged then.

        Examples
        --------
        >>> RiskManager().restore(RiskManager().snapshot())
        """
        end = 4 + int.from_bytes(state[:4], "little")
        try:
            header = json.loads(state[4:end])
            closes, time, step = dict(header["closes"]), header["time"], timedelta(milliseconds=header["step"])
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerError("snapshot: the bytes are not of a RiskManager") from error
        self._book.restore(state[end:])
        self._closes, self._step = closes, step
        self._time = None if time is None else datetime.fromtimestamp(time / 1000, tz=UTC)
        self._ids = {symbol: k for k, symbol in enumerate(self._book.symbols)}

    def _id(self, symbol: str) -> int:
        if symbol not in self._ids:
            precision = self._instruments.get(symbol) or InstrumentConfig()
            self._ids[symbol] = self._book.add(json.dumps(precision.to_engine(symbol)))
        return self._ids[symbol]

    def _ms(self, timestamp: datetime | int | None) -> int:
        when = timestamp
        if when is None:
            if self._time is None:
                raise ParameterError("timestamp = None: expected a time, as no bar was observed")
            # Decisions are made when a bar closes, one step after it opened.
            when = self._time + self._step
        if isinstance(when, datetime):
            if when.tzinfo is None:
                raise ParameterError(f"timestamp = {when}: expected a time with a time zone")
            return int(when.timestamp() * 1000)
        return int(when)


def _conviction(target: float) -> float:
    # NaN asks for nothing, and would leave the order to chance.
    return 0.0 if math.isnan(target) else abs(target)


def _known(price: float) -> float | None:
    return None if math.isnan(price) else price


def _decision(symbol: str, record: Mapping[str, Any]) -> RiskDecision:
    missing = math.nan
    steps = tuple(
        RiskStep(
            rule=step["rule"],
            before=missing if step["before"] is None else step["before"],
            after=step["after"],
            limit=missing if step["limit"] is None else step["limit"],
            reason=step["reason"],
        )
        for step in record["steps"]
    )
    return RiskDecision(
        symbol=symbol,
        verdict=record["verdict"],
        order_quantity=record["order_quantity"],
        target_quantity=record["target_quantity"],
        purpose=record["purpose"],
        stop_price=record["stop_price"],
        steps=steps,
    )
