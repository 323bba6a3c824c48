"""The dashboard: a run in the browser while it goes on, or from its ledger. Needs the extra ``dashboard``."""

from mirrorfast.dashboard.server import DashboardServer
from mirrorfast.dashboard.source import LedgerSource, LiveSource

__all__ = ["DashboardServer", "LedgerSource", "LiveSource"]
