"""Names that both the ledger and a venue know an order by."""

import hashlib
import re
from typing import Final

from mirrorfast.errors import ParameterError
from mirrorfast.ledger.schema import RUN_LENGTH

__all__ = ["check_run", "client_order_id"]

_RUN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
#: Binance allows 36 characters, the least of the venues that count.
_CLIENT_ID_LENGTH: Final = 36


def client_order_id(run: str, order: int, attempt: int = 1) -> str:
    """Name an order so that the same order always has the same name, and no other has it.

    Parameters
    ----------
    run
        Name of the run.
    order
        Number of the order within the run, from 1.
    attempt
        1 for the first sending; a re-send after a proved non-acceptance takes the next number.

    Returns
    -------
    str
        `mf-{run hash}-{order}-{attempt}`: at most 36 characters out of `[A-Za-z0-9-]`, which every venue takes.

    Raises
    ------
    ParameterError
        When a number is below 1 or the name would be too long.

    Examples
    --------
    >>> client_order_id("demo", 17)
    'mf-2a97516c-17-1'
    """
    if order < 1 or attempt < 1:
        raise ParameterError(f"order {order}, attempt {attempt}: expected numbers >= 1")
    name = f"mf-{hashlib.sha256(run.encode()).hexdigest()[:8]}-{order}-{attempt}"
    if len(name) > _CLIENT_ID_LENGTH:
        raise ParameterError(f"client order id {name!r}: expected at most {_CLIENT_ID_LENGTH} characters")
    return name


def check_run(run: str) -> str:
    """Return the run's name if it can serve as one.

    Raises
    ------
    ParameterError
        Unless it has 1–64 characters out of `[A-Za-z0-9._-]`, the first a letter or digit: file names contain it.
    """
    if not _RUN.match(run) or len(run) > RUN_LENGTH:
        raise ParameterError(
            f"run {run!r}: expected 1-{RUN_LENGTH} characters out of A-Z a-z 0-9 . _ - , first a letter or digit"
        )
    return run
