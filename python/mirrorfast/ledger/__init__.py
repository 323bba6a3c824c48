"""Journal and ledger: every transition of a run, and its fold, in one durable database."""

from mirrorfast.ledger.events import Batch
from mirrorfast.ledger.identifiers import client_order_id
from mirrorfast.ledger.store import Ledger, Verification
from mirrorfast.ledger.writer import Checkpoint, RunWriter

__all__ = ["Batch", "Checkpoint", "Ledger", "RunWriter", "Verification", "client_order_id"]
