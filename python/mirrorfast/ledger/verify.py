"""Checks that a run's journal is whole and that the tables are what it says."""

import json
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from mirrorfast.errors import LedgerError
from mirrorfast.ledger.events import Event
from mirrorfast.ledger.journal import GENESIS, Fold, Rows, digest_of
from mirrorfast.ledger.schema import EVENTS, FOLDED_TABLES, TABLES
from mirrorfast.ledger.types import DecimalText, json_text

if TYPE_CHECKING:
    from mirrorfast.ledger.store import Verification

__all__ = ["verify"]

#: Differences listed before the rest is only counted.
_LISTED: Final = 20


def verify(connection: sa.Connection, run: str) -> "Verification":
    """Fold the journal of a run again and compare row by row.

    Parameters
    ----------
    connection
        A reading connection.
    run
        Name of the run.
    """
    from mirrorfast.ledger.store import Verification

    problems: list[str] = []
    fold, rows = Fold(run), Rows()
    digest, expected, count = GENESIS, 0, 0
    for row in connection.execute(sa.select(EVENTS).where(EVENTS.c.run == run).order_by(EVENTS.c.seq)):
        count += 1
        expected += 1
        if row.seq != expected:
            problems.append(f"events: {row.seq - expected} lines are missing before event {row.seq}")
            expected = row.seq
        digest = digest_of(digest, row.seq, row.ts, row.kind, row.payload)
        if digest != row.digest:
            problems.append(f"events: event {row.seq} ({row.kind}) is not the one that was written")
            digest = row.digest
        try:
            fold.apply(Event(row.ts, row.kind, json.loads(row.payload), row.seq), rows)
        except (LedgerError, ValueError, KeyError, TypeError, ArithmeticError) as error:
            problems.append(f"events: event {row.seq} ({row.kind}) cannot be folded: {error}")
    compared = {name: _compare(connection, run, name, rows.inserts[name], problems) for name in FOLDED_TABLES}
    if len(problems) > _LISTED:
        problems[_LISTED:] = [f"… and {len(problems) - _LISTED} more"]
    return Verification(run, count, compared, digest.hex(), problems)


def _compare(connection: sa.Connection, run: str, name: str, folded: list[dict[str, Any]], problems: list[str]) -> int:
    table = TABLES[name]
    keys = [c.name for c in table.primary_key.columns if c.name != "run"]
    columns = [
        sa.type_coerce(c, sa.Text).label(c.name) if isinstance(c.type, DecimalText) else c for c in table.columns
    ]
    wanted = {tuple(row[k] for k in keys): row for row in folded}
    count = 0
    for stored in connection.execute(sa.select(*columns).where(table.c.run == run)).mappings():
        count += 1
        key = tuple(stored[k] for k in keys)
        label = ", ".join(f"{k} {v}" for k, v in zip(keys, key, strict=True))
        row = wanted.pop(key, None)
        if row is None:
            problems.append(f"{name}: {label} is in the table but not in the journal")
            continue
        for column, value in stored.items():
            if not _same(row.get(column), value):
                problems.append(f"{name}: {label}: {column} is {value!r}, the journal says {row.get(column)!r}")
    problems.extend(
        f"{name}: {', '.join(f'{k} {v}' for k, v in zip(keys, key, strict=True))} is missing" for key in wanted
    )
    return count


def _same(a: Any, b: Any) -> bool:
    return a == b or json_text(a) == json_text(b)
