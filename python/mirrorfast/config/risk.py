"""Every number of the risk rules (SPEC §9)."""

from typing import Any, Literal, Self

from pydantic import model_validator

from mirrorfast.config.base import Settings, option

__all__ = ["DrawdownConfig", "RiskConfig", "SizingConfig", "StopConfig"]

_EQUITY = "fraction of equity"


class SizingConfig(Settings):
    """How a target becomes a fraction of equity.

    Examples
    --------
    >>> SizingConfig().method
    'fixed_fraction'
    """

    method: Literal["fixed_fraction", "volatility_target", "kelly", "target"] = option(
        "fixed_fraction",
        "fixed_fraction risks risk_per_trade at the stop; volatility_target aims at target_volatility; kelly takes its "
        "risk from the closed trades; target takes the consensus as the fraction of equity",
    )
    risk_per_trade: float = option(
        0.01, "lost when the stop of a full-conviction position is hit", unit=_EQUITY, gt=0, le=1
    )
    target_volatility: float = option(
        0.20, "volatility of a full-conviction position", unit=f"{_EQUITY} a year", gt=0, le=10
    )
    periods_per_year: float | None = option(
        None, "bars in a year, to annualise; absent: from the bars' own step and 365 days", unit="bars", gt=0, le=1e9
    )
    kelly_fraction: float = option(0.25, "part of the full Kelly risk that is taken", unit="fraction", gt=0, le=1)
    kelly_cap: float = option(0.02, "largest risk by Kelly", unit=_EQUITY, gt=0, le=1)
    kelly_floor: float = option(
        0.0025,
        "smallest risk by Kelly, so that a book without an edge can learn of one again",
        unit=_EQUITY,
        ge=0,
        le=1,
    )
    kelly_window: int = option(
        100,
        "closed trades that Kelly looks back on; below a fifth of them risk_per_trade serves",
        unit="trades",
        ge=5,
        le=100_000,
    )

    @model_validator(mode="after")
    def _floor_below_cap(self) -> Self:
        if self.kelly_floor > self.kelly_cap:
            msg = f"kelly_floor = {self.kelly_floor}: expected at most kelly_cap ({self.kelly_cap})"
            raise ValueError(msg)
        return self


class StopConfig(Settings):
    """Protective stop of a new position, and when a position is closed by time.

    Examples
    --------
    >>> StopConfig(kind="percent", percent=0.03).percent
    0.03
    """

    kind: Literal["atr", "percent", "none"] = option("atr", "distance in ATR(14), in percent of the price, or no stop")
    atr_multiple: float = option(2.0, "distance of an atr stop from the entry", unit="ATR", gt=0, le=100)
    percent: float = option(0.05, "distance of a percent stop from the entry", unit="fraction of price", gt=0, le=1)
    trailing: bool = option(False, "the stop follows the best price since entry and never loosens")
    break_even_at_r: float | None = option(
        None,
        "gain at which the stop moves to the entry price; absent: never",
        unit="initial stop distances",
        gt=0,
        le=1e6,
    )
    max_bars: int | None = option(
        None, "age at which a position is closed; absent: never", unit="bars", ge=1, le=4_294_967_295
    )


class DrawdownConfig(Settings):
    """The drawdown ladder, measured from the highest equity so far.

    Examples
    --------
    >>> DrawdownConfig().halt
    0.2
    """

    half: float = option(0.10, "from here positions are held at half size", unit=_EQUITY, gt=0, le=1)
    no_new_risk: float = option(0.15, "from here no position is opened or grown", unit=_EQUITY, gt=0, le=1)
    halt: float = option(
        0.20, "from here all is closed and trading halts until a person lifts it", unit=_EQUITY, gt=0, le=1
    )
    recovery: float = option(
        0.02, "how far above a rung the equity must be for the rung to be left", unit=_EQUITY, ge=0, le=1
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not self.half <= self.no_new_risk <= self.halt:
            msg = (
                f"half = {self.half}, no_new_risk = {self.no_new_risk}, halt = {self.halt}: "
                "expected half <= no_new_risk <= halt"
            )
            raise ValueError(msg)
        if self.recovery > self.half:
            msg = f"recovery = {self.recovery}: expected at most half ({self.half})"
            raise ValueError(msg)
        return self


class RiskConfig(Settings):
    """Limits between a target position and an order, in the order in which they apply.

    Examples
    --------
    >>> RiskConfig(max_position=0.2).max_position
    0.2
    >>> RiskConfig(max_positon=0.2)
    Traceback (most recent call last):
        ...
    mirrorfast.errors.ConfigurationError: RiskConfig: max_positon: unknown key; did you mean max_position?
    """

    min_target: float = option(0.1, "a target of at most this size is flat", unit="fraction, 1 = full", ge=0, le=1)
    sizing: SizingConfig = option(None, "position size", default_factory=SizingConfig)
    stop: StopConfig = option(None, "protective stop", default_factory=StopConfig)
    max_position: float = option(0.10, "largest position", unit=_EQUITY, gt=0, le=100)
    correlation_cap_rho: float = option(
        0.8,
        "symbols whose returns correlate by more, either way, share one max_position; 1: none do",
        unit="correlation",
        ge=0,
        le=1,
    )
    max_heat: float = option(0.06, "largest sum of the losses at all stops", unit=_EQUITY, gt=0, le=100)
    max_leverage: float = option(2.0, "largest gross exposure", unit="multiple of equity", gt=0, le=100)
    min_cash: float = option(0.20, "what stays in cash", unit=_EQUITY, ge=0, le=1)
    drawdown: DrawdownConfig = option(None, "drawdown ladder", default_factory=DrawdownConfig)
    daily_loss_limit: float = option(
        0.05, "loss since 00:00 UTC from which no new risk is taken that day", unit=_EQUITY, gt=0, le=1
    )
    rebalance_band: float = option(
        0.25, "a change of a held position that is smaller is not traded", unit="fraction of the position", ge=0, le=10
    )

    @model_validator(mode="after")
    def _compatible(self) -> Self:
        if self.max_position > self.max_leverage:
            msg = (
                f"max_position = {self.max_position}: expected at most max_leverage ({self.max_leverage}), "
                "which every position counts towards"
            )
            raise ValueError(msg)
        if self.min_cash == 1.0:
            msg = "min_cash = 1.0: expected less than all of the equity, of which nothing would be left to buy with"
            raise ValueError(msg)
        return self

    @classmethod
    def all_in(cls, share: float = 1.0, **parts: Any) -> Self:
        """Make rules that let every signal have its way: a full one holds `share` of equity, and nothing cuts it.

        Parameters
        ----------
        share : float, default 1.0
            Largest position of one symbol, fraction of equity. Range: above 0 to 100; above 1 is borrowed money.
        **parts
            Fields that shall differ from that, a stop for instance.

        Returns
        -------
        RiskConfig
            Sizing by target; no stop; every cap, the drawdown ladder and the daily limit out of the way; a position
            keeps its quantity until its side changes. This is how libraries without a risk engine size.

        Raises
        ------
        ConfigurationError
            If a field is unknown or out of its range.

        Notes
        -----
        The quantity is ``share·equity / close`` of the bar decided on, rounded down to the lot. It fills at the next
        open and pays its fee on top, so that with ``share=1`` cash may end a little below zero.

        Examples
        --------
        >>> RiskConfig.all_in(stop={"kind": "percent", "percent": 0.2}).stop.percent
        0.2
        """
        whole = {"half": 1.0, "no_new_risk": 1.0, "halt": 1.0, "recovery": 0.0}
        fields: dict[str, Any] = {
            "min_target": 0.0,
            "sizing": {"method": "target"},
            "stop": {"kind": "none"},
            "max_position": share,
            "correlation_cap_rho": 1.0,
            "max_heat": 100.0,
            "max_leverage": 100.0,
            "min_cash": 0.0,
            "drawdown": whole,
            "daily_loss_limit": 1.0,
            "rebalance_band": 10.0,
        }
        return cls(**(fields | parts))
