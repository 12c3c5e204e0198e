"""Toy games whose reward is a declared sum of terms over overlapping groups of agents, so the true credit is known."""

from toy_envs.core import Game, OneShotGame, RewardTerm, Step, agent_names

__all__ = ["Game", "OneShotGame", "RewardTerm", "Step", "agent_names"]
