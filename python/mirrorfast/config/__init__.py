"""Configuration: pydantic models, every field documented with unit and range; TOML, environment, defaults."""

from mirrorfast.config.data import DataConfig
from mirrorfast.config.ensemble import (
    BayesianConfig,
    CorrelationConfig,
    DynamicConfig,
    EnsembleConfig,
    StackedConfig,
)
from mirrorfast.config.execution import ExecutionConfig
from mirrorfast.config.load import CONFIG_FILE, ENVIRONMENT_PREFIX, find_config, load_config
from mirrorfast.config.risk import DrawdownConfig, RiskConfig, SizingConfig, StopConfig
from mirrorfast.config.rl import RLConfig
from mirrorfast.config.strategy import StrategyConfig
from mirrorfast.config.trading import (
    ControlConfig,
    CostConfig,
    InstrumentConfig,
    LogConfig,
    MetaConfig,
    SlippageConfig,
    TradingConfig,
)

__all__ = [
    "CONFIG_FILE",
    "ENVIRONMENT_PREFIX",
    "BayesianConfig",
    "ControlConfig",
    "CorrelationConfig",
    "CostConfig",
    "DataConfig",
    "DrawdownConfig",
    "DynamicConfig",
    "EnsembleConfig",
    "ExecutionConfig",
    "InstrumentConfig",
    "LogConfig",
    "MetaConfig",
    "RLConfig",
    "RiskConfig",
    "SizingConfig",
    "SlippageConfig",
    "StackedConfig",
    "StopConfig",
    "StrategyConfig",
    "TradingConfig",
    "find_config",
    "load_config",
]
