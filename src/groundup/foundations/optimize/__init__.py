"""How to walk downhill: from one step against the gradient to Adam, constraints, and a map of the terrain.

gradient_descent  a step against the gradient; on all examples, on some, on one
momentum          the steps remember those before: heavy ball, Nesterov
adaptive          each coordinate has a step length of its own: RMSprop, Adam, AdamW
convexity         where there is one valley, how fast its bottom is reached, and what the condition number costs
lagrange          the lowest point that is allowed: multipliers, KKT, projected gradient
loss_landscape    millions of weights seen in two directions, with the way that an optimizer took

Every optimizer is a function of a gradient and a start that gives back its whole path, one point a row.
`gradient_descent` has the name of its file, so it is imported from there: optimize.gradient_descent.gradient_descent.
"""

import importlib
from typing import Any

_EXPORTS = {
    "stochastic_gradient_descent": "gradient_descent",
    "batches": "gradient_descent",
    "gradient_noise": "gradient_descent",
    "heavy_ball": "momentum",
    "nesterov": "momentum",
    "nesterov_lookahead": "momentum",
    "rmsprop": "adaptive",
    "adam": "adaptive",
    "adamw": "adaptive",
    "Quadratic": "convexity",
    "convexity_test": "convexity",
    "set_convexity_test": "convexity",
    "condition_number": "convexity",
    "contraction": "convexity",
    "measured_contraction": "convexity",
    "kkt": "lagrange",
    "quadratic_program": "lagrange",
    "check_kkt": "lagrange",
    "projected_gradient": "lagrange",
    "project_onto_box": "lagrange",
    "project_onto_ball": "lagrange",
    "project_onto_simplex": "lagrange",
    "filter_normalized": "loss_landscape",
    "random_direction": "loss_landscape",
    "loss_line": "loss_landscape",
    "loss_slice": "loss_landscape",
    "project_path": "loss_landscape",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.foundations.optimize has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
