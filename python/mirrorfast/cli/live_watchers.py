"""Who watches a live run besides the terminal: the dashboard, and the people who are notified."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mirrorfast.system import IntegratedTradingSystem

__all__ = ["NotifyOption", "Page", "Watchers"]

NotifyOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SECRET|URL",
        help="Tell somebody of halts, incidents and reconnects: name of a secret that holds an apprise URL, such as "
        "'notify' for MIRRORFAST_SECRET_NOTIFY, or a URL without a token in it. Repeatable.",
    ),
]


@dataclass(frozen=True)
class Page:
    """Where the dashboard is, and whether it may control."""

    host: str
    port: int
    origins: tuple[str, ...]
    controls: bool


@dataclass
class Watchers:
    """What was asked for on the command line.

    Parameters
    ----------
    page
        The dashboard, where one is wanted.
    addresses
        Whom to notify.
    fills, weekly
        Of what, besides halts, incidents and reconnects.
    health, reconnects
        Of the feed, where there is one.
    """

    page: Page | None
    addresses: tuple[str, ...]
    fills: bool = False
    weekly: bool = True
    health: Callable[[], dict[str, tuple[str, str]]] | None = None
    reconnects: Callable[[], int] | None = None

    def observers(self, stack: ExitStack, system: "IntegratedTradingSystem") -> list[Any]:
        """Start them; they end with the stack."""
        found = []
        if self.addresses:
            found.append(self._notify(stack, system))
        if self.page is not None:
            found.append(self._serve(stack, system, self.page))
        return found

    def _notify(self, stack: ExitStack, system: "IntegratedTradingSystem") -> Any:
        from mirrorfast.report.notify import AppriseSender, Notifier, Watcher, notify_address, week_message

        sender = AppriseSender([notify_address(text) for text in self.addresses])
        notifier = stack.enter_context(Notifier(sender))
        target, run = system.ledger_target, system.run_id
        weekly = (lambda week: week_message(target, run, week)) if self.weekly else None
        return Watcher(notifier, run, fills=self.fills, weekly=weekly, reconnects=self.reconnects)

    def _serve(self, stack: ExitStack, system: "IntegratedTradingSystem", page: Page) -> Any:
        """Serve the run from a thread of its own, which ends with it."""
        from mirrorfast.cli.dashboard import say_where
        from mirrorfast.dashboard import DashboardServer, LiveSource
        from mirrorfast.dashboard.control import FolderControl
        from mirrorfast.dashboard.server import dashboard_token
        from mirrorfast.ledger import Ledger

        token, made = dashboard_token()
        # Not Ledger.open: closing the file that it looks at would drop the locks of the writer in this process.
        with Ledger(system.ledger_target, busy_timeout_s=5.0, writable=False, immutable=False) as ledger:
            source = LiveSource(ledger, system.run_id, health=self.health)
        server = DashboardServer(
            source,
            token=token,
            host=page.host,
            port=page.port,
            origins=page.origins,
            control=FolderControl(system.directory),
            controls=page.controls,
        )
        # Last in, first out: the source hears how the run ended before the server lets go.
        stack.enter_context(server)
        stack.push(lambda error, *_: source.end("failed" if error else system.status))
        say_where(server, token if made else None)
        return source
