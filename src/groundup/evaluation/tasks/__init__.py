"""Tasks with a right answer: `samples` (ask, judge, keep), `instructions` (chat models, accuracy by family, comparison)."""
