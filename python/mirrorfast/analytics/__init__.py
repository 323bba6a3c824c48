"""What a run's records say: figures of its equity, and of its trades."""
