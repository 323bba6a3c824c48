"""Backtests: the live engine, driven over a table of bars."""

import inspect
import sys
from types import ModuleType
from typing import Any

from mirrorfast.backtest.bias import BiasReport, check_bias
from mirrorfast.backtest.result import BacktestResult
from mirrorfast.backtest.runner import backtest
from mirrorfast.backtest.space import Range
from mirrorfast.backtest.sweep_result import SweepResult
from mirrorfast.backtest.sweeps import sweep
from mirrorfast.backtest.walk import WalkForwardResult, walk_forward

__all__ = [
    "BacktestResult",
    "BiasReport",
    "Range",
    "SweepResult",
    "WalkForwardResult",
    "backtest",
    "check_bias",
    "sweep",
    "walk_forward",
]


class _CallableModule(ModuleType):
    # `mf.backtest(bars)` is the public call, but importing this package binds that name to the package: so it is both.
    __signature__ = inspect.signature(backtest)

    def __call__(self, *args: Any, **options: Any) -> BacktestResult:
        return backtest(*args, **options)


sys.modules[__name__].__class__ = _CallableModule
