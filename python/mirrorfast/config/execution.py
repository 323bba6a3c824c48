"""How orders are sent to a venue, and what stops them."""

from typing import Literal

from mirrorfast.config.base import Settings, option

__all__ = ["ExecutionConfig"]


class ExecutionConfig(Settings):
    """Live execution; paper runs read nothing of this.

    Examples
    --------
    >>> ExecutionConfig(recv_window_ms=2_000).clock_slack_ms
    1000
    """

    recv_window_ms: int = option(
        5_000, "time for which the venue may accept a request that it gets late", unit="ms", ge=50, le=60_000
    )
    clock_slack_ms: int = option(
        1_000,
        "added to it before 'order not found' is believed: a venue takes requests from the future by as much",
        unit="ms",
        ge=50,
        le=60_000,
    )
    order_timeout_s: float = option(10.0, "longest time for the answer to an order", unit="seconds", gt=0, le=600)
    poll_s: float = option(
        5.0, "how often an open order is asked for, with or without a stream", unit="seconds", gt=0, le=3_600
    )
    not_found_tries: int = option(
        3, "answers 'not found' in a row before an order that was accepted is looked for elsewhere", unit="tries", ge=2,
        le=100,
    )  # fmt: skip
    not_found_span_s: float = option(3.0, "least time over which they are spread", unit="seconds", ge=0, le=3_600)
    attempts: int = option(
        3, "sendings of one order, each after proof that none before it counts", unit="sendings", ge=1, le=20
    )
    resend_entry_s: float = option(
        30.0, "an entry is not sent again when its decision is older than this", unit="seconds", ge=0, le=86_400
    )
    stream: bool = option(True, "listen to the account's own stream; REST remains the truth")
    reconcile_s: float = option(
        60.0, "how often orders, balances and positions are compared with the book", unit="seconds", gt=0, le=86_400
    )
    unprotected_s: float = option(
        30.0, "longest time that a position may be without its protective stop before it is closed", unit="seconds",
        gt=0, le=86_400,
    )  # fmt: skip
    max_data_age_bars: float = option(
        1.0, "no new exposure from a bar that closed longer ago than this", unit="bars", gt=0, le=1_000
    )
    max_orders_per_minute: int = option(60, "entries that may be sent in a minute", unit="orders", ge=1, le=100_000)
    max_order_notional: float | None = option(
        None, "largest notional of one entry; absent: no limit but the risk rules'", unit="quote currency", gt=0,
        le=1e15,
    )  # fmt: skip
    max_daily_loss: float = option(
        0.05, "loss since 00:00 UTC from which no entry is sent that day", unit="fraction of equity", gt=0, le=1
    )
    max_drawdown: float = option(0.20, "drawdown from which no entry is sent", unit="fraction of equity", gt=0, le=1)
    on_stop: Literal["keep", "cancel"] = option("keep", "what becomes of resting orders when the daemon stops")
    drain_s: float = option(
        20.0, "longest time to settle orders under way when the daemon stops", unit="seconds", gt=0, le=3_600
    )
    leverage: int = option(1, "leverage of perpetuals", unit="× margin", ge=1, le=125)
    margin_mode: Literal["isolated", "cross"] = option("isolated", "margin mode of perpetuals")
    sandbox: bool = option(False, "the venue's test network")
