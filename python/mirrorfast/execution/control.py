"""The kill switch: a file that says halt, and what became of it.

A halt is asked for by the file ``HALT`` in the folder of a run, or in the folder of all runs. `mirrorfast halt` writes
it, SIGUSR1 has the run write it itself, a person may ``touch`` it: whatever else has broken, a file can still be made.
Asking costs three ``stat`` calls a cycle. The file stays until a person lifts the halt, which leaves ``RESUME`` in its
place; one that merely vanished is made again, and a run whose folder was lost is told by its journal.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import signal
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from mirrorfast.errors import LedgerError, ParameterError
from mirrorfast.redaction import masked
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    import asyncio

    from mirrorfast.ledger import Ledger

__all__ = ["HALT_FILE", "RESUME_FILE", "Change", "Halt", "KillSwitch", "ask_to_halt", "ask_to_resume", "halt_of"]

HALT_FILE: Final = "HALT"
RESUME_FILE: Final = "RESUME"
_LARGEST: Final = 65_536
_log = get_logger(__name__)

Policy = Literal["keep", "close"]


@dataclass(frozen=True, slots=True)
class Halt:
    """Why nothing new is traded.

    Attributes
    ----------
    reason, who
        In a person's words, and that person.
    when
        Milliseconds since the epoch, wall clock.
    source
        ``cli``, ``file``, ``signal``, ``dashboard``, ``journal``, or the part of the program that asked.
    policy
        ``keep``: positions stay with their stops and may be reduced; ``close``: everything is closed. ``None`` leaves
        it to the run's configuration.
    engaged
        When the run took note of it; ``None``: not yet.

    Examples
    --------
    >>> Halt("news", who="ada", when=1_500_000_000_000, source="cli").sentence
    'halted by ada (cli): news'
    """

    reason: str
    who: str
    when: int
    source: str
    policy: Policy | None = None
    engaged: int | None = None

    @property
    def sentence(self) -> str:
        """Tell who halted, how and why."""
        return f"halted by {self.who} ({self.source}): {self.reason}"


@dataclass(frozen=True, slots=True)
class Change:
    """What a look at the switch brought.

    Attributes
    ----------
    kind
        ``halt``, ``resume``, or ``halt_restored`` for a file that vanished while the halt was in force.
    halt
        The halt that is in force now, or was lifted.
    who, reason, when
        Of whoever lifted it.

    Examples
    --------
    >>> change = Change("halt", Halt("news", who="ada", when=0, source="cli", policy="keep"))
    >>> change.sentence
    'halted by ada (cli): news'
    """

    kind: Literal["halt", "resume", "halt_restored"]
    halt: Halt | None
    who: str = ""
    reason: str = ""
    when: int = 0

    @property
    def sentence(self) -> str:
        """Tell what happened, for the journal."""
        if self.kind == "resume":
            return f"halt lifted by {self.who}: {self.reason}"
        said = self.halt.sentence if self.halt else "halted"
        return said if self.kind == "halt" else f"the file {HALT_FILE} vanished and was made again; still {said}"

    def details(self) -> dict[str, Any]:
        """Give the fields for the journal.

        Returns
        -------
        dict
            Who, when (wall clock, ms), why, and the halt.
        """
        halt = asdict(self.halt) if self.halt else None
        if self.kind == "resume":
            return {"who": self.who, "when": self.when, "reason": self.reason, "halt": halt}
        return {"halt": halt}


class KillSwitch:
    """The switch that a run looks at before it does anything.

    Parameters
    ----------
    folder
        Of the run.
    shared
        Folder of all runs: a ``HALT`` there halts each of them.
    policy
        What happens to positions where a halt does not say.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> switch = KillSwitch(Path(folder.name))
    >>> switch.check() is None, switch.halted is None
    (True, True)
    >>> ask_to_halt(Path(folder.name), "news", who="ada", policy="keep")
    >>> switch.check().sentence, switch.check(), switch.halted.who
    ('halted by ada (cli): news', None, 'ada')
    >>> ask_to_resume(Path(folder.name), "over", who="ada")
    >>> switch.check().sentence, switch.halted
    ('halt lifted by ada: over', None)
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path, *, shared: Path | None = None, policy: Policy = "keep") -> None:
        self._folder = folder
        self._policy: Policy = policy
        # Text, not Path: making paths costs more than the calls.
        self._halt = str(folder / HALT_FILE)
        self._resume = str(folder / RESUME_FILE)
        self._shared = None if shared is None else str(shared / HALT_FILE)
        self._halted: Halt | None = None
        self._asked: Halt | None = None
        self._unwritten = False

    @property
    def halted(self) -> Halt | None:
        """The halt in force."""
        return self._halted

    def ask(self, reason: str, *, who: str, source: str, policy: Policy | None = None) -> None:
        """Ask for a halt from within the process; it is engaged at the next look.

        Parameters
        ----------
        reason, who, source, policy
            As of `Halt`.

        Notes
        -----
        Where the file cannot be written (a full disk), the halt holds in memory and in the journal, and it is logged.
        """
        self._asked = self._asked or Halt(masked(reason), who, _now(), source, policy)
        if self._halted is None:
            self._persist(self._asked)

    def listen(self, loop: asyncio.AbstractEventLoop) -> contextlib.AbstractContextManager[None]:
        """Take SIGUSR1 as a request to halt.

        Parameters
        ----------
        loop
            The loop whose thread may handle signals.

        Returns
        -------
        context manager
            While it is open.
        """
        return _listening(self, loop)

    def recall(self, ledger: Ledger, run: str) -> None:
        """Take up a halt that the journal knows, for a folder that was lost or cleaned.

        Parameters
        ----------
        ledger, run
            Where the run is written.
        """
        if not ledger.has_run(run):
            return
        import polars as pl

        said = ledger.frame("incidents", run).filter(pl.col("kind").is_in(["halt", "resume"]))
        if said.height and said["kind"][-1] == "halt" and not self._exists(self._resume):
            halt = json.loads(said["details"][-1]).get("halt") or {}
            when = int(said["ts"].dt.epoch("ms")[-1])
            known = Halt(said["message"][-1], "unknown", when, "journal")
            self._asked = _of(halt, known)

    def check(self) -> Change | None:
        """Look whether anything changed.

        Returns
        -------
        Change or None
            What the run has to act on and to journal; ``None`` nearly always.
        """
        asked = self._exists(self._halt) or (self._shared is not None and self._exists(self._shared))
        if self._halted is None:
            if asked or self._asked is not None:
                return self._engage()
            # With nothing of ours in force a person may still lift what the risk engine halted.
            return self._lift() if self._exists(self._resume) else None
        if asked:
            return None
        if self._exists(self._resume):
            return self._lift()
        # Said once it is there again; where it cannot be written the halt goes on without a file.
        return Change("halt_restored", self._halted) if self._persist(self._halted) else None

    def _engage(self) -> Change:
        halt = self._asked
        for name in (self._halt, self._shared):
            if halt is None and name is not None:
                halt = _read_halt(Path(name))
        halt = halt or Halt("the file vanished as it was read", "unknown", _now(), "file")
        halt = replace(halt, policy=halt.policy or self._policy, engaged=_now())
        self._halted, self._asked = halt, None
        # One that was left from an earlier halt must not lift this one.
        with contextlib.suppress(OSError):
            Path(self._resume).unlink(missing_ok=True)
        self._persist(halt)
        _log.error("halted", **asdict(halt))
        return Change("halt", halt)

    def _lift(self) -> Change:
        document = _read(Path(self._resume))
        change = Change(
            "resume",
            self._halted,
            who=str(document.get("who") or _owner(Path(self._resume))),
            reason=masked(str(document.get("reason") or "no reason given")),
            when=int(document.get("when") or _now()),
        )
        self._halted = None
        with contextlib.suppress(OSError):
            Path(self._resume).unlink()
        _log.warning("halt_lifted", who=change.who, reason=change.reason)
        return change

    def _persist(self, halt: Halt) -> bool:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(Path(self._halt), asdict(halt))
        except OSError as error:
            if not self._unwritten:
                _log.error("halt_not_written", file=self._halt, error=str(error))
            self._unwritten = True
            return False
        self._unwritten = False
        return True

    @staticmethod
    def _exists(name: str) -> bool:
        try:
            os.stat(name)  # noqa: PTH116 - three times a bar
        except FileNotFoundError:
            return False
        except OSError:
            # A folder that cannot be looked into says nothing; the halt that is in force stays.
            return False
        return True


def ask_to_halt(
    folder: Path, reason: str, *, who: str | None = None, source: str = "cli", policy: Policy | None = None
) -> None:
    """Ask a run, running or not, to halt.

    Parameters
    ----------
    folder
        Of the run, or of all runs.
    reason
        In a person's words.
    who
        The person; the user of this process by default.
    source
        Where it comes from.
    policy
        What happens to positions; the run's own by default.

    Raises
    ------
    ParameterError
        When there is no such folder, or no reason.
    LedgerError
        When the file cannot be written.
    """
    if not reason.strip():
        raise ParameterError("reason = '': expected why, for whoever finds the run halted")
    _asking(folder, HALT_FILE, asdict(Halt(masked(reason.strip()), who or _user(), _now(), source, policy)))
    with contextlib.suppress(OSError):  # leave that was given before does not count for this halt
        (folder / RESUME_FILE).unlink(missing_ok=True)


def ask_to_resume(folder: Path, reason: str, *, who: str | None = None) -> None:
    """Lift a run's halt; the run goes on at its next cycle.

    Parameters
    ----------
    folder
        Of the run.
    reason
        Why it may trade again.
    who
        The person; the user of this process by default.

    Raises
    ------
    ParameterError
        When there is no such folder, or no reason.
    LedgerError
        When the files cannot be written.
    """
    if not reason.strip():
        raise ParameterError("reason = '': expected why trading may go on")
    # First the leave, then the halt: killed in between, the halt is still there.
    _asking(folder, RESUME_FILE, {"who": who or _user(), "when": _now(), "reason": masked(reason.strip())})
    try:
        (folder / HALT_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise LedgerError(f"{folder / HALT_FILE}: cannot be removed: {error.strerror}") from error


def halt_of(folder: Path) -> Halt | None:
    """Read the halt of a run or of all runs.

    Parameters
    ----------
    folder
        Of the run, or of all runs.

    Returns
    -------
    Halt or None
        ``None`` where none is asked for.

    Examples
    --------
    >>> halt_of(Path("/nowhere")) is None
    True
    """
    return _read_halt(folder / HALT_FILE)


class _listening:  # noqa: N801 - reads as a statement
    def __init__(self, switch: KillSwitch, loop: asyncio.AbstractEventLoop) -> None:
        self._switch, self._loop, self._set = switch, loop, False

    def __enter__(self) -> None:
        try:
            self._loop.add_signal_handler(signal.SIGUSR1, self._caught)
            self._set = True
        except (AttributeError, NotImplementedError, RuntimeError, ValueError):
            pass  # Windows, or not the main thread: the file and the command are left

    def _caught(self) -> None:
        self._switch.ask("signal SIGUSR1", who="whoever sent the signal", source="signal")

    def __exit__(self, *_: object) -> None:
        if self._set:
            self._loop.remove_signal_handler(signal.SIGUSR1)


def _asking(folder: Path, name: str, document: dict[str, Any]) -> None:
    if not folder.is_dir():
        raise ParameterError(f"{folder}: expected the folder of a run, or of all runs")
    try:
        _write(folder / name, document)
    except OSError as error:
        raise LedgerError(f"{folder / name}: cannot be written: {error.strerror}") from error


def _write(file: Path, document: dict[str, Any]) -> None:
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with fresh.open("w", encoding="utf-8") as handle:
            json.dump(document, handle, indent=1)
            handle.flush()
            os.fsync(handle.fileno())
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Any]:
    """Read whatever a person or a program put there; anything but a JSON object is the reason itself."""
    try:
        with file.open("rb") as handle:
            text = handle.read(_LARGEST).decode("utf-8", "replace").strip()
    except OSError:
        return {}
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {"reason": text[:1_000]}
    return document if isinstance(document, dict) else {"reason": text[:1_000]}


def _read_halt(file: Path) -> Halt | None:
    try:
        when = int(file.stat().st_mtime * 1_000)
    except OSError:
        return None
    return _of(_read(file), Halt(f"the file {file}", _owner(file), when, "file"))


def _of(document: dict[str, Any], default: Halt) -> Halt:
    policy = document.get("policy")
    when, engaged = document.get("when"), document.get("engaged")
    return Halt(
        reason=masked(str(document.get("reason") or default.reason)),
        who=str(document.get("who") or default.who)[:200],
        when=when if isinstance(when, int) else default.when,
        source=str(document.get("source") or default.source)[:40],
        policy=policy if policy in ("keep", "close") else default.policy,
        engaged=engaged if isinstance(engaged, int) else None,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _owner(file: Path) -> str:
    try:
        return file.owner()
    except (KeyError, OSError, NotImplementedError):
        return "unknown"


def _now() -> int:
    return time.time_ns() // 1_000_000
