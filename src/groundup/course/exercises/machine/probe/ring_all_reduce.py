"""Exercise: the price of a ring all-reduce."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


@check("shape")
def one_number(mine):
    """Does not give one number of seconds."""
    that(isinstance(mine(8.0, 2, 1.0), (int, float)), expected="seconds", got=mine(8.0, 2, 1.0))


@check("finite")
def alone(mine):
    """Charges a device that is alone: it holds the sum already and has nobody to send it to."""
    same(mine(1e9, 1, 1e9, 1.0), 0.0)


@check("invariant")
def hardly_dearer_with_more_devices(mine):
    """Charges the bytes of all devices: each sends pieces, at the same time, and never more than twice its array."""
    that(mine(1e9, 1000, 1e9) < 2.0, expected="less than 2 seconds", got=mine(1e9, 1000, 1e9))


@check("values")
def two_devices(mine):
    """Is wrong for two devices: each sends half of its array, receives the sum of the other half, and hands its own sum back."""
    same(
        mine(8.0, 2, 1.0),
        8.0,
        mistakes={
            "Counts only the half in which the sums are made: they have to go round once more.": 4.0,
            "Sends whole arrays: in each step a device sends one piece, size / devices.": 16.0,
        },
    )


@check("values")
def four_devices(mine):
    """Is not 2 (n - 1) / n of the array's bytes, through one link."""
    same(
        mine(400.0, 4, 100.0),
        6.0,
        mistakes={
            "Takes n steps for each half: after n - 1 a piece has met all devices.": 8.0,
            "Takes 2 n - 1 steps: both halves need n - 1.": 7.0,
        },
    )


@check("values")
def the_latency_of_each_step(mine):
    """Does not charge the latency once a step."""
    same(
        mine(0.0, 8, 1e9, 1.0),
        14.0,
        mistakes={
            "Charges the latency once in all: every step is a message of its own.": 1.0,
            "Charges the latency of one half of the steps.": 7.0,
            "Leaves the latency out.": 0.0,
        },
    )


EXERCISE = Exercise(
    slot="machine.probe.ring_all_reduce",
    title="The price of a ring",
    task="""
    Every device holds an array of `size` bytes, and all of them are to end with the sum of all arrays (the gradients of a step).
    They stand in a ring; the array is cut into as many pieces as there are devices. In each step every device sends one piece
    to its right neighbour, all at the same time, which takes latency_s + bytes / bytes_per_s. First the pieces are summed up on
    their way until each device holds one finished piece, then the finished pieces go round until all have all.

    Give back the seconds.
    """,
    difficulty=2,
    minutes=20,
    hints=(
        "How many steps does a piece need until the arrays of all n devices are in it? It starts as one of them.",
        "n - 1 steps to sum up, and n - 1 more to hand round what is finished; each of them sends size / n bytes.",
        "steps = 2 * (devices - 1), and each takes latency_s + size / devices / bytes_per_s.",
    ),
    run="groundup --mine my learn lesson machine.probe.accelerators",
    checks=(one_number, alone, hardly_dearer_with_more_devices, two_devices, four_devices, the_latency_of_each_step),
    mutants=(
        Mutant("two numbers", "tuple where float is expected", (("return steps * (", "return steps, ("),)),
        Mutant("n steps", "Charges a device that is alone", (("2 * (devices - 1)", "2 * devices"),)),
        Mutant("one half", "only the half in which", (("2 * (devices - 1)", "devices - 1"),)),
        Mutant("whole arrays", "bytes of all devices", (("size / devices / bytes_per_s", "size / bytes_per_s"),)),
        Mutant("latency once", "once in all", (
            ("return steps * (latency_s + size / devices / bytes_per_s)",
             "return (latency_s if steps else 0.0) + steps * (size / devices / bytes_per_s)"),)),
        Mutant("no latency", "Leaves the latency out", (("latency_s + size / devices", "size / devices"),)),
        Mutant("half the latency", "one half of the steps", (("(latency_s + size", "(latency_s / 2 + size"),)),
    ),
)  # fmt: skip
