"""Reinforcement learning: environment, training, evaluation, and the policies that come out of it."""

from mirrorfast.rl.card import ActionCard, ModelCard, ObservationCard
from mirrorfast.rl.policy import Policy

__all__ = ["ActionCard", "ModelCard", "ObservationCard", "Policy"]
