"""Exercise: a task shown by examples in a conversation."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

SHOTS = [("2 + 2?", "4"), ("1 + 2?", "3")]


@check("shape")
def two_messages_an_example_and_the_question(mine):
    """Has another number of messages: two for each example and one for the question."""
    that(
        len(mine(SHOTS, "1 + 1?")) == 5,
        "Has another number of messages: two for each example and one for the question.",
    )
    that(len(mine([], "1 + 1?")) == 1, "Fails without examples: zero-shot is the question alone.")


@check("values")
def who_says_what(mine):
    """Gives the turns to the wrong speakers: examples are the user's questions and the assistant's answers."""
    roles = [message["role"] for message in mine(SHOTS, "1 + 1?")]
    mistakes = {
        "Shows every question before any answer.": ["user", "user", "assistant", "assistant", "user"],
        "Asks first and shows the examples after: nothing is left to answer.": [
            "user",
            "user",
            "assistant",
            "user",
            "assistant",
        ],
        "Turns user and assistant around.": ["assistant", "user"] * 2 + ["user"],
        "Lets the assistant ask the question.": ["user", "assistant"] * 2 + ["assistant"],
    }
    same(roles, ["user", "assistant"] * 2 + ["user"], mistakes=mistakes)


@check("values")
def in_order_with_the_question_at_the_end(mine):
    """Has the words in another order: each answer behind its question, the examples as given, the question last."""
    said = [message["content"] for message in mine(SHOTS, "1 + 1?")]
    mistakes = {
        "Turns the examples around: their order is the caller's.": ["1 + 2?", "3", "2 + 2?", "4", "1 + 1?"],
    }
    same(said, ["2 + 2?", "4", "1 + 2?", "3", "1 + 1?"], mistakes=mistakes)


@check("invariant")
def nothing_is_shared(mine):
    """Gives the same message objects twice, so that a change of one conversation changes the next."""
    that(all(one is not other for one, other in zip(mine(SHOTS, "1 + 1?"), mine(SHOTS, "1 + 1?"), strict=True)))


EXERCISE = Exercise(
    slot="tuning.supervised.few_shot_messages",
    title="Show a task: few-shot messages",
    task="""
    A model can be shown a task instead of being tuned on it. Give a conversation of {"role", "content"} messages: for each (question, answer) of `shots`, in
    order, the question as the user's and the answer as the assistant's message; at the end the new `question` as the user's.
    """,
    difficulty=1,
    minutes=6,
    prerequisites=("tuning.supervised.transfer",),
    hints=(
        "A dict has the keys role and content.",
        "Two messages for each example; a loop or a list of pairs that is flattened.",
        "The question comes last, as a user's message.",
    ),
    run="groundup --mine my learn lesson tuning.supervised.transfer",
    checks=(
        two_messages_an_example_and_the_question,
        who_says_what,
        in_order_with_the_question_at_the_end,
        nothing_is_shared,
    ),
    mutants=(
        Mutant("no question", "another number of messages", ((' + [{"role": "user", "content": question}]', ""),)),
        Mutant(
            "speakers",
            "Turns user and assistant around",
            (('"user", "content": one}, {"role": "assistant"', '"assistant", "content": one}, {"role": "user"'),),
        ),
        Mutant(
            "assistant asks",
            "Lets the assistant ask",
            (('[{"role": "user", "content": question}]', '[{"role": "assistant", "content": question}]'),),
        ),
        Mutant(
            "last first",
            "Turns the examples around",
            (("for one, answer in shots]", "for one, answer in reversed(shots)]"),),
        ),
        Mutant(
            "question first",
            "Asks first",
            (
                ("return [message for pair in shown for message in pair] + [", "return [*["),
                ('"content": question}]', '"content": question}], *[message for pair in shown for message in pair]]'),
            ),
        ),
        Mutant(
            "all questions",
            "Shows every question",
            (
                (
                    "[message for pair in shown for message in pair]",
                    "[pair[0] for pair in shown] + [pair[1] for pair in shown]",
                ),
            ),
        ),
    ),
)
