"""A breaker for one kind of call at one venue: what keeps failing is left alone, and tried again by one call alone."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from mirrorfast.errors import ParameterError, TemporaryError
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Breaker", "BreakerOpenError"]

_log = get_logger(__name__)


class BreakerOpenError(TemporaryError):
    """The breaker is open: the call was not made.

    Parameters
    ----------
    message : str
        Which, and why.
    retry_in : float
        Seconds until one call may try.
    probing : bool, default False
        A probe is under way.

    Attributes
    ----------
    retry_in : float
        Seconds until one call may try.
    probing : bool
        A probe is under way: its outcome is worth waiting for.
    """

    def __init__(self, message: str, retry_in: float, *, probing: bool = False) -> None:
        super().__init__(message)
        self.retry_in = retry_in
        self.probing = probing


class Breaker:
    """Opens after a number of failures in a row; after a while lets one probe through; closes when that succeeds.

    Parameters
    ----------
    name
        For messages: venue and kind of call.
    failures
        In a row, until it opens.
    open_s, max_open_s
        Time until the first probe; it doubles with every probe that fails, up to the largest.
    counts
        Which errors are failures of the venue; others are its word, and show that it is there.
    opened
        Called each time it opens.

    Raises
    ------
    ParameterError
        When a number is not above 0.

    Examples
    --------
    >>> async def three():
    ...     breaker = Breaker("demo candles", failures=2, open_s=9)
    ...     for _ in range(2):
    ...         try:
    ...             with breaker.guard():
    ...                 raise TimeoutError
    ...         except TimeoutError:
    ...             pass
    ...     return breaker.state
    >>> asyncio.run(three())
    'open'
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 5,
        open_s: float = 5.0,
        max_open_s: float = 60.0,
        counts: Callable[[BaseException], bool] = lambda _: True,
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        if failures < 1 or not open_s > 0 or not max_open_s > 0:
            raise ParameterError(f"breaker {name}: failures = {failures}, open_s = {open_s}: expected numbers > 0")
        self.name = name
        self._limit = failures
        self._first = open_s
        self._most = max(open_s, max_open_s)
        self._counts = counts
        self._opened = opened
        self._failed = 0
        self._until: float | None = None
        self._wait = open_s
        self._probing = False

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        """``closed`` lets calls through, ``open`` refuses them, ``half-open`` waits for a probe."""
        return self.state_at(asyncio.get_running_loop().time())

    def state_at(self, now: float) -> Literal["closed", "open", "half-open"]:
        """Tell its state at a moment; for readers in other threads.

        Parameters
        ----------
        now
            On the event loop's clock.

        Returns
        -------
        str
            As `state`.
        """
        until = self._until
        if until is None:
            return "closed"
        return "open" if now < until else "half-open"

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Make one call under the breaker.

        Yields
        ------
        None
            The call is made in the block.

        Raises
        ------
        BreakerOpenError
            When it is open, or another call is the probe.
        """
        now = asyncio.get_running_loop().time()
        probe = self._until is not None
        if self._until is not None:
            if now < self._until or self._probing:
                retry_in = max(self._until - now, 0.05)
                message = f"{self.name}: not asked: it failed {self._failed} times in a row"
                raise BreakerOpenError(message, retry_in, probing=self._probing)
            self._probing = True
        try:
            yield
        except asyncio.CancelledError:
            raise  # says nothing about the venue
        except BaseException as error:
            if self._counts(error):
                self._fail(probe)
            else:
                self._close()
            raise
        else:
            self._close()
        finally:
            if probe:
                self._probing = False

    def _fail(self, probe: bool) -> None:
        self._failed += 1
        if self._until is not None and not probe:
            return  # let go before it opened: what it found is known
        if probe:
            self._wait = min(self._wait * 2, self._most)
        elif self._failed < self._limit:
            return
        else:
            self._wait = self._first
        self._until = asyncio.get_running_loop().time() + self._wait
        self._opened()
        _log.warning("breaker_opened", breaker=self.name, failures=self._failed, seconds=self._wait)

    def _close(self) -> None:
        if self._until is not None:
            _log.warning("breaker_closed", breaker=self.name)
        self._failed, self._until = 0, None
