"""One run, whole: what is traded, how it decides, what it costs, where it is kept."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import SecretStr, field_validator, model_validator

from mirrorfast.config.base import Settings, option
from mirrorfast.config.currency import (
    account_currency,
    check_currencies,
    quotes_of,
    rate_pairs,
    rate_symbol,
    sound_rates,
)
from mirrorfast.config.data import DataConfig
from mirrorfast.config.ensemble import EnsembleConfig
from mirrorfast.config.execution import ExecutionConfig
from mirrorfast.config.risk import RiskConfig
from mirrorfast.config.rl import RLConfig
from mirrorfast.config.strategy import StrategyConfig

__all__ = [
    "ControlConfig",
    "CostConfig",
    "InstrumentConfig",
    "LogConfig",
    "MetaConfig",
    "SlippageConfig",
    "TradingConfig",
]

_INTERVAL: Final = re.compile(r"(auto|scalping|short|medium|daily|weekly|[1-9]\d{0,5}[smhdw])")
_CURRENCIES: Final = frozenset(
    [
        "AUD",
        "BRL",
        "CAD",
        "CHF",
        "CNH",
        "CNY",
        "CZK",
        "DKK",
        "EUR",
        "GBP",
        "HKD",
        "HUF",
        "ILS",
        "INR",
        "JPY",
        "KRW",
        "MXN",
        "NOK",
        "NZD",
        "PLN",
        "RUB",
        "SEK",
        "SGD",
        "THB",
        "TRY",
        "USD",
        "ZAR",
    ]
)


class MetaConfig(Settings):
    """How the consensus of the rules and the policy share the decision.

    Examples
    --------
    >>> MetaConfig().mode
    'rule_only'
    """

    mode: Literal["rule_only", "rl_only", "confidence_blend", "regime_adaptive"] = option(
        "rule_only", "who decides: the rules, the policy, a blend by its confidence, or a blend by the market regime"
    )
    high_confidence: float = option(
        0.7, "confidence above which the policy has high_share", unit="confidence", ge=0, le=1
    )
    medium_confidence: float = option(
        0.4, "confidence above which the policy has medium_share", unit="confidence", ge=0, le=1
    )
    high_share: float = option(0.7, "share of a confident policy", unit="share", ge=0, le=1)
    medium_share: float = option(0.5, "share of a policy of middling confidence", unit="share", ge=0, le=1)
    low_share: float = option(0.3, "share of an unsure policy", unit="share", ge=0, le=1)
    trending_share: float = option(0.8, "share of the policy in a trending market", unit="share", ge=0, le=1)
    volatile_share: float = option(0.2, "share of the policy in a volatile market", unit="share", ge=0, le=1)
    other_share: float = option(0.6, "share of the policy in any other market", unit="share", ge=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.medium_confidence > self.high_confidence:
            msg = (
                f"medium_confidence = {self.medium_confidence}: "
                f"expected at most high_confidence ({self.high_confidence})"
            )
            raise ValueError(msg)
        return self


class SlippageConfig(Settings):
    """How far a market order fills from the price it met.

    Examples
    --------
    >>> SlippageConfig().fraction
    0.0005
    """

    model: Literal["fixed", "volatility", "volume_share"] = option(
        "fixed", "a fixed fraction, growing with volatility, or growing with the order's share of the bar's volume"
    )
    fraction: float = option(0.0005, "slippage of the fixed model", unit="fraction of price", ge=0, lt=1)
    multiplier: float = option(
        0.1,
        "slippage of the volatility model per standard deviation of a bar's log return",
        unit="factor",
        gt=0,
        le=100,
    )
    period: int = option(20, "span of that standard deviation", unit="bars", ge=1, le=100_000)
    impact: float = option(
        0.1, "slippage of the volume_share model at the whole volume of a bar", unit="fraction of price", gt=0, lt=1
    )
    exponent: float = option(0.5, "power of the share of volume; 0.5 is the square-root law", unit="power", gt=0, le=4)
    minimum: float = option(
        0.0, "least slippage of the volatility and volume_share models", unit="fraction of price", ge=0, lt=1
    )

    def to_engine(self) -> dict[str, dict[str, float]]:
        """Write what the engine's slippage model reads.

        Returns
        -------
        dict
            The model's name and the parameters that it has.

        Examples
        --------
        >>> SlippageConfig().to_engine()
        {'fixed': {'fraction': 0.0005}}
        """
        names = {
            "fixed": ("fraction",),
            "volatility": ("multiplier", "period", "minimum"),
            "volume_share": ("impact", "exponent", "minimum"),
        }
        return {self.model: {name: getattr(self, name) for name in names[self.model]}}


class InstrumentConfig(Settings):
    """Precision and limits of one symbol; the defaults suit any price.

    Examples
    --------
    >>> InstrumentConfig(tick=0.01, lot=0.0001, min_notional=10).lot
    0.0001
    """

    tick: float = option(1e-8, "smallest price step", unit="quote currency", gt=0, le=1e12)
    lot: float = option(1e-8, "smallest quantity step", unit="base units", gt=0, le=1e12)
    min_quantity: float = option(0.0, "smallest quantity of an order", unit="base units", ge=0, le=1e15)
    min_notional: float = option(0.0, "smallest notional of an order", unit="quote currency", ge=0, le=1e15)
    shortable: bool = option(True, "may be held short")
    kind: Literal["spot", "perpetual"] = option(
        "spot", "the thing itself, or a linear perpetual swap, of which only profit, fees and funding move cash"
    )
    multiplier: float = option(
        1.0, "base units of one unit of quantity: 1 but for contracts", unit="base units", gt=0, le=1e12
    )
    max_leverage: float = option(125.0, "highest leverage that the venue grants", unit="× margin", ge=1, le=1_000)
    maintenance_margin: float = option(
        0.005, "margin below which a position is taken away", unit="fraction of notional", ge=0, lt=1
    )
    taker_fee: float | None = option(
        None, "in place of costs.taker_fee, for this symbol", unit="fraction of notional", ge=0, lt=1
    )
    maker_fee: float | None = option(
        None, "in place of costs.maker_fee, for this symbol", unit="fraction of notional", gt=-1, lt=1
    )
    spread: float | None = option(
        None, "in place of costs.spread, for this symbol", unit="fraction of price", ge=0, lt=1
    )
    slippage: float | None = option(
        None, "in place of costs.slippage, for this symbol: always this", unit="fraction of price", ge=0, lt=1
    )
    funding: tuple[tuple[int, float], ...] = option(
        (),
        "funding rates of the past of a perpetual, in place of costs.funding: pairs of time (ms) and rate, as "
        "`with_funding` makes them of a table",
    )
    quote: str | None = option(
        None, "currency that prices are in; absent: what the symbol says after its slash, else the run's currency"
    )

    def to_engine(self, symbol: str) -> dict[str, Any]:
        """Write what the engine's instrument reads; rates of funding come apart from it.

        Parameters
        ----------
        symbol : str
            Its name.

        Returns
        -------
        dict
            What is known of it.

        Examples
        --------
        >>> InstrumentConfig(tick=0.01).to_engine("BTC/USD")["tick"]
        0.01
        """
        return {"symbol": symbol, **self.model_dump(mode="json", exclude={"funding"}, exclude_none=True)}


class FundingConfig(Settings):
    """What longs of a perpetual pay shorts, where its instrument has no history of rates.

    Examples
    --------
    >>> FundingConfig(rate=0.00005).interval_ms
    28800000
    """

    rate: float = option(0.0001, "rate of one interval; below 0 shorts pay", unit="fraction of notional", gt=-1, lt=1)
    interval_ms: int = option(
        28_800_000, "time between two payments, which fall on its multiples since 1970", unit="ms", ge=1, le=10**12
    )


class MarginConfig(Settings):
    """What backs a position, and what is lost when it no longer does.

    Examples
    --------
    >>> MarginConfig(mode="isolated", leverage=5).liquidation_fee
    0.0125
    """

    mode: Literal["unlimited", "isolated", "cross"] = option(
        "unlimited",
        "unlimited: no position is liquidated, the risk rules alone limit it; isolated: each perpetual by its own "
        "margin; cross: all positions by the whole account",
    )
    leverage: float = option(
        1.0, "notional per margin, at most what the instrument grants", unit="× margin", ge=1, le=1_000
    )
    liquidation_fee: float = option(
        0.0125, "in place of the taker fee when a position is liquidated", unit="fraction of notional", ge=0, lt=1
    )


class CostConfig(Settings):
    """What trading costs: Binance's spot fees and half a basis point of half spread by default.

    Examples
    --------
    >>> CostConfig(taker_fee=0.0026).taker_fee
    0.0026
    """

    taker_fee: float = option(0.001, "fee of an order that takes liquidity", unit="fraction of notional", ge=0, lt=1)
    maker_fee: float = option(
        0.001, "fee of an order that rests; negative for a rebate", unit="fraction of notional", gt=-1, lt=1
    )
    spread: float = option(0.0001, "distance between bid and ask", unit="fraction of price", ge=0, lt=1)
    slippage: SlippageConfig = option(None, "slippage of market and stop orders", default_factory=SlippageConfig)
    latency_bars: int = option(
        0, "bars between a decision and the open that fills it; 0: the next", unit="bars", ge=0, le=1_000
    )
    max_volume_share: float | None = option(
        None,
        "largest part of a bar's volume that one order fills; absent: no limit",
        unit="fraction of volume",
        gt=0,
        le=1,
    )
    limit_through_ticks: int = option(
        0, "ticks by which the price trades through a limit that fills; 0: a touch does", unit="ticks", ge=0, le=10_000
    )
    funding: FundingConfig = option(None, "funding of perpetuals", default_factory=FundingConfig)
    margin: MarginConfig = option(None, "margin and liquidation", default_factory=MarginConfig)


class LogConfig(Settings):
    """Diagnostics on standard error.

    Examples
    --------
    >>> LogConfig(level="DEBUG").format
    'console'
    """

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = option("WARNING", "least severe level that is written")
    format: Literal["console", "json"] = option("console", "lines for people, or one JSON object a line")


class ControlConfig(Settings):
    """What happens when a person halts a run.

    Examples
    --------
    >>> ControlConfig().on_halt
    'keep'
    """

    on_halt: Literal["keep", "close"] = option(
        "keep",
        "positions stay with their stops and may only be reduced, or everything is closed; a halt may say otherwise",
    )


class TradingConfig(Settings):
    """Everything a run needs; each field has a default, and the defaults trade the bundled market.

    Examples
    --------
    >>> config = TradingConfig(capital=50_000, risk={"max_position": 0.2})
    >>> config.risk.max_position, config.market_of("EUR/USD"), config.market_of("BTC/USD")
    (0.2, 'forex', 'crypto')
    """

    symbols: tuple[str, ...] = option((), "what is traded; empty: every symbol of the bars but those of watch")
    timeframe: str = option(
        "auto",
        "scalping, short, medium, daily, weekly, or an interval such as 15m, 4h; sets periods and thresholds; "
        "auto: the step of the bars",
    )
    market: Literal["auto", "crypto", "forex"] = option(
        "auto", "kind of market, which sets periods and thresholds; auto: a pair of two national currencies is forex"
    )
    bars: Path | None = option(None, "file or directory of bars to replay; absent: the bundled market")
    funding: Path | None = option(
        None, "file of funding rates of the past, for the perpetuals of the run: symbol, timestamp, rate"
    )
    start: datetime | None = option(None, "first bar to trade on, UTC unless it has an offset")
    end: datetime | None = option(None, "trading stops before this time, UTC unless it has an offset")
    capital: float = option(10_000.0, "equity at the start", unit="account currency", gt=0, le=1e15)
    currency: str = option(
        "USD",
        "the account's currency; where all symbols share another quote currency and nothing gives its rate, that one "
        "is meant",
        min_length=1,
    )
    rates: dict[str, float] = option(
        None,
        "what one unit of another quote currency is worth, EUR = 1.08; where rate_symbols names the currency too, "
        "until that symbol's first close",
        unit="account currency",
        default_factory=dict,
    )
    rate_symbols: dict[str, str] = option(
        None,
        'pair of the run whose closes set the rate of a currency, EUR = "EUR/USD", JPY = "USD/JPY"; pairs may lead to '
        "the account's currency through each other",
        default_factory=dict,
    )
    watch: tuple[str, ...] = option(
        (), "symbols whose bars come along without being traded, such as a pair that only tells a rate"
    )
    instruments: dict[str, InstrumentConfig] = option(
        None,
        "precision and limits by symbol, where they are known",
        default_factory=lambda: {
            "BTC/USD": InstrumentConfig(tick=0.01, lot=1e-8, min_notional=1.0),
            # A currency broker's: 0.2 basis points of commission, a spread of one pip.
            "EUR/USD": InstrumentConfig(
                tick=0.00001, lot=1.0, taker_fee=0.00002, maker_fee=0.00002, spread=0.0001, slippage=0.00002
            ),
        },
    )
    strategies: tuple[StrategyConfig, ...] = option(
        None,
        "the strategies that vote",
        default_factory=lambda: tuple(
            StrategyConfig(name=name) for name in ("ut_bot", "mean_reversion", "momentum_breakout")
        ),
        min_length=1,
    )
    plugins: tuple[str, ...] = option(
        (),
        "Python files or modules that are imported first: they register strategies, indicators and classifiers of "
        "your own",
    )
    bias_check: Literal["raise", "warn", "off"] = option(
        "raise",
        "what happens when a strategy of your own looks ahead, or further back than it says: nothing runs, it is "
        "logged, or nobody looks",
    )
    adapt_weights: bool = option(True, "strategy weights follow the results of closed trades; else they stay as set")
    weights_from: str | None = option(
        None,
        "run whose last strategy weights a new run starts with, where its strategies have the same names; in the same "
        "ledger, or below the same `runs`",
    )
    ensemble: EnsembleConfig = option(None, "how votes become a consensus", default_factory=EnsembleConfig)
    meta: MetaConfig = option(None, "how consensus and policy become a decision", default_factory=MetaConfig)
    risk: RiskConfig = option(None, "limits between decision and order", default_factory=RiskConfig)
    costs: CostConfig = option(None, "what trading costs in simulation", default_factory=CostConfig)
    rl: RLConfig = option(None, "the learning agent", default_factory=RLConfig)
    data: DataConfig = option(None, "how market data is fetched", default_factory=DataConfig)
    execution: ExecutionConfig = option(
        None, "how orders are sent to a venue, and what stops them", default_factory=ExecutionConfig
    )
    runs: Path = option(Path("runs"), "directory that holds a directory for each run")
    ledger: SecretStr | None = option(
        None, "SQLAlchemy URL of the ledger, which may hold a password; absent: ledger.sqlite in the run's directory"
    )
    control: ControlConfig = option(None, "the kill switch", default_factory=ControlConfig)
    log: LogConfig = option(None, "diagnostics", default_factory=LogConfig)

    @field_validator("timeframe")
    @classmethod
    def _known_timeframe(cls, value: str) -> str:
        if not _INTERVAL.fullmatch(value):
            msg = "expected auto, scalping, short, medium, daily, weekly or an interval such as 1m, 15m, 4h, 1d, 1w"
            raise ValueError(msg)
        return value

    @field_validator("currency")
    @classmethod
    def _upper(cls, value: str) -> str:
        return value.upper()

    _rates = field_validator("rates")(sound_rates)
    _rate_symbols = field_validator("rate_symbols")(rate_pairs)

    @field_validator("strategies")
    @classmethod
    def _distinct(cls, value: tuple[StrategyConfig, ...]) -> tuple[StrategyConfig, ...]:
        names = [strategy.name for strategy in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            msg = f"{twice} stands there twice: expected each strategy once"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unknown = [name for name in self.ensemble.required if name not in {s.name for s in self.strategies}]
        if unknown:
            known = ", ".join(strategy.name for strategy in self.strategies)
            msg = f"ensemble.required = {unknown[0]!r}: expected some of the strategies {known}"
            raise ValueError(msg)
        check_currencies(self.currency, self.rates, self.rate_symbols, self.symbols, self.watch)
        return self

    @property
    def bar_symbols(self) -> tuple[str, ...]:
        """Symbols whose bars a run takes: `symbols` and `watch`; empty where every symbol of the bars is traded.

        Returns
        -------
        tuple of str
            What `mirrorfast.data.select_bars` is asked for.
        """
        return (*self.symbols, *self.watch) if self.symbols else ()

    def market_of(self, symbol: str) -> Literal["crypto", "forex"]:
        """Tell which kind of market a symbol belongs to.

        Parameters
        ----------
        symbol : str
            A pair such as ``"EUR/USD"``.

        Returns
        -------
        {"crypto", "forex"}
            The configured kind, or with ``"auto"`` forex for a pair of two national currencies and else crypto.

        Examples
        --------
        >>> TradingConfig().market_of("EUR/USD")
        'forex'
        """
        if self.market != "auto":
            return self.market
        base, _, quote = symbol.upper().replace("-", "/").partition("/")
        return "forex" if base in _CURRENCIES and quote in _CURRENCIES else "crypto"

    def to_engine_json(self, symbols: Sequence[str] = (), *, interval: str = "1h", own: Sequence[str] = ()) -> str:
        """Write what the decision engine needs as JSON.

        Parameters
        ----------
        symbols : sequence of str, optional
            The symbols of the run in the order of their ids, where the configuration leaves them to the bars.
        interval : str, default "1h"
            The step of the bars, which a timeframe of ``"auto"`` stands for.
        own : sequence of str, optional
            Names of the strategies that vote from outside the engine: those of your own.

        Returns
        -------
        str
            A JSON object; equal configurations give equal text.

        Examples
        --------
        >>> json.loads(TradingConfig().to_engine_json(("BTC/USD",)))["symbols"][0]["market"]
        'crypto'
        """
        # The bars say in which order the symbols stand.
        names = tuple(symbols) or self.bar_symbols
        document = self.model_dump(
            mode="json",
            include={"timeframe", "capital", "currency", "rates", "adapt_weights", "ensemble", "meta", "risk", "costs"},
        )
        if self.timeframe == "auto":
            document["timeframe"] = interval
        document["costs"]["slippage"] = self.costs.slippage.to_engine()
        document["strategies"] = [strategy.to_engine() for strategy in self.strategies]
        document["external"] = [s for s in document["strategies"] if s["name"] in own]
        document["strategies"] = [s for s in document["strategies"] if s["name"] not in own]
        quotes = self._quotes(names)
        document["rate_symbols"] = {
            name: rate_symbol(name, symbol, self.currency, quotes) for name, symbol in self.rate_symbols.items()
        }
        document["symbols"] = [
            {
                "instrument": self._instrument(name).to_engine(name) | {"quote": quotes[name]},
                "funding": [{"ts": ts, "rate": rate} for ts, rate in self._instrument(name).funding],
                "market": self.market_of(name),
                "trade": name not in self.watch,
            }
            for name in names
        ]
        return json.dumps(document, sort_keys=True)

    def _instrument(self, symbol: str) -> InstrumentConfig:
        return self.instruments.get(symbol) or InstrumentConfig()

    def account_currency(self, symbols: Sequence[str]) -> str:
        """Tell what the amounts of a run are in.

        Parameters
        ----------
        symbols : sequence of str
            The symbols of the run.

        Returns
        -------
        str
            The one quote currency of all symbols where nothing converts it, whatever `currency` calls it; else
            `currency`.

        Examples
        --------
        >>> TradingConfig().account_currency(["BTC/USDT"]), TradingConfig().account_currency(["BTC/EUR", "EUR/USD"])
        ('USDT', 'USD')
        """
        return account_currency(self.currency, self._quotes(symbols))

    def _quotes(self, names: Sequence[str]) -> dict[str, str]:
        stated = {name: instrument.quote for name, instrument in self.instruments.items()}
        return quotes_of(names, stated, self.currency, {*self.rates, *self.rate_symbols})

    def replace(self, **parts: Any) -> Self:
        """Make a copy with some fields replaced; ``None`` leaves a field as it is.

        Parameters
        ----------
        **parts
            Fields by name. Strategies may be names or objects, an ensemble the name of its method, any other part a
            mapping.

        Returns
        -------
        TradingConfig
            The copy, checked as a whole.

        Raises
        ------
        ConfigurationError
            If a field is unknown or a value is outside its type or range.

        Examples
        --------
        >>> [s.name for s in TradingConfig().replace(strategies=["ut_bot"], ensemble="majority").strategies]
        ['ut_bot']
        """
        values = dict(self)
        for name, part in parts.items():
            if part is None:
                continue
            if name == "strategies":
                part = tuple(part)
            elif name == "ensemble" and isinstance(part, str):
                part = {"method": part}
            values[name] = part
        return type(self)(**values)
