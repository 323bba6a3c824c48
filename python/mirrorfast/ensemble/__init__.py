"""Ensemble: many strategies, one position; and which of them to trust."""

from mirrorfast.ensemble.calibration import fit_calibration
from mirrorfast.ensemble.combiner import METHODS, Ensemble, EnsembleStream, strategy_columns
from mirrorfast.ensemble.stacking import StackedModel, fit_stacking
from mirrorfast.ensemble.trainer import StrategyTrainerAgent

__all__ = [
    "METHODS",
    "Ensemble",
    "EnsembleStream",
    "StackedModel",
    "StrategyTrainerAgent",
    "fit_calibration",
    "fit_stacking",
    "strategy_columns",
]
