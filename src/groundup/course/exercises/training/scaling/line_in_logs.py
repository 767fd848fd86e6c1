"""Exercise: a power law is a line in logarithms."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def points(exponent, factor, count=5):
    """Points of factor * x^exponent."""
    import numpy

    x = numpy.array([1.0, 10.0, 100.0, 1000.0, 10000.0][:count])
    return x, factor * x**exponent


@check("shape")
def two_numbers_come_back(mine):
    """Does not give back two numbers, exponent and factor."""
    got = mine(*points(-0.5, 2.0))
    that(isinstance(got, tuple) and len(got) == 2, expected="(exponent, factor)", got=got)


@check("values")
def the_exponent_is_the_slope(mine):
    """Is not -0.5 for points that fall by the root of ten when x grows tenfold."""
    mistakes = {
        "Has the sign turned: a loss that falls has a negative exponent.": 0.5,
        "Divides the wrong way: how far y goes for how far x goes.": -2.0,
        "Sorts x and y into each other's place: exponent first, factor second.": 2.0,
    }
    same(mine(*points(-0.5, 2.0))[0], -0.5, mistakes=mistakes)


@check("values")
def the_factor_is_y_where_x_is_1(mine):
    """Is not 2.0 for points 2 x^-0.5."""
    import numpy

    mistakes = {
        "Gives the logarithm of the factor: where log x is 0 the line is at log(factor); take exp of it.": float(
            numpy.log(2.0)
        ),
        "Gives the height in the middle of the points: go back along the line to log x = 0.": 2.0 * 100**-0.5,
        "Goes along the line the wrong way: from the middle to log x = 0 is minus exponent times mean(log x).": 2.0
        * 100**-1.0,
    }
    same(mine(*points(-0.5, 2.0))[1], 2.0, mistakes=mistakes)


@check("values")
def all_points_count(mine):
    """Is not the least-squares line through logarithms that do not lie on one line."""
    import numpy

    x, y = points(-0.5, 2.0)
    y = y * numpy.array([1.0, 1.3, 0.7, 1.1, 1.6])
    slope, level = numpy.polyfit(numpy.log(x), numpy.log(y), 1)
    ends = float(numpy.log(y[-1] / y[0]) / numpy.log(x[-1] / x[0]))
    exponent, factor = mine(x, y)
    same(exponent, float(slope), mistakes={"Joins the first and the last point: all count.": ends})
    same(factor, float(numpy.exp(level)))


@check("values")
def the_unit_of_x_does_not_change_the_exponent(mine):
    """Gives another exponent when x is counted in millions."""
    x, y = points(0.3, 7.0)
    exponent, factor = mine(x * 1e6, y)
    same(exponent, 0.3)
    same(factor, float(7.0 * 1e6**-0.3))


SLOPE = "exponent = (from_mean * up).sum() / (from_mean**2).sum()"
LEVEL = "float(np.exp(up.mean() - exponent * across.mean()))"

EXERCISE = Exercise(
    slot="training.scaling.line_in_logs",
    title="A power law is a line in logarithms",
    task="""
    y = factor x^exponent becomes log y = log(factor) + exponent log x: a line. Give back (exponent, factor) of the line that is nearest to the
    logarithms in the sense of least squares: the slope is sum((log x - mean) log y) / sum((log x - mean)^2), and the line goes
    through the two means.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("foundations.learning.supervised",),
    hints=(
        "Work with np.log(x) and np.log(y) and with nothing else.",
        "from_mean = log_x - log_x.mean(); the exponent is (from_mean * log_y).sum() / (from_mean**2).sum().",
        "log(factor) = log_y.mean() - exponent * log_x.mean(); give back float(exponent) and its exp.",
    ),
    run="groundup --mine my learn lesson training.scaling.power_laws --run",
    checks=(
        two_numbers_come_back,
        the_exponent_is_the_slope,
        the_factor_is_y_where_x_is_1,
        all_points_count,
        the_unit_of_x_does_not_change_the_exponent,
    ),
    mutants=(
        Mutant(
            "one number",
            "Returns float where tuple is expected",
            edits=((f"return float(exponent), {LEVEL}", "return float(exponent)"),),
        ),
        Mutant("the sign", "Has the sign turned", edits=(("return float(exponent)", "return float(-exponent)"),)),
        Mutant(
            "upside down",
            "Divides the wrong way",
            edits=((SLOPE, "exponent = (from_mean**2).sum() / (from_mean * up).sum()"),),
        ),
        Mutant("a logarithm", "Gives the logarithm", edits=((LEVEL, "float(up.mean() - exponent * across.mean())"),)),
        Mutant("in the middle", "in the middle of the points", edits=((LEVEL, "float(np.exp(up.mean()))"),)),
        Mutant(
            "the wrong way",
            "the wrong way: from the middle",
            edits=((LEVEL, "float(np.exp(up.mean() + exponent * across.mean()))"),),
        ),
        Mutant(
            "two points",
            "Joins the first and the last",
            edits=((SLOPE, "exponent = (up[-1] - up[0]) / (across[-1] - across[0])"),),
        ),
    ),
)
