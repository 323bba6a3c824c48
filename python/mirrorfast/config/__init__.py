"""Configuration: pydantic models, every field documented with unit and range; TOML, environment, defaults."""

from mirrorfast.config.load import CONFIG_FILE, ENVIRONMENT_PREFIX, find_config, load_config
from mirrorfast.config.risk import DrawdownConfig, RiskConfig, SizingConfig, StopConfig
from mirrorfast.config.rl import RLConfig
from mirrorfast.config.trading import (
    CostConfig,
    EnsembleConfig,
    InstrumentConfig,
    LogConfig,
    MetaConfig,
    SlippageConfig,
    StrategyConfig,
    TradingConfig,
)

__all__ = [
    "CONFIG_FILE",
    "ENVIRONMENT_PREFIX",
    "CostConfig",
    "DrawdownConfig",
    "EnsembleConfig",
    "InstrumentConfig",
    "LogConfig",
    "MetaConfig",
    "RLConfig",
    "RiskConfig",
    "SizingConfig",
    "SlippageConfig",
    "StopConfig",
    "StrategyConfig",
    "TradingConfig",
    "find_config",
    "load_config",
]
