"""Exchanges by the name that a command was given."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mirrorfast.config.data import DataConfig
    from mirrorfast.data.fetcher import MarketDataFetcher

__all__ = ["opened"]


@asynccontextmanager
async def opened(name: str, config: DataConfig) -> AsyncIterator[MarketDataFetcher]:
    """Open a fetcher for an exchange; ``simulator`` starts one in this process.

    Parameters
    ----------
    name
        ccxt's name, or ``simulator``.
    config
        How to fetch.

    Yields
    ------
    MarketDataFetcher
        Closed at the end, with the simulator if there is one.
    """
    from mirrorfast.data.fetcher import MarketDataFetcher

    if name != "simulator":
        async with MarketDataFetcher(name, config) as fetcher:
            yield fetcher
        return
    from mirrorfast.simulator import Simulator
    from mirrorfast.simulator.thread import running

    # In a thread of its own: what it costs to be an exchange is not the client's event loop's to pay.
    with running(Simulator()) as venue:
        async with MarketDataFetcher("binance", config.model_copy(update={"base_url": venue.url})) as fetcher:
            yield fetcher
