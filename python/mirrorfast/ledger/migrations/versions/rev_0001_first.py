"""First schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _run() -> sa.Column[str]:
    return sa.Column("run", sa.String(64), primary_key=True)


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def _big(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _text(*names: str, nullable: bool = True) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names]


def _word(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


def _double(*names: str, nullable: bool = True) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double, nullable=nullable) for name in names]


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(64), nullable=False),
        _word("mode", nullable=False),
        *_text("config", nullable=False),
        sa.Column("config_hash", sa.String(64), nullable=False),
        *_text("symbols", nullable=False),
        _big("started"),
        _big("finished", nullable=True),
        _word("status", nullable=False),
        _word("code_version", nullable=False),
        sa.Column("resumed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_table(
        "events",
        _run(),
        _key("seq"),
        _big("ts"),
        _word("kind", nullable=False),
        *_text("payload", nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_events"),
    )
    op.create_table(
        "decisions",
        _run(),
        _key("id"),
        _big("seq"),
        _big("ts"),
        _word("symbol", nullable=False),
        *_text("price", nullable=False),
        *_double("rule_position", "rl_position", "target"),
        _word("method"),
        _word("direction"),
        *_double("confidence"),
        _word("regime"),
        *_text("votes", nullable=False),
        _word("verdict"),
        *_text("reasons", nullable=False),
        *_text("quantity", "stop_price"),
        _big("order_id", nullable=True),
        sa.PrimaryKeyConstraint("run", "id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_run_symbol_ts", "decisions", ["run", "symbol", "ts"])
    op.create_table(
        "orders",
        _run(),
        _key("id"),
        _key("attempt"),
        sa.Column("client_order_id", sa.String(36), nullable=False),
        _big("seq"),
        _big("decision", nullable=True),
        _big("ts"),
        _word("symbol", nullable=False),
        _word("side", nullable=False),
        _word("type", nullable=False),
        *_text("quantity", nullable=False),
        *_text("price", "trigger"),
        sa.Column("reduce_only", sa.Boolean, nullable=False),
        _word("purpose", nullable=False),
        _word("tif", nullable=False),
        _big("oco"),
        _word("status", nullable=False),
        _word("reason"),
        _word("venue_order_id"),
        *_text("filled", nullable=False),
        _big("updated"),
        sa.PrimaryKeyConstraint("run", "id", "attempt", name="pk_orders"),
        sa.UniqueConstraint("client_order_id", name="uq_orders_client_order_id"),
    )
    op.create_index("ix_orders_run_status", "orders", ["run", "status"])
    op.create_table(
        "fills",
        _run(),
        _key("id"),
        _big("seq"),
        _big("order"),
        _big("ts"),
        _word("symbol", nullable=False),
        _word("side", nullable=False),
        *_text("quantity", "price", "fee", "slippage", nullable=False),
        _word("liquidity"),
        _word("purpose"),
        _word("venue_trade_id"),
        sa.PrimaryKeyConstraint("run", "id", name="pk_fills"),
        sa.UniqueConstraint("run", "symbol", "venue_trade_id", name="uq_fills_run_symbol_venue_trade_id"),
    )
    op.create_table(
        "trades",
        _run(),
        _key("id"),
        _big("seq"),
        _word("symbol", nullable=False),
        _word("side", nullable=False),
        *_text("quantity", nullable=False),
        _big("entry_ts"),
        _big("exit_ts"),
        *_text("entry_price", "exit_price", "gross", "fees", "funding", "pnl", nullable=False),
        *_double("pnl_fraction", "return_fraction"),
        sa.Column("bars", sa.Integer),
        *_double("mae", "mfe"),
        *_text("slippage", nullable=False),
        _word("exit"),
        _big("entry_decision", nullable=True),
        sa.PrimaryKeyConstraint("run", "id", name="pk_trades"),
    )
    op.create_table(
        "equity",
        _run(),
        _key("ts"),
        _big("seq"),
        *_text("equity", nullable=False),
        *_text("cash", "exposure"),
        *_double("drawdown"),
        sa.PrimaryKeyConstraint("run", "ts", name="pk_equity"),
    )
    op.create_table(
        "weights",
        _run(),
        _key("seq"),
        sa.Column("strategy", sa.String, primary_key=True),
        _big("ts"),
        *_double("weight", nullable=False),
        _word("grade"),
        sa.PrimaryKeyConstraint("run", "seq", "strategy", name="pk_weights"),
    )
    op.create_table(
        "incidents",
        _run(),
        _key("seq"),
        _big("ts"),
        _word("severity", nullable=False),
        _word("kind", nullable=False),
        _word("message", nullable=False),
        *_text("details", nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_incidents"),
    )
    op.create_table(
        "checkpoints",
        _run(),
        _key("seq"),
        _big("ts"),
        sa.Column("engine", sa.LargeBinary, nullable=False),
        sa.Column("broker", sa.LargeBinary, nullable=False),
        *_text("feed", nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        _big("written"),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_checkpoints"),
    )
