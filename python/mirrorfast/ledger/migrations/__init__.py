"""Schema revisions, numbered; applied by `mirrorfast.ledger.store` when a ledger is opened."""
