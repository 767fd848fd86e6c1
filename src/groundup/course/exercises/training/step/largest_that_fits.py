"""Exercise: the largest batch that fits, found with few trials."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

POWERS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]


class Trials:
    """fits(batch): whether so many rows fit; every question is noted."""

    def __init__(self, largest):
        self.largest, self.asked = largest, []

    def __call__(self, batch):
        self.asked.append(batch)
        return batch <= self.largest

    def __repr__(self):
        return f"fits(batch) of a machine that takes up to {self.largest} rows"


def found(mine, choices, largest, guess=0):
    """The answer and what was asked."""
    fits = Trials(largest)
    return mine(list(choices), fits, guess), fits.asked


@check("values")
def the_largest_that_fits(mine):
    """Is not the largest choice for which fits is true."""
    for largest in (8, 1, 3, 100, 1023):
        right = max(one for one in POWERS if one <= largest)
        mistakes = {
            "Gives the place of the choice in the list: give the choice itself.": POWERS.index(right),
            "Stops one too early: there is a larger choice that fits.": max(
                [one for one in POWERS if one < right], default=0
            ),
            "Gives the first that does not fit: the one before it is wanted.": min(
                one for one in POWERS if one > largest
            ),
        }
        same(found(mine, POWERS, largest)[0], right, mistakes=mistakes)


@check("values")
def all_of_them_may_fit(mine):
    """Does not find the last choice where all fit."""
    same(found(mine, POWERS, 10**6)[0], 1024)
    same(found(mine, [5], 10)[0], 5)


@check("values")
def none_may_fit(mine):
    """Is not 0 where not even the smallest choice fits."""
    same(found(mine, POWERS, 0)[0], 0)
    same(found(mine, [8, 16], 5)[0], 0)


@check("values")
def there_may_be_no_choice(mine):
    """Fails on an empty list of choices: the answer is 0, and nothing is asked."""
    same(found(mine, [], 5), (0, []))


@check("values")
def the_guess_changes_no_answer(mine):
    """Gives another answer where the guess is wrong: it says only where to begin."""
    for guess in (0, 1, 7, 64, 5000):
        for largest in (0, 1, 60, 512, 2000):
            same(found(mine, POWERS, largest, guess)[0], max([one for one in POWERS if one <= largest], default=0))


@check("speed")
def nothing_is_asked_twice(mine):
    """Asks fits twice for one choice: a question is a process that trains two steps."""
    for largest in (0, 1, 60, 2000):
        asked = found(mine, POWERS, largest, 64)[1]
        that(len(set(asked)) == len(asked), expected="each choice once at most", got=asked)


@check("speed")
def few_are_asked(mine):
    """Asks for nearly every choice: after each answer half of what is left is out."""
    many = list(range(1, 1001))
    for largest in (0, 1, 400, 999, 2000):
        asked = found(mine, many, largest)[1]
        that(len(asked) <= 22, expected="at most 22 questions for 1,000 choices", got=f"{len(asked)} questions")


@check("speed")
def a_right_guess_needs_two_questions(mine):
    """Asks more than two where the guess is right: begin with the guess, then ask its neighbour."""
    for answer in POWERS:
        asked = found(mine, POWERS, answer, answer)[1]
        that(
            asked[:1] == [answer],
            "Does not begin with the guess: the largest choice up to it is the first question.",
            expected=f"first {answer}",
            got=asked,
        )
        that(len(asked) <= 2, expected="2 questions", got=asked)


EXERCISE = Exercise(
    slot="training.step.largest_that_fits",
    title="The largest batch that fits",
    task="""
    How many rows of text go through the model at once? As many as memory holds, and whether a number of rows fits is found by
    trying: a process of its own trains two steps and may die of it. That takes seconds, so ask as few numbers as you can.

    choices rise. Where one fits, all smaller ones do, and fits is never asked twice of one choice. A formula says about where the
    answer is: begin with the largest choice up to guess (with the smallest, where all are larger) and go on to its neighbour, so
    that a right guess costs two questions. From there double the steps until the answer lies between two that were asked, then
    halve. Give the largest choice that fits, 0 where none does.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("training.step.accumulation",),
    hints=(
        "Keep two places in the list: all before `low` fit, all from `high` on do not. When they meet, the answer is choices[low - 1].",
        "After each answer low or high moves to the place that was asked. While one side is open, the next place is low + step - 1 or "
        "high - step, and step doubles; once both are known, it is (low + high) // 2.",
        "place = max(0, bisect_right(choices, guess) - 1) begins; in the loop: if fits(choices[place]): low = place + 1, else: "
        "high = place; keep the next place between low and high - 1.",
    ),
    run="groundup --mine my learn lesson training.step.low_memory --run",
    changes=("fits",),
    checks=(
        the_largest_that_fits,
        all_of_them_may_fit,
        none_may_fit,
        there_may_be_no_choice,
        the_guess_changes_no_answer,
        nothing_is_asked_twice,
        few_are_asked,
        a_right_guess_needs_two_questions,
    ),
    mutants=(
        Mutant(
            "the place",
            "place of the choice",
            edits=(("return choices[low - 1] if low else 0", "return low - 1 if low else 0"),),
        ),
        Mutant(
            "one too early",
            "one too early",
            edits=(("return choices[low - 1] if low else 0", "return choices[low - 2] if low > 1 else 0"),),
        ),
        Mutant(
            "the first that does not",
            "first that does not fit",
            edits=(
                ("return choices[low - 1] if low else 0", "return choices[min(low, len(choices) - 1)] if low else 0"),
            ),
        ),
        Mutant(
            "none",
            "not even the smallest",
            edits=(("return choices[low - 1] if low else 0", "return choices[max(0, low - 1)] if choices else 0"),),
        ),
        Mutant(
            "an empty list",
            "empty list",
            edits=(
                ("return choices[low - 1] if low else 0", "return choices[low - 1] if low else (0 if choices else 1)"),
            ),
        ),
        Mutant(
            "the guess believed",
            "another answer where the guess is wrong",
            edits=(("return choices[low - 1] if low else 0", "return choices[low - 1] if low else min(guess, 7)"),),
        ),
        Mutant(
            "one after another",
            "nearly every choice",
            source="""
            def largest_that_fits(choices, fits, guess=0):
                answer = 0
                for choice in choices:
                    if not fits(choice):
                        break
                    answer = choice
                return answer
            """,
        ),
        Mutant(
            "asked again",
            "twice for one choice",
            source="""
            def largest_that_fits(choices, fits, guess=0):
                low, high = 0, len(choices)
                while low < high:
                    place = (low + high) // 2
                    if fits(choices[place]) and fits(choices[place]):
                        low = place + 1
                    else:
                        high = place
                return choices[low - 1] if low else 0
            """,
        ),
        Mutant(
            "the guess passed over",
            "Does not begin with the guess",
            source="""
            def largest_that_fits(choices, fits, guess=0):
                low, high = 0, len(choices)
                while low < high:
                    place = (low + high) // 2
                    if fits(choices[place]):
                        low = place + 1
                    else:
                        high = place
                return choices[low - 1] if low else 0
            """,
        ),
        Mutant(
            "halved from the guess on",
            "more than two where the guess is right",
            edits=(("between = 0 < low and high < len(choices)", "between = True"),),
        ),
    ),
)
