"""mirrorfast: scan markets, research strategies, backtest, and run exactly the same code live.

Names are loaded when they are first used, so that ``import mirrorfast`` stays fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mirrorfast import indicators as indicators
    from mirrorfast.analytics.performance import performance as performance
    from mirrorfast.backtest import BacktestResult as BacktestResult
    from mirrorfast.backtest import backtest as backtest
    from mirrorfast.config import RiskConfig as RiskConfig
    from mirrorfast.config import RLConfig as RLConfig
    from mirrorfast.config import TradingConfig as TradingConfig
    from mirrorfast.data.files import read_bars as read_bars
    from mirrorfast.data.sample import sample_bars as sample_bars
    from mirrorfast.system import IntegratedTradingSystem as IntegratedTradingSystem
    from mirrorfast.system import RunSummary as RunSummary

_HOMES = {
    "BacktestResult": "mirrorfast.backtest",
    "IntegratedTradingSystem": "mirrorfast.system",
    "RLConfig": "mirrorfast.config",
    "RiskConfig": "mirrorfast.config",
    "RunSummary": "mirrorfast.system",
    "TradeAnalyzerAgent": "mirrorfast.analytics.trade_analyzer",
    "TradingConfig": "mirrorfast.config",
    "performance": "mirrorfast.analytics.performance",
    "read_bars": "mirrorfast.data.files",
    "sample_bars": "mirrorfast.data.sample",
}

_MODULES = ("backtest", "errors", "indicators", "strategies")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"mirrorfast.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'mirrorfast' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
