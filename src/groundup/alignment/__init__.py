"""What is preferred: reinforcement by rewards that can be checked (grpo)."""
