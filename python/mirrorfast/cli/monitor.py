"""What ``--metrics`` adds to a command: a server of figures, and meters on whatever runs."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mirrorfast.system import IntegratedTradingSystem

__all__ = ["MetricsOption", "Monitor"]

MetricsOption = Annotated[
    str | None,
    typer.Option(
        metavar="[HOST:]PORT",
        help="Serve /metrics for Prometheus, /health and /ready here; a port alone is on loopback.",
    ),
]
Watch = Callable[["IntegratedTradingSystem", int | None], list[Any]]


class Monitor:
    """Serves figures while a command runs."""

    def __init__(self, stack: ExitStack, address: str) -> None:
        from prometheus_client import CollectorRegistry, ProcessCollector

        from mirrorfast.monitoring import DataMeter, Health, MonitoringServer, parse_address

        host, port = parse_address(address)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.health = Health()
        self.data: DataMeter = DataMeter(self.registry)
        self.server: MonitoringServer = stack.enter_context(
            MonitoringServer(self.registry, self.health, host=host, port=port)
        )

    def watching(self, watch: Watch | None, *, bar_s: float | None = None) -> Watch:
        """Put meters on a run, beside whoever else watches it.

        Parameters
        ----------
        watch
            As for ``IntegratedTradingSystem.run``.
        bar_s
            Seconds between two bars of a live feed, which is ready only while they come.
        """
        from mirrorfast.monitoring import MeteredBroker, RunMeter

        def both(system: "IntegratedTradingSystem", total: int | None) -> list[Any]:
            meter = RunMeter(
                self.registry,
                capital=float(system.config.capital),
                engine=system.engine,
                strategies=system.strategies,
                run=system.run_id,
            )
            meter.by_person = lambda: system.halted_by_person
            self.health.loop(asyncio.get_running_loop())
            self.health.ready("first_bar", meter.first_bar)
            self.health.ready("halted", lambda: meter.halted)
            if bar_s is not None:
                # Two bars and a minute: one may be late, a venue may be slow.
                self.health.ready("bars", meter.fresh(2 * bar_s + 60))
            system.around_broker = lambda broker: MeteredBroker(broker, self.registry)
            return [meter, *(watch(system, total) if watch is not None else [])]

        return both
