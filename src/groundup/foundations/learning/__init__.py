"""Learning from examples, before networks: fit, group, validate, regularize and judge small models by hand.

samples           what every function asks of its input
supervised        a line, a probability, the neighbours, counted words, a tree of questions
unsupervised      groups that nobody named: means, bells, a tree of merges
bias_variance     why a model is wrong: too stiff, too nervous, or the data is noisy; measured
cross_validation  what to train on, what to choose with, what to report; when to stop
regularization    less freedom on purpose: small weights, few weights, dropped inputs, more data
features          which numbers a model gets to see, and which of them say something
metrics           how right, how right where it matters, and how sure with reason

All of it computes in double precision, changes none of its arguments, and draws only from the seed it is given.
"""

import importlib
from typing import Any

_TOPICS = {
    "samples": "squared_distances",
    "supervised.linear": "LinearModel linear_regression linear_regression_by_gradient mean_squared_error r_squared",
    "supervised.logistic": "LogisticModel sigmoid log_loss logistic_gradient logistic_regression logistic_regression_by_gradient",
    "supervised.neighbours": "nearest_rows nearest_neighbours neighbours_mean",
    "supervised.naive_bayes": "WordModel BellModel naive_bayes gaussian_naive_bayes",
    "supervised.tree": "Split Tree gini entropy_impurity best_split decision_tree",
    "unsupervised.k_means": "Clusters plus_plus kmeans_step inertia k_means",
    "unsupervised.mixture": "Mixture log_gaussian expectation_step maximization_step gaussian_mixture bic",
    "unsupervised.hierarchy": "LINKAGES linkage cut",
    "bias_variance": "Decomposition decompose measure polynomial",
    "cross_validation": "split stratified_split k_fold stratified_k_fold cross_validate mean_and_error EarlyStopping early_stopping",
    "regularization.penalties": "ridge lasso soft_threshold largest_penalty l1 l2 decay",
    "regularization.dropout": "dropout_mask dropout_penalty",
    "regularization.augmentation": "jitter shift augment_images mixup",
    "features": "word_counts tf_idf chi_square information_scores best_features Scale standardize",
    "metrics.classification": "Scores confusion_matrix accuracy scores_by_class average_scores binary_scores",
    "metrics.ranking": "roc_curve roc_auc average_precision",
    "metrics.calibration": "Bins reliability expected_calibration_error brier_score",
}
_EXPORTS = {name: topic for topic, names in _TOPICS.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.foundations.learning has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
