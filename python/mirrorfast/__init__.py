"""mirrorfast: scan markets, research strategies, backtest, and run exactly the same code live.

Everything is imported on first use, so that ``import mirrorfast`` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

# Public name → module that defines it; a name that maps to itself is a submodule. Keep both lists sorted and in step: a
# contract test compares them.
_LAZY = {
    "AnomalyDetectionAgent": "mirrorfast.strategies",
    "BAR_SCHEMA": "mirrorfast.data",
    "BacktestResult": "mirrorfast.backtest",
    "BaseStrategyAgent": "mirrorfast.strategies",
    "BiasReport": "mirrorfast.backtest",
    "ConfigurationError": "mirrorfast.errors",
    "CostConfig": "mirrorfast.config",
    "DataConfig": "mirrorfast.config",
    "DataError": "mirrorfast.errors",
    "Ensemble": "mirrorfast.ensemble",
    "EnsembleConfig": "mirrorfast.config",
    "ExecutionConfig": "mirrorfast.config",
    "ExecutionDaemon": "mirrorfast.execution.daemon",
    "FeatureStream": "mirrorfast.features",
    "GradientTrendAgent": "mirrorfast.strategies",
    "IntegratedTradingSystem": "mirrorfast.system",
    "MarketDataFetcher": "mirrorfast.data",
    "MarketDataStore": "mirrorfast.data",
    "MeanReversionAgent": "mirrorfast.strategies",
    "MetaConfig": "mirrorfast.config",
    "MetaController": "mirrorfast.meta",
    "MetaDecision": "mirrorfast.meta",
    "MirrorfastError": "mirrorfast.errors",
    "MomentumBreakoutAgent": "mirrorfast.strategies",
    "MomentumScanner": "mirrorfast.signals",
    "PairsTradingAgent": "mirrorfast.strategies",
    "ParameterError": "mirrorfast.errors",
    "Policy": "mirrorfast.rl.policy",
    "RLConfig": "mirrorfast.config",
    "RLTradingAgent": "mirrorfast.rl.agent",
    "Range": "mirrorfast.backtest",
    "RegimeChangeAgent": "mirrorfast.strategies",
    "RiskConfig": "mirrorfast.config",
    "RiskManager": "mirrorfast.risk",
    "RunSummary": "mirrorfast.system",
    "SMACrossAgent": "mirrorfast.strategies",
    "ScannerSignalAgent": "mirrorfast.strategies",
    "SentimentMomentumAgent": "mirrorfast.strategies",
    "SignalClassifier": "mirrorfast.signals",
    "SignalEncoder": "mirrorfast.signals",
    "StrategyConfig": "mirrorfast.config",
    "StrategyTrainerAgent": "mirrorfast.ensemble",
    "SweepResult": "mirrorfast.backtest",
    "TechnicalIndicators": "mirrorfast.indicators",
    "TradeAnalyzerAgent": "mirrorfast.analytics.trade_analyzer",
    "TradingConfig": "mirrorfast.config",
    "TradingEnvironment": "mirrorfast.rl.environment",
    "TradingVecEnv": "mirrorfast.rl.vec_env",
    "UTSignalAgent": "mirrorfast.strategies",
    "VBSRAgent": "mirrorfast.strategies",
    "VolatilityRegimeAgent": "mirrorfast.strategies",
    "WalkForwardResult": "mirrorfast.backtest",
    "backtest": "mirrorfast.backtest",
    "check_bias": "mirrorfast.backtest",
    "clock": "mirrorfast.clock",
    "compute_features": "mirrorfast.features",
    "config": "mirrorfast.config",
    "data": "mirrorfast.data",
    "ensemble": "mirrorfast.ensemble",
    "errors": "mirrorfast.errors",
    "events": "mirrorfast.events",
    "features": "mirrorfast.features",
    "get_secret": "mirrorfast.credentials",
    "indicators": "mirrorfast.indicators",
    "load_config": "mirrorfast.config",
    "make_vec": "mirrorfast.rl.vector_env",
    "performance": "mirrorfast.analytics.performance",
    "read_bars": "mirrorfast.data",
    "sample_bars": "mirrorfast.data",
    "scan_bars": "mirrorfast.signals",
    "signals": "mirrorfast.signals",
    "strategies": "mirrorfast.strategies",
    "sweep": "mirrorfast.backtest",
    "telemetry": "mirrorfast.telemetry",
    "validate_bars": "mirrorfast.data",
    "walk_forward": "mirrorfast.backtest",
}

if TYPE_CHECKING:
    from mirrorfast import (
        clock,
        config,
        data,
        ensemble,
        errors,
        events,
        features,
        indicators,
        signals,
        strategies,
        telemetry,
    )
    from mirrorfast.analytics.performance import performance
    from mirrorfast.analytics.trade_analyzer import TradeAnalyzerAgent
    from mirrorfast.backtest import (
        BacktestResult,
        BiasReport,
        Range,
        SweepResult,
        WalkForwardResult,
        backtest,
        check_bias,
        sweep,
        walk_forward,
    )
    from mirrorfast.config import (
        CostConfig,
        DataConfig,
        EnsembleConfig,
        ExecutionConfig,
        MetaConfig,
        RiskConfig,
        RLConfig,
        StrategyConfig,
        TradingConfig,
        load_config,
    )
    from mirrorfast.credentials import get_secret
    from mirrorfast.data import BAR_SCHEMA, MarketDataFetcher, MarketDataStore, read_bars, sample_bars, validate_bars
    from mirrorfast.ensemble import Ensemble, StrategyTrainerAgent
    from mirrorfast.errors import ConfigurationError, DataError, MirrorfastError, ParameterError
    from mirrorfast.execution.daemon import ExecutionDaemon
    from mirrorfast.features import FeatureStream, compute_features
    from mirrorfast.indicators import TechnicalIndicators
    from mirrorfast.meta import MetaController, MetaDecision
    from mirrorfast.risk import RiskManager
    from mirrorfast.rl.agent import RLTradingAgent
    from mirrorfast.rl.environment import TradingEnvironment
    from mirrorfast.rl.policy import Policy
    from mirrorfast.rl.vec_env import TradingVecEnv
    from mirrorfast.rl.vector_env import make_vec
    from mirrorfast.signals import MomentumScanner, SignalClassifier, SignalEncoder, scan_bars
    from mirrorfast.strategies import (
        AnomalyDetectionAgent,
        BaseStrategyAgent,
        GradientTrendAgent,
        MeanReversionAgent,
        MomentumBreakoutAgent,
        PairsTradingAgent,
        RegimeChangeAgent,
        ScannerSignalAgent,
        SentimentMomentumAgent,
        SMACrossAgent,
        UTSignalAgent,
        VBSRAgent,
        VolatilityRegimeAgent,
    )
    from mirrorfast.system import IntegratedTradingSystem, RunSummary

    __version__: str

__all__ = [
    "BAR_SCHEMA",
    "AnomalyDetectionAgent",
    "BacktestResult",
    "BaseStrategyAgent",
    "BiasReport",
    "ConfigurationError",
    "CostConfig",
    "DataConfig",
    "DataError",
    "Ensemble",
    "EnsembleConfig",
    "ExecutionConfig",
    "ExecutionDaemon",
    "FeatureStream",
    "GradientTrendAgent",
    "IntegratedTradingSystem",
    "MarketDataFetcher",
    "MarketDataStore",
    "MeanReversionAgent",
    "MetaConfig",
    "MetaController",
    "MetaDecision",
    "MirrorfastError",
    "MomentumBreakoutAgent",
    "MomentumScanner",
    "PairsTradingAgent",
    "ParameterError",
    "Policy",
    "RLConfig",
    "RLTradingAgent",
    "Range",
    "RegimeChangeAgent",
    "RiskConfig",
    "RiskManager",
    "RunSummary",
    "SMACrossAgent",
    "ScannerSignalAgent",
    "SentimentMomentumAgent",
    "SignalClassifier",
    "SignalEncoder",
    "StrategyConfig",
    "StrategyTrainerAgent",
    "SweepResult",
    "TechnicalIndicators",
    "TradeAnalyzerAgent",
    "TradingConfig",
    "TradingEnvironment",
    "TradingVecEnv",
    "UTSignalAgent",
    "VBSRAgent",
    "VolatilityRegimeAgent",
    "WalkForwardResult",
    "__version__",
    "backtest",
    "check_bias",
    "clock",
    "compute_features",
    "config",
    "data",
    "ensemble",
    "errors",
    "events",
    "features",
    "get_secret",
    "indicators",
    "load_config",
    "make_vec",
    "performance",
    "read_bars",
    "sample_bars",
    "scan_bars",
    "signals",
    "strategies",
    "sweep",
    "telemetry",
    "validate_bars",
    "walk_forward",
]


def __getattr__(name: str) -> Any:
    value: Any
    if name == "__version__":
        value = importlib.import_module("mirrorfast._core").__version__
    elif name in _LAZY:
        home = _LAZY[name]
        module = importlib.import_module(home)
        value = module if home == f"{__name__}.{name}" else getattr(module, name)
    else:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
