"""Risk: wanted positions in, sized and limited orders out, each with its reasons."""

from mirrorfast.config import RiskConfig
from mirrorfast.risk.decision import Account, Halt, RiskDecision, RiskEvent, RiskStep
from mirrorfast.risk.manager import RiskManager

__all__ = ["Account", "Halt", "RiskConfig", "RiskDecision", "RiskEvent", "RiskManager", "RiskStep"]
