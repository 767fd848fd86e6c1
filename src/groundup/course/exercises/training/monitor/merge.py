"""Exercise: the logs of several processes as one stream."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same


def line(step, at, message, sitting=0):
    """A line of a log."""
    return {"sitting": sitting, "step": step, "monotonic": at, "message": message}


def words(lines):
    """What the lines say, in their order."""
    return [one["message"] for one in lines]


@check("values")
def two_processes_in_one_step(mine):
    """Does not order the lines of one step by their time."""
    first, second = [line(1, 1.0, "a"), line(1, 3.0, "c")], [line(1, 2.0, "b"), line(1, 4.0, "d")]
    mistakes = {
        "Puts one process's lines behind the other's.": ["a", "c", "b", "d"],
        "Turns the order round.": ["d", "c", "b", "a"],
    }
    same(words(mine([first, second], [0.0, 0.0])), ["a", "b", "c", "d"], mistakes=mistakes)


@check("values")
def clocks_that_are_apart(mine):
    """Does not add each stream's offset to its times."""
    first, second = [line(1, 1.0, "a"), line(1, 3.0, "c")], [line(1, 7202.0, "b"), line(1, 7204.0, "d")]
    mistakes = {
        "Compares clocks that are apart: each stream's offset is to be added to its times.": ["a", "c", "b", "d"],
    }
    same(words(mine([first, second], [0.0, -7200.0])), ["a", "b", "c", "d"], mistakes=mistakes)


@check("values")
def steps_before_times(mine):
    """Lets a line of a later step stand before one of an earlier step."""
    first, second = [line(1, 5.0, "a"), line(2, 6.0, "c")], [line(1, 9.0, "b"), line(2, 9.5, "d")]
    mistakes = {
        "Goes by the time alone: no process begins a step before all have ended the last, so the step comes first.": [
            "a",
            "c",
            "b",
            "d",
        ],
    }
    same(words(mine([first, second], [0.0, 0.0])), ["a", "b", "c", "d"], mistakes=mistakes)


@check("values")
def sittings_before_steps(mine):
    """Mixes the steps of a killed run with the same steps made again: the sitting comes first."""
    first = [line(1, 1.0, "a"), line(2, 2.0, "b"), line(1, 0.5, "d", 1)]
    second = [line(2, 2.5, "c"), line(1, 0.6, "e", 1)]
    same(words(mine([first, second], [0.0, 0.0])), ["a", "b", "c", "d", "e"])


@check("values")
def no_line_overtakes(mine):
    """Lets a line overtake an earlier one of the same process: a step told late, a clock that jumped, and the story is told backwards."""
    jumping = [line(1, 5.0, "a"), line(1, 1.0, "b"), line(0, 9.0, "c"), line(2, 2.0, "d")]
    same(words(mine([jumping], [0.0])), ["a", "b", "c", "d"])
    two = mine([[line(1, 5.0, "a"), line(1, 1.0, "b")], [line(1, 3.0, "x"), line(1, 6.0, "y")]], [0.0, 0.0])
    same(words(two), ["x", "a", "b", "y"])


@check("values")
def nothing_is_lost(mine):
    """Loses lines, or gives others than it was given."""
    streams = [[line(step, step, f"{rank}-{step}") for step in range(3)] for rank in range(3)] + [[]]
    found = mine(streams, [0.0] * 4)
    same(len(found), 9)
    if not all(any(one is given for stream in streams for given in stream) for one in found):
        raise Failed("Gives other lines than it was given: only their order is asked for.")


KEY = '(line["sitting"], line["step"], line["monotonic"] + offset)'

EXERCISE = Exercise(
    slot="training.monitor.merge",
    title="One story of many processes",
    task="""
    Four processes train one model, each with a log of its own, each with a clock of its own. Make one stream of their lines. Two things
    can be relied on: no process begins a step before all have ended the one before, and within one file a later line was
    written later, whatever its clock says. So the order is sitting, step, time, where `offsets` brings each process's time to one
    clock, and a line that seems earlier than the one before it in its file counts as being as late as that one.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=(),
    hints=(
        "Give every line a key that can be compared; which three things stand in it, and in which order?",
        "Walk through each stream and keep the largest key so far: latest = max(latest, key). That is the key of the line.",
        "Then sort all lines by (their latest, number of the stream, place in it): ties stay in the order of the streams.",
    ),
    run="groundup --mine my learn lesson training.monitor.logging --run",
    checks=(
        two_processes_in_one_step,
        clocks_that_are_apart,
        steps_before_times,
        sittings_before_steps,
        no_line_overtakes,
        nothing_is_lost,
    ),
    mutants=(
        Mutant(
            "one behind the other",
            "Puts one process's lines behind",
            (("for key in heapq.merge(*keyed)", "for keys in keyed for key in keys"),),
        ),
        Mutant("no offset", "Compares clocks that are apart", (('line["monotonic"] + offset', 'line["monotonic"]'),)),
        Mutant("time alone", "Goes by the time alone", ((KEY, '(0, 0, line["monotonic"] + offset)'),)),
        Mutant(
            "step before sitting",
            "Mixes the steps",
            ((KEY, '(line["step"], line["sitting"], line["monotonic"] + offset)'),),
        ),
        Mutant(
            "overtaking",
            "Lets a line overtake",
            (
                (f"latest = max(latest, {KEY})", f"latest = {KEY}"),
                ("heapq.merge(*keyed)", "sorted(key for keys in keyed for key in keys)"),
            ),
        ),
        Mutant(
            "lost", "Loses lines", (("for key in heapq.merge(*keyed)", "for key in list(heapq.merge(*keyed))[:8]"),)
        ),
    ),
)
