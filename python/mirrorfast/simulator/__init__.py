"""A Binance-compatible exchange on loopback, made of recorded bars, that misbehaves on command.

Real ccxt clients talk to it; it keeps the exact books that tests compare theirs with.
"""

from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.connect import connect
from mirrorfast.simulator.faults import CATALOGUE, FaultRule, Faults, fault_table
from mirrorfast.simulator.server import Simulator

__all__ = [
    "CATALOGUE",
    "FaultRule",
    "Faults",
    "SimulatedClock",
    "Simulator",
    "connect",
    "fault_table",
]
