"""Exercise: a bucket that lets so much through at once, and so much a second."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


@check("shape")
def three_numbers_come_back(mine):
    """Gives back something else than (level, time, seconds to wait)."""
    got = mine(5.0, 0.0, 0.0, 1.0, 1.0, 10.0)
    that(isinstance(got, tuple | list) and len(got) == 3, expected="three numbers", got=got)


@check("invariant")
def what_is_there_is_taken_at_once(mine):
    """Does not take what is there: asking for 4 of 10 leaves 6, and nobody waits."""
    same(mine(10.0, 7.0, 7.0, 4.0, 1.0, 10.0), (6.0, 7.0, 0.0))


@check("invariant")
def all_of_it_may_be_taken(mine):
    """Refuses the last drop: who asks for exactly what is there gets it."""
    same(mine(10.0, 0.0, 0.0, 10.0, 1.0, 10.0), (0.0, 0.0, 0.0))


@check("values")
def it_fills_with_time(mine):
    """Adds something else than rate times the seconds that went by."""
    mistakes = {
        "Forgets to let anything flow in: the level was true at `updated_s`, and now is later.": (1.0, 6.0, 0.0),
        "Lets one a second in, whatever the rate is.": (5.0, 6.0, 0.0),
        "Fills by the whole time of the clock: only the seconds since `updated_s` count.": (4.0, 6.0, 0.0),
    }
    same(mine(2.0, 2.0, 6.0, 1.0, 0.5, 100.0), (3.0, 6.0, 0.0), mistakes=mistakes)


@check("values")
def it_overflows(mine):
    """Holds more than its capacity: a night without requests would allow a flood in the morning."""
    same(mine(0.0, 0.0, 86400.0, 1.0, 1.0, 10.0), (9.0, 86400.0, 0.0))


@check("values")
def who_is_refused_takes_nothing(mine):
    """Takes something although it says to wait: a client that asks again and again would then never be served."""
    level, _, wait = mine(3.0, 0.0, 0.0, 5.0, 1.0, 10.0)
    that(wait > 0, "Lets through more than is there.", expected="2 seconds to wait", got=wait)
    same(level, 3.0)


@check("values")
def the_wait_is_as_long_as_filling_takes(mine):
    """Says another wait than the missing amount over the rate."""
    mistakes = {
        "Says how much is missing, not how long that takes: divide by the rate.": 6.0,
        "Says how long all of it takes; a part is there already.": 20.0,
    }
    same(mine(4.0, 0.0, 0.0, 10.0, 0.5, 10.0)[2], 12.0, mistakes=mistakes)


@check("values")
def the_time_moves_on_when_nothing_was_taken(mine):
    """Keeps the old time beside the new level: the same seconds would flow in twice."""
    same(mine(0.0, 0.0, 3.0, 5.0, 1.0, 10.0)[:2], (3.0, 3.0))


@check("values")
def what_never_fits_is_infinite(mine):
    """Promises a time to who asks for more than the bucket ever holds: he would come again for ever."""
    same(mine(10.0, 0.0, 0.0, 11.0, 1.0, 10.0)[2], math.inf)


@check("values")
def a_clock_that_goes_back_changes_nothing(mine):
    """Follows a clock that goes backwards: nothing leaks out of the bucket, and the same seconds must not flow in again."""
    same(mine(5.0, 100.0, 90.0, 1.0, 1.0, 10.0), (4.0, 100.0, 0.0))


EXERCISE = Exercise(
    slot="serving.limits.take",
    title="Token bucket: so much at once, so much a second",
    task="""
    A server must not be asked more than it can do. A bucket holds at most `capacity`, and `rate` flows in each second; a request takes an
    amount out, if it is there. If not, nothing is taken, and the client is told in how many seconds it will be. Nothing runs in the
    background: when somebody asks, work out what has flowed in since the last time. Give back the level, the time it belongs to, and the
    seconds to wait: 0 where it was taken, infinity where it is more than the bucket ever holds.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("serving.limits",),
    hints=(
        "Three steps: bring the level up to now, ask whether the amount is there, and if not, how long until it is.",
        "level = min(capacity, level + seconds since updated_s * rate); a clock that went back counts as none, so now is max(now, updated).",
        "Taken: (level - amount, now, 0.0). Else (level, now, (amount - level) / rate), or math.inf when amount > capacity.",
    ),
    run="groundup demo --fast && groundup --mine my serve runs/demo-fast/model --requests-per-minute 30 --burst-s 10",
    checks=(
        three_numbers_come_back,
        what_is_there_is_taken_at_once,
        all_of_it_may_be_taken,
        it_fills_with_time,
        it_overflows,
        who_is_refused_takes_nothing,
        the_wait_is_as_long_as_filling_takes,
        the_time_moves_on_when_nothing_was_taken,
        what_never_fits_is_infinite,
        a_clock_that_goes_back_changes_nothing,
    ),
    mutants=(
        Mutant("it overflows", "Holds more than its capacity", (("min(capacity, level + (now_s - updated_s) * rate)", "level + (now_s - updated_s) * rate"),)),
        Mutant("nothing flows in", "Forgets to let anything flow in", (("level + (now_s - updated_s) * rate", "level"),)),
        Mutant("one a second", "Lets one a second in", (("(now_s - updated_s) * rate", "(now_s - updated_s)"),)),
        Mutant("the whole clock", "Fills by the whole time of the clock", (("(now_s - updated_s) * rate", "now_s * rate"),)),
        Mutant("the last drop", "Refuses the last drop", (("amount <= level", "amount < level"),)),
        Mutant("debts", "Takes something although it says to wait", (("return level, now_s, (", "return level - amount, now_s, ("),)),
        Mutant("no division", "Says how much is missing", (("(amount - level) / rate", "(amount - level)"),)),
        Mutant("all of it", "Says how long all of it takes", (("(amount - level) / rate", "amount / rate"),)),
        Mutant("the old time", "Keeps the old time", (("return level, now_s, (", "return level, updated_s, ("),)),
        Mutant("for ever", "Promises a time to who asks for more", ((" if amount <= capacity else math.inf", ""),)),
        Mutant("back in time", "Follows a clock that goes backwards", (("now_s = max(now_s, updated_s)", "now_s = now_s"),)),
    ),
)  # fmt: skip
