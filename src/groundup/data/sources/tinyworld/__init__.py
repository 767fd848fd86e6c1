"""A generated world whose exact entropy is known: stories, dialogues, questions with checkable answers.

In reading order: `lexicon` the words; `words` their forms and weights; `grammar` how productions are written and walked;
`oracles` the drawing and the reading; `world` the state, the facts and the held-out pairs; `arithmetic` the numbers;
`choices` and `vocabulary` what templates may name; `tasks`, `stories`, `dialogues`, `tables`, `texts` the productions;
`documents` sampling, splits and entropy; `questions` instructions in chat form; `reward` right, nearly right and
preferred answers.
"""

from importlib import import_module

_HOME = {
    "sample": "documents", "parse": "documents", "entropy": "documents", "tiny_grammar": "documents",
    "TinyDocument": "documents",
    "Derivation": "oracles", "Entropy": "documents",
    "facts": "world", "World": "world", "held_out": "world",
    "instructions": "questions", "Instruction": "questions",
    "check": "reward", "gold_reward": "reward", "taste": "reward", "preference": "reward", "Preference": "reward", "mannered": "reward",
    "FAMILIES": "tasks", "HARD_FAMILIES": "tasks",
}  # fmt: skip
__all__ = list(_HOME)


def __getattr__(name: str):
    """Load a public name from its file on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
