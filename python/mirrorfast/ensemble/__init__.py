"""Ensemble: many strategies, one position; and which of them to trust."""

from mirrorfast.ensemble.calibration import fit_calibration
from mirrorfast.ensemble.combiner import METHODS, Ensemble, EnsembleStream, strategy_columns
from mirrorfast.ensemble.model import StackedModel
from mirrorfast.ensemble.onnx_stacking import OnnxStackedModel, StackedStrategyAgent, fit_onnx_stacking
from mirrorfast.ensemble.stacking import fit_stacking
from mirrorfast.ensemble.trainer import StrategyTrainerAgent

__all__ = [
    "METHODS",
    "Ensemble",
    "EnsembleStream",
    "OnnxStackedModel",
    "StackedModel",
    "StackedStrategyAgent",
    "StrategyTrainerAgent",
    "fit_calibration",
    "fit_onnx_stacking",
    "fit_stacking",
    "strategy_columns",
]
