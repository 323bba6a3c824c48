"""The exception tree: classes are named by what the caller must do.

Rust raises these same classes, so an error is the same object whichever side found it.
"""

from typing import ClassVar

__all__ = [
    "BiasError",
    "ConfigurationError",
    "DataError",
    "ExchangeError",
    "InternalError",
    "LedgerError",
    "LedgerVersionError",
    "MirrorfastError",
    "ModelError",
    "OrderRejected",
    "ParameterError",
    "RiskRefusal",
    "ShapeError",
    "StaleDataError",
    "TemporaryError",
    "UserCodeError",
]


class MirrorfastError(Exception):
    """Base of every error that mirrorfast raises on purpose.

    Attributes
    ----------
    exit_status : int
        Exit status of a command that ends with it: 1 for a failure, 2 for bad input.

    Examples
    --------
    >>> issubclass(DataError, MirrorfastError), DataError.exit_status, LedgerError.exit_status
    (True, 2, 1)
    """

    exit_status: ClassVar[int] = 1


class ConfigurationError(MirrorfastError, ValueError):
    """A configuration cannot be used: stop and mend it."""

    exit_status = 2


class ParameterError(MirrorfastError, ValueError):
    """A parameter is unknown or out of its range."""

    exit_status = 2


class DataError(MirrorfastError, ValueError):
    """Market data cannot be used; the message names file or symbol, row, column and value."""

    exit_status = 2


class ShapeError(DataError):
    """Arrays that belong together differ in length, or a table lacks a column."""


class StaleDataError(DataError):
    """The newest bar is too old to decide on."""


class LedgerError(MirrorfastError):
    """The ledger cannot be opened, read or written."""


class LedgerVersionError(LedgerError):
    """The ledger was written by a newer release; the message names its version."""

    exit_status = 2


class ExchangeError(MirrorfastError):
    """The venue, or the way to it, failed."""


class TemporaryError(ExchangeError):
    """Worth trying again later."""


class OrderRejected(ExchangeError):  # noqa: N818 - the term of the field
    """The venue proved that it did not accept the order."""


class RiskRefusal(MirrorfastError):  # noqa: N818 - the term of the field
    """The risk engine refused an order; the message says which rule and why."""


class ModelError(MirrorfastError):
    """A model file does not fit its card or this release."""


class UserCodeError(MirrorfastError):
    """A strategy, indicator or classifier of your own failed; the message names it, the symbol and the bar: mend it."""

    exit_status = 2


class BiasError(UserCodeError):
    """A strategy of your own looks ahead, or looks further back than it says: its backtest would not come true."""


class InternalError(MirrorfastError):
    """A bug in mirrorfast: please report it."""
