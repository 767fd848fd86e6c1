"""Scaling: what a larger model, more data and more operations are worth, measured small and foretold large.

fitting          Huber's loss, least by damped Gauss-Newton from many starts at once; samples of a bootstrap
power_laws       E + (c / x)^a: one variable; scores of a task as a function of the loss
parametric       E + A / N^alpha + B / D^beta with its intervals (approach 3)
frontier         the best size for a budget off the runs: envelope (approach 1), IsoFLOP parabolas (approach 2)
published        Kaplan's, Hoffmann's and others' numbers as data
compute_optimal  the best size and tokens for a budget in closed form, and the loss to expect
emergence        exact match jumps where the chance of a token rises smoothly
why              tasks whose exponent is known from their data: quanta, manifold dimension
data_limits      what a repeated epoch is worth; learning by heart against learning
"""
