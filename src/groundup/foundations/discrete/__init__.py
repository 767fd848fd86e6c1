"""What can be counted: who reaches whom, in how many ways, and which belong together.

graphs         arrows between nodes as a matrix: shortest paths, what layers of attention can see, who is central
combinatorics  how many sequences, cuts and vocabularies there are; when two hashes collide
sets_logic     how alike two sets are; masks as sets; formulas that say the same
"""

import importlib
from typing import Any

_EXPORTS = {
    "adjacency": "graphs",
    "shortest_paths": "graphs",
    "reachable": "graphs",
    "pagerank": "graphs",
    "segmentations": "combinatorics",
    "birthday_collision": "combinatorics",
    "birthday_items": "combinatorics",
    "jaccard": "sets_logic",
    "truth_table": "sets_logic",
    "equivalent": "sets_logic",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.foundations.discrete has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
