"""Strategies: rules that say what to hold, the catalogue's and your own."""

from mirrorfast.strategies._native import StrategyStream
from mirrorfast.strategies.anomaly_detection import AnomalyDetectionAgent
from mirrorfast.strategies.base import BaseStrategyAgent
from mirrorfast.strategies.fitting import fit_anomaly_detection, fit_regime_change
from mirrorfast.strategies.gradient_trend import GradientTrendAgent
from mirrorfast.strategies.mean_reversion import MeanReversionAgent
from mirrorfast.strategies.momentum_breakout import MomentumBreakoutAgent
from mirrorfast.strategies.pairs_trading import PairsTradingAgent
from mirrorfast.strategies.regime_change import RegimeChangeAgent
from mirrorfast.strategies.registry import catalogue, create, names, register, unregister
from mirrorfast.strategies.scanner_signal import ScannerSignalAgent
from mirrorfast.strategies.sentiment_momentum import SentimentMomentumAgent
from mirrorfast.strategies.ut_bot import UTSignalAgent
from mirrorfast.strategies.vbsr import VBSRAgent
from mirrorfast.strategies.volatility_regime import VolatilityRegimeAgent

__all__ = [
    "AnomalyDetectionAgent",
    "BaseStrategyAgent",
    "GradientTrendAgent",
    "MeanReversionAgent",
    "MomentumBreakoutAgent",
    "PairsTradingAgent",
    "RegimeChangeAgent",
    "ScannerSignalAgent",
    "SentimentMomentumAgent",
    "StrategyStream",
    "UTSignalAgent",
    "VBSRAgent",
    "VolatilityRegimeAgent",
    "catalogue",
    "create",
    "fit_anomaly_detection",
    "fit_regime_change",
    "names",
    "register",
    "unregister",
]
