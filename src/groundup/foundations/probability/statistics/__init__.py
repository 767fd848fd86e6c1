"""Statistics: what a sample lets one say of what it was drawn from.

hypothesis_tests   could it be luck: z, t, Welch and permutation tests, their p-values and intervals
bootstrap          the sample drawn from itself: percentile and BCa intervals
multiple_testing   many tests at once: Bonferroni, Holm, Benjamini-Hochberg
"""

import importlib
from typing import Any

_EXPORTS = {
    "Significance": "hypothesis_tests",
    "z_test": "hypothesis_tests",
    "t_test": "hypothesis_tests",
    "paired_test": "hypothesis_tests",
    "welch_test": "hypothesis_tests",
    "permutation_test": "hypothesis_tests",
    "mean_interval": "hypothesis_tests",
    "rejection_rate": "hypothesis_tests",
    "coverage": "hypothesis_tests",
    "bootstrap_statistics": "bootstrap",
    "bootstrap_interval": "bootstrap",
    "bca_interval": "bootstrap",
    "bonferroni": "multiple_testing",
    "holm": "multiple_testing",
    "benjamini_hochberg": "multiple_testing",
    "false_discoveries": "multiple_testing",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(
            f"groundup.foundations.probability.statistics has no {name!r}; it has {', '.join(_EXPORTS)}"
        )
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
