"""Exercise: Witten and Bell's share for what is new to a context."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


@check("shape")
def shares_and_the_rest(mine):
    """Gives something else than a pair: the share of each token that was seen, and the probability of a new one."""
    got = mine({7: 2, 8: 4})
    that(
        isinstance(got, tuple) and len(got) == 2 and set(got[0]) == {7, 8}, expected="({7: ..., 8: ...}, ...)", got=got
    )


@check("invariant")
def together_they_are_one(mine):
    """The shares and the probability of a new token are together not 1."""
    for followers in ({1: 1}, {1: 3, 2: 1}, {5: 9, 6: 9, 7: 1}):
        kept, new = mine(dict(followers))
        that(math.isclose(sum(kept.values()) + new, 1), expected=1.0, got=sum(kept.values()) + new)


@check("values")
def new_tokens_are_events(mine):
    """Differs from T / (count + T) for a new token, where T is how many different tokens followed."""
    same(mine({7: 2, 8: 4})[1], 0.25, mistakes={
        "Counts one surprise for the whole context: each different token was new once.": 1 / 7,
        "Counts the tokens that were seen just once: all were new when they first came.": 0.0,
    })  # fmt: skip
    same(mine({3: 1})[1], 0.5)


@check("values")
def what_was_seen_keeps_its_share(mine):
    """Differs from count / (all counts + T) for a token that was seen."""
    for word, share in {7: 0.25, 8: 0.5}.items():
        same(mine({7: 2, 8: 4})[0][word], share)


EVENTS = "sum(followers.values()) + len(followers)"

EXERCISE = Exercise(
    slot="text.ngram.witten_bell",
    title="Witten-Bell: a new token is an event like others",
    task="""
    After some contexts nearly anything may come, after others always the same. Witten and Bell read that off the past: T different tokens followed, so T times
    a token came that was new. Count these T surprises as events besides the counts themselves: each seen token keeps count / (all counts + T), and a new token
    has T / (all counts + T).

    You get how often each token followed a context. Give the share of each as a dict, and the probability of a new one.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("text.ngram.counts",),
    hints=(
        "T is the number of keys.",
        "events = sum of the counts + number of keys: the same divisor for all.",
        "return {word: count / events for word, count in followers.items()}, len(followers) / events",
    ),
    run="groundup --mine my learn lesson text.ngram.counts --run",
    checks=(shares_and_the_rest, together_they_are_one, new_tokens_are_events, what_was_seen_keeps_its_share),
    mutants=(
        Mutant(
            "the rest alone",
            "Returns float where tuple is expected",
            source="""
            def witten_bell(followers):
                return len(followers) / (sum(followers.values()) + len(followers))
            """,
        ),
        Mutant("undivided", "together not 1", edits=((EVENTS, "sum(followers.values())"),)),
        Mutant(
            "one surprise",
            "one surprise for the whole context",
            source="""
            def witten_bell(followers):
                events = sum(followers.values()) + 1
                return {word: count / events for word, count in followers.items()}, 1 / events
            """,
        ),
        Mutant(
            "seen once",
            "seen just once",
            source="""
            def witten_bell(followers):
                ones = sum(1 for count in followers.values() if count == 1)
                events = sum(followers.values()) + ones
                return {word: count / events for word, count in followers.items()}, ones / events
            """,
        ),
        Mutant(
            "all alike",
            "for a token that was seen",
            source="""
            def witten_bell(followers):
                events = sum(followers.values()) + len(followers)
                new = len(followers) / events
                return {word: (1 - new) / len(followers) for word in followers}, new
            """,
        ),
    ),
)
