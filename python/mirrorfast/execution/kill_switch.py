"""The kill switch: a file. It works while the venue, the database and the program are down, and a person clears it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KillSwitch"]


class KillSwitch:
    """On while its file exists, across restarts, until a person takes it away.

    Parameters
    ----------
    path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     switch = KillSwitch(Path(folder) / "KILL")
    ...     before = switch.reason
    ...     switch.engage("too many surprises")
    ...     after = KillSwitch(Path(folder) / "KILL").reason
    >>> before, after.partition(" ")[2]
    ('', 'too many surprises')
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def reason(self) -> str:
        """Why it is on, with the time; empty while it is off. A file that cannot be read counts as on."""
        try:
            return self.path.read_text(encoding="utf-8", errors="replace").strip()[:500] or "on"
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"{self.path} cannot be read: {error.strerror}"

    def engage(self, reason: str) -> None:
        """Switch it on; the first reason stays.

        Parameters
        ----------
        reason
            For whoever has to clear it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {reason}\n")
            file.flush()
            os.fsync(file.fileno())

    def clear(self) -> None:
        """Switch it off."""
        self.path.unlink(missing_ok=True)
