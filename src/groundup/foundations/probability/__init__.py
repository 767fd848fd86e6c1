"""How to reckon with chance: from the density of one number to the decision after an experiment.

special        the functions that no formula ends in: log gamma, the incomplete beta and gamma
distributions  density, sampling and moments, each by hand
bayes          what is believed before and after the data
mle            the parameters that make the data likeliest, and with a prior
statistics     tests, intervals, the bootstrap; many tests at once
ab_testing     how many users, and when to stop looking
"""

import importlib
from typing import Any

_EXPORTS = {
    "log_gamma": "special",
    "incomplete_beta": "special",
    "incomplete_gamma": "special",
    "Normal": "distributions",
    "Exponential": "distributions",
    "Gamma": "distributions",
    "Beta": "distributions",
    "Dirichlet": "distributions",
    "Bernoulli": "distributions",
    "Binomial": "distributions",
    "Poisson": "distributions",
    "Categorical": "distributions",
    "box_muller": "distributions",
    "marsaglia_tsang": "distributions",
    "posterior": "bayes",
    "grid_posterior": "bayes",
    "credible_interval": "bayes",
    "maximum_likelihood": "mle",
    "maximum_a_posteriori": "mle",
    "z_test": "statistics",
    "t_test": "statistics",
    "welch_test": "statistics",
    "permutation_test": "statistics",
    "mean_interval": "statistics",
    "bootstrap_interval": "statistics",
    "bca_interval": "statistics",
    "bonferroni": "statistics",
    "holm": "statistics",
    "benjamini_hochberg": "statistics",
    "sample_size": "ab_testing",
    "power_of": "ab_testing",
    "peeking": "ab_testing",
    "boundaries": "ab_testing",
    "always_valid": "ab_testing",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.foundations.probability has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
