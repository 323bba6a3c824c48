"""Where a search keeps its results, so that a run that is killed goes on instead of beginning again."""

from __future__ import annotations

import json
import math
import sqlite3
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mirrorfast.backtest.many import Figures
from mirrorfast.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ResultStore"]

_LAYOUT = 1


class ResultStore:
    """Figures by key, in one SQLite file; each is on disk when it has been put.

    Parameters
    ----------
    path
        File, made where it is absent.

    Raises
    ------
    LedgerError
        When the file cannot be used, or is something else.
    """

    def __init__(self, path: Path) -> None:
        self._name = f"sweep results {path}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            found = int(self._db.execute("PRAGMA user_version").fetchone()[0])
            tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if found not in {0, _LAYOUT} or (found == 0 and tables):
                raise LedgerError(f"{self._name}: not a file of sweep results of this release; nothing was changed")
            with self._db:
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS results "
                    "(key TEXT PRIMARY KEY, stats TEXT, blocks BLOB, error TEXT) WITHOUT ROWID"
                )
                self._db.execute(f"PRAGMA user_version = {_LAYOUT}")
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"{self._name}: {error}") from error

    def get(self, key: str) -> Figures | None:
        """Figures of a key, or ``None``."""
        try:
            row = self._db.execute("SELECT stats, blocks, error FROM results WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise LedgerError(f"{self._name}: {error}") from error
        if row is None:
            return None
        stats = {name: math.nan if value is None else value for name, value in json.loads(row[0]).items()}
        blocks = None if row[1] is None else np.frombuffer(row[1], dtype="<f8").reshape(-1, 3)
        return Figures(stats=stats, blocks=blocks, error=row[2])

    def put(self, key: str, figures: Figures) -> None:
        """Keep figures under a key."""
        stats: dict[str, Any] = {k: v if math.isfinite(v) else None for k, v in figures.stats.items()}
        blocks = None if figures.blocks is None else figures.blocks.astype("<f8").tobytes()
        try:
            with self._db:
                self._db.execute(
                    "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)",
                    (key, json.dumps(stats), blocks, figures.error),
                )
        except sqlite3.Error as error:
            raise LedgerError(f"{self._name}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
