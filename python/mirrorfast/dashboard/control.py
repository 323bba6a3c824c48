"""Halting and resuming from the page: two steps, so that no single click, and no single request, changes anything."""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, get_args

from mirrorfast.errors import ParameterError
from mirrorfast.execution.control import ask_to_halt, ask_to_resume, halt_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Action", "Confirmations", "Control", "FolderControl", "Ticket"]

Action = Literal["halt", "resume"]

_LIFE_S: Final = 60.0
_REASON: Final = 200
#: There are no names: who has the token may.
_WHO: Final = "holder of the dashboard token"


class Control(Protocol):
    """What can stop trading. Whoever implements it writes to the journal who did what, and why."""

    def status(self) -> dict[str, Any]:
        """Return ``halted`` and, where it is, ``reason``."""

    def halt(self, reason: str, *, by: str) -> None:
        """Stop new exposure until a person resumes."""

    def resume(self, reason: str, *, by: str) -> None:
        """Let trading go on."""


class FolderControl:
    """Halts and resumes by the files that the run looks at, and that it journals; works from any process.

    Parameters
    ----------
    folder
        Of the run.

    Raises
    ------
    ParameterError
        When there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ParameterError(f"control: {folder}: expected the folder of the run")
        self._folder = folder

    def status(self) -> dict[str, Any]:
        """Return ``halted`` and why: by this run's file, or that of all runs."""
        halt = halt_of(self._folder) or halt_of(self._folder.parent)
        return {"halted": halt is not None, "reason": None if halt is None else halt.sentence}

    def halt(self, reason: str, *, by: str) -> None:
        """Ask the run to halt."""
        ask_to_halt(self._folder, reason, who=by, source="dashboard")

    def resume(self, reason: str, *, by: str) -> None:
        """Lift the run's halt."""
        ask_to_resume(self._folder, reason, who=by)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request that waits for its confirmation."""

    id: str
    action: Action
    reason: str
    phrase: str
    session: str
    until: float


class Confirmations:
    """Tickets of requests: each is good once, for a minute, for the session that asked.

    Parameters
    ----------
    control
        What is controlled.
    run
        Name of the run, which is part of what a person has to type.
    clock
        Seconds that only go on.
    """

    def __init__(self, control: Control, run: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._control, self._run, self._clock = control, run, clock
        self._tickets: dict[str, Ticket] = {}

    def request(self, action: str, reason: str, session: str) -> Ticket:
        """Ask for something; nothing changes yet.

        Raises
        ------
        ParameterError
            For another action, or without a reason.
        """
        if action not in get_args(Action):
            raise ParameterError(f"action {action!r}: expected halt or resume")
        text = " ".join(reason.split())
        if not 3 <= len(text) <= _REASON:
            raise ParameterError(f"reason of {len(text)} characters: expected 3 to {_REASON}")
        now = self._clock()
        self._tickets = {k: t for k, t in self._tickets.items() if t.until > now and t.session != session}
        chosen: Action = "halt" if action == "halt" else "resume"
        ticket = Ticket(secrets.token_urlsafe(16), chosen, text, f"{action} {self._run}", session, now + _LIFE_S)
        self._tickets[ticket.id] = ticket
        return ticket

    def confirm(self, ticket: str, phrase: str, session: str) -> Ticket:
        """Do what was asked for.

        Raises
        ------
        ParameterError
            When there is no such ticket of this session, it is too old, or the phrase is not the one. The ticket is
            void then.
        """
        asked = self._tickets.pop(ticket, None)
        if asked is None or asked.until <= self._clock() or not hmac.compare_digest(asked.session, session):
            raise ParameterError("confirmation: too late, or asked for by somebody else; ask again")
        if phrase.strip() != asked.phrase:
            raise ParameterError(f"confirmation {phrase!r}: expected {asked.phrase!r}; ask again")
        act = self._control.halt if asked.action == "halt" else self._control.resume
        act(asked.reason, by=_WHO)
        return asked
