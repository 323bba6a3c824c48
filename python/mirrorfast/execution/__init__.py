"""Execution: brokers and the event loop that stands between a decision and money."""
