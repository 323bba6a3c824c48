"""Classification and scanning of feature rows (SPEC §4)."""

from mirrorfast.signals.classifier import LABELS, SignalClassifier, direction
from mirrorfast.signals.encoder import MARKET_FEATURES, SignalEncoder
from mirrorfast.signals.momentum_scanner import MomentumScanner, ScanResult
from mirrorfast.signals.scanner import scan_bars

__all__ = [
    "LABELS",
    "MARKET_FEATURES",
    "MomentumScanner",
    "ScanResult",
    "SignalClassifier",
    "SignalEncoder",
    "direction",
    "scan_bars",
]
