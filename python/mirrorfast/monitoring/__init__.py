"""Monitoring: figures for Prometheus, health and readiness, served from a thread beside the trading loop."""

from mirrorfast.monitoring.meters import DataMeter, MeteredBroker, RunMeter, ScanMeter, TrainingMeter
from mirrorfast.monitoring.server import Health, MonitoringServer, parse_address
from mirrorfast.monitoring.supervisor import notify, supervised

__all__ = [
    "DataMeter",
    "Health",
    "MeteredBroker",
    "MonitoringServer",
    "RunMeter",
    "ScanMeter",
    "TrainingMeter",
    "notify",
    "parse_address",
    "supervised",
]
