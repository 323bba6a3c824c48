"""The ledger's tables.

`events` is the journal: append-only, the source of everything else of a run. `decisions`, `orders`, `fills`,
`trades`, `equity`, `weights` and `incidents` are its fold (see `mirrorfast.ledger.journal`); every row of theirs
carries the `seq` of the event that made it. `runs` and `meta` describe; `checkpoints` hold what a run needs to go on.

Only `runs.started`, `runs.finished` and `checkpoints.written` are wall-clock times. They, `seq`, `run` and the client
order ids (which contain the run) are left out of `fingerprint`.
"""

from typing import Final

import sqlalchemy as sa

from mirrorfast.ledger.types import DecimalText, JsonText

__all__ = ["FINGERPRINT_TABLES", "FOLDED_TABLES", "METADATA", "SCHEMA_VERSION", "TABLES"]

SCHEMA_VERSION: Final = 3

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Longest run name.
RUN_LENGTH: Final = 64


def _run() -> sa.Column[str]:
    return sa.Column("run", sa.String(RUN_LENGTH), primary_key=True)


def _seq() -> sa.Column[int]:
    return sa.Column("seq", sa.BigInteger, nullable=False)


def _ts(name: str = "ts") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _money(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, DecimalText, nullable=nullable)


def _id(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def _word(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


META = sa.Table(
    "meta",
    METADATA,
    sa.Column("key", sa.String(32), primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)

RUNS = sa.Table(
    "runs",
    METADATA,
    sa.Column("id", sa.String(RUN_LENGTH), primary_key=True),
    _word("mode", nullable=False),
    sa.Column("config", JsonText, nullable=False),
    sa.Column("config_hash", sa.String(64), nullable=False),
    sa.Column("symbols", JsonText, nullable=False),
    _ts("started"),
    sa.Column("finished", sa.BigInteger),
    _word("status", nullable=False),
    _word("code_version", nullable=False),
    sa.Column("resumed", sa.Integer, nullable=False, default=0),
)

EVENTS = sa.Table(
    "events",
    METADATA,
    _run(),
    _id("seq"),
    _ts(),
    _word("kind", nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
)

DECISIONS = sa.Table(
    "decisions",
    METADATA,
    _run(),
    _id(),
    _seq(),
    _ts(),
    _word("symbol", nullable=False),
    _money("price", nullable=False),
    sa.Column("rule_position", sa.Double),
    sa.Column("rl_position", sa.Double),
    sa.Column("target", sa.Double),
    _word("method"),
    _word("direction"),
    sa.Column("confidence", sa.Double),
    _word("regime"),
    sa.Column("votes", JsonText, nullable=False),
    _word("verdict"),
    sa.Column("reasons", JsonText, nullable=False),
    _money("quantity"),
    _money("stop_price"),
    sa.Column("order_id", sa.BigInteger),
    sa.Index(None, "run", "symbol", "ts"),
)

ORDERS = sa.Table(
    "orders",
    METADATA,
    _run(),
    _id(),
    _id("attempt"),
    sa.Column("client_order_id", sa.String(36), nullable=False, unique=True),
    _seq(),
    sa.Column("decision", sa.BigInteger),
    _ts(),
    _word("symbol", nullable=False),
    _word("side", nullable=False),
    _word("type", nullable=False),
    _money("quantity", nullable=False),
    _money("price"),
    _money("trigger"),
    sa.Column("reduce_only", sa.Boolean, nullable=False),
    _word("purpose", nullable=False),
    _word("tif", nullable=False),
    sa.Column("oco", sa.BigInteger, nullable=False),
    _word("status", nullable=False),
    _word("reason"),
    _word("venue_order_id"),
    _money("filled", nullable=False),
    _ts("updated"),
    sa.Index(None, "run", "status"),
)

FILLS = sa.Table(
    "fills",
    METADATA,
    _run(),
    _id(),
    _seq(),
    sa.Column("order", sa.BigInteger, nullable=False),
    _ts(),
    _word("symbol", nullable=False),
    _word("side", nullable=False),
    _money("quantity", nullable=False),
    _money("price", nullable=False),
    _money("fee", nullable=False),
    _money("slippage", nullable=False),
    _word("liquidity"),
    _word("purpose"),
    _word("venue_trade_id"),
    sa.Column("attempt", sa.BigInteger),
    _word("fee_currency"),
    _money("fee_quantity"),
    # Account currency per unit of the quote currency that price and fee are in; null: it is the account's own.
    _money("rate"),
    # A venue's trade is booked once; nulls (simulated fills) do not collide in SQL.
    sa.UniqueConstraint("run", "symbol", "venue_trade_id"),
)

TRADES = sa.Table(
    "trades",
    METADATA,
    _run(),
    _id(),
    _seq(),
    _word("symbol", nullable=False),
    _word("side", nullable=False),
    _money("quantity", nullable=False),
    _ts("entry_ts"),
    _ts("exit_ts"),
    _money("entry_price", nullable=False),
    _money("exit_price", nullable=False),
    _money("gross", nullable=False),
    _money("fees", nullable=False),
    _money("funding", nullable=False),
    _money("pnl", nullable=False),
    sa.Column("pnl_fraction", sa.Double),
    sa.Column("return_fraction", sa.Double),
    sa.Column("bars", sa.Integer),
    sa.Column("mae", sa.Double),
    sa.Column("mfe", sa.Double),
    _money("slippage", nullable=False),
    _word("exit"),
    sa.Column("entry_decision", sa.BigInteger),
    _money("entry_rate"),
    _money("exit_rate"),
)

EQUITY = sa.Table(
    "equity",
    METADATA,
    _run(),
    _id("ts"),
    _seq(),
    _money("equity", nullable=False),
    _money("cash"),
    _money("exposure"),
    sa.Column("drawdown", sa.Double),
)

WEIGHTS = sa.Table(
    "weights",
    METADATA,
    _run(),
    _id("seq"),
    sa.Column("strategy", sa.String, primary_key=True),
    _ts(),
    sa.Column("weight", sa.Double, nullable=False),
    _word("grade"),
)

INCIDENTS = sa.Table(
    "incidents",
    METADATA,
    _run(),
    _id("seq"),
    _ts(),
    _word("severity", nullable=False),
    _word("kind", nullable=False),
    _word("message", nullable=False),
    sa.Column("details", JsonText, nullable=False),
)

CHECKPOINTS = sa.Table(
    "checkpoints",
    METADATA,
    _run(),
    _id("seq"),
    _ts(),
    sa.Column("engine", sa.LargeBinary, nullable=False),
    sa.Column("broker", sa.LargeBinary, nullable=False),
    sa.Column("feed", JsonText, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    _ts("written"),
)

#: Every table by name.
TABLES: Final[dict[str, sa.Table]] = dict(METADATA.tables)
#: What the journal's events make, in the order in which rows are written.
FOLDED_TABLES: Final = ("decisions", "orders", "fills", "trades", "equity", "weights", "incidents")
#: What two runs must share to count as equal.
FINGERPRINT_TABLES: Final = ("decisions", "orders", "fills", "trades", "equity")
