"""Environments: who asks, who judges, and what is kept of it (`rollouts`)."""
