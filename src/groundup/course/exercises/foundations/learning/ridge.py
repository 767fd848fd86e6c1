"""Exercise: least squares with weights that cost something."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def given():
    """The numbers of the cases."""
    import numpy as np

    TWO = np.array([[-1.0], [1.0]])
    return TWO


def case(count, features):
    """Features of different scale and answers, the same at every call."""
    import numpy as np

    source = np.random.default_rng(count + 10 * features)
    x = source.normal(size=(count, features)) * np.arange(1, features + 1) + 1
    return x.round(2), source.normal(size=count).round(2)


def by_hand(x, y, penalty):
    """The normal equations of the centred table: (X'X + n penalty I) w = X'y."""
    import numpy as np

    centred, count = x - x.mean(axis=0), len(x)
    weights = np.linalg.solve(centred.T @ centred + count * penalty * np.eye(x.shape[1]), centred.T @ (y - y.mean()))
    return weights, float(y.mean() - x.mean(axis=0) @ weights)


@check("shape")
def one_weight_a_feature(mine):
    """Gives something else than one weight for each feature: the intercept stands apart."""
    for features in (1, 3):
        shape(mine(*case(6, features), 0.5).weights, (features,))


@check("values")
def a_feature_alone(mine):
    """Is not 2 / (1 + 3) for a feature of variance 1, a least-squares weight of 2 and a penalty of 3."""
    import numpy as np

    TWO = given()

    mistakes = {
        "Lets the penalty fade as examples are added: it stands beside the mean of the squares, so beside their sum it counts n "
        "times.": np.array([4 / 5]),
        "Puts the penalty itself into the added rows: they are squared in the loss, so it is its root that stands there.": np.array(
            [4 / 38]
        ),
        "Counts the penalty twice: both the squares and |w|^2 are halved.": np.array([4 / 14]),
        "Punishes |w| itself: that is the lasso.": np.array([0.0]),
    }
    same(mine(TWO, np.array([-2.0, 2.0]), 3.0).weights, np.array([0.5]), mistakes=mistakes)


@check("values")
def what_the_data_hardly_shows_shrinks_most(mine):
    """Shrinks all weights by one factor: a feature of small variance shrinks more than one of large variance."""
    import numpy as np

    x = np.array([[2.0, 0.1], [2.0, -0.1], [-2.0, 0.1], [-2.0, -0.1]])
    same(mine(x, x @ [1.0, 1.0], 1.0).weights, np.array([4 / 5, 0.01 / 1.01]))


@check("values")
def the_same_examples_twice_change_nothing(mine):
    """Changes its weights when every example is given twice: the loss is a mean, so they stay."""
    import numpy as np

    TWO = given()

    same(
        mine(np.tile(TWO, (2, 1)), np.array([-2.0, 2.0, -2.0, 2.0]), 3.0).weights,
        mine(TWO, np.array([-2.0, 2.0]), 3.0).weights,
    )


@check("values")
def the_intercept_costs_nothing(mine):
    """Lets the penalty pull on the intercept: answers that are all higher by 100 want the same weights and an intercept higher by 100."""
    none = "Has no intercept: x and y have to be centred before the fit, and their means come back in the intercept."
    for features in (1, 2):
        x, y = case(6, features)
        weights, intercept = by_hand(x, y + 100, 0.5)
        got = mine(x, y + 100, 0.5)
        same(
            got.intercept,
            intercept,
            mistakes={
                none: 0.0,
                "Gives the mean of y as the intercept: x has a mean too, and w . mean(x) is taken off.": float(
                    y.mean() + 100
                ),
            },
        )
        same(got.weights, weights)


@check("values")
def without_a_penalty_it_is_least_squares(mine):
    """Differs from least squares where the penalty is 0."""
    import numpy as np

    for features in (1, 2):
        x, y = case(6, features)
        same(mine(x, y, 0.0).weights, np.linalg.lstsq(np.column_stack([x, np.ones(6)]), y)[0][:-1])


@check("values")
def more_features_than_examples(mine):
    """Fails where there are more features than examples: with a penalty there is one minimum all the same."""
    import numpy as np

    x, y = case(2, 4)
    that(
        np.allclose(mine(x, y, 0.3).weights, by_hand(x, y, 0.3)[0]),
        expected=by_hand(x, y, 0.3)[0],
        got=mine(x, y, 0.3).weights,
    )


PULLS = "math.sqrt(count * penalty)"

EXERCISE = Exercise(
    slot="foundations.learning.ridge",
    title="Ridge regression: weights that cost something",
    task="""
    Where features say nearly the same, least squares gives one a huge weight and the other a huge negative one, to fit
    noise. Let weights cost something: find the w and b with the smallest 1/(2n) |y - Xw - b|^2 + penalty/2 |w|^2. The
    intercept b is free, since the height of the answers is no sign of a wild model. The same penalty on the weights of
    a network is called weight decay.

    Give back LinearModel(weights, intercept). `least_squares(matrix, b)` is given; so are the checks of the input
    (`with_penalty`).
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("foundations.learning.supervised", "foundations.linalg.qr"),
    hints=(
        "First get rid of the intercept: take the mean off every column and off y. What is left has none.",
        "Then the loss times 2n is |y - Xw|^2 + n penalty |w|^2, and the second part is a sum of squares too: (0 - sqrt(n penalty) w_j)^2.",
        "So ridge is least squares with d more examples: the rows sqrt(n penalty) times the identity below X, zeros below y. The "
        "intercept is mean(y) - mean(x) . w.",
    ),
    run="groundup --mine my learn lesson foundations.learning.regularization.penalties --run",
    checks=(
        one_weight_a_feature,
        a_feature_alone,
        what_the_data_hardly_shows_shrinks_most,
        the_same_examples_twice_change_nothing,
        the_intercept_costs_nothing,
        without_a_penalty_it_is_least_squares,
        more_features_than_examples,
    ),
    mutants=(
        Mutant("beside the sum", "Lets the penalty fade", ((PULLS, "math.sqrt(penalty)"),)),
        Mutant("not the root", "Puts the penalty itself", ((PULLS, "count * penalty"),)),
        Mutant("not halved", "Counts the penalty twice", ((PULLS, "math.sqrt(2 * count * penalty)"),)),
        Mutant(
            "no intercept",
            "Has no intercept",
            (("table.mean(axis=0), answers.mean()", "0.0 * table.mean(axis=0), 0.0"),),
        ),
        Mutant("the mean of y", "Gives the mean of y", (("float(y_mean - x_mean @ weights)", "float(y_mean)"),)),
        Mutant(
            "a column of ones that is penalised",
            "pull on the intercept",
            source="""
            import numpy as np

            from groundup.foundations.learning.supervised.linear import LinearModel


            def ridge(x, y, penalty):
                a = np.column_stack([x, np.ones(len(x))])
                w = np.linalg.solve(a.T @ a + len(x) * penalty * np.eye(a.shape[1]), a.T @ y)
                return LinearModel(w[:-1], float(w[-1]))
            """,
        ),
        Mutant(
            "one factor for all",
            "Shrinks all weights by one factor",
            (
                ("np.vstack([table - x_mean, pulls])", "table - x_mean"),
                ("np.append(answers - y_mean, np.zeros(features))", "answers - y_mean"),
                (
                    "    return",
                    "    held = (table - x_mean) ** 2\n    weights = weights * held.mean() / (held.mean() + penalty)\n    return",
                ),
            ),
        ),
        Mutant(
            "the intercept as a weight",
            "Gives something else than one weight",
            (("LinearModel(weights,", "LinearModel(np.append(weights, y_mean),"),),
        ),
    ),
)
