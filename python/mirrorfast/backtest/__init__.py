"""Backtests: the live engine, driven over a table of bars."""

from mirrorfast.backtest.result import BacktestResult
from mirrorfast.backtest.runner import backtest

__all__ = ["BacktestResult", "backtest"]
