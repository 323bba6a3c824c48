"""One venue through ccxt: its rate limit, its time, its failures."""

from mirrorfast.data.venue.breaker import Breaker, BreakerOpenError
from mirrorfast.data.venue.client import VenueClient
from mirrorfast.data.venue.counters import Counters
from mirrorfast.data.venue.limiter import RateLimiter, VenueClosedError, Window

__all__ = ["Breaker", "BreakerOpenError", "Counters", "RateLimiter", "VenueClient", "VenueClosedError", "Window"]
