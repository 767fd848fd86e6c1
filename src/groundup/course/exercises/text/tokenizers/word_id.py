"""Exercise: the id of a word, also of one that was never seen."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that

FEW = {"<unk>": 0, "cat": 1, "dog": 2}


def fnv(text):
    """The published hash, once more."""
    value = 2166136261
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) % 2**32
    return value


@check("dtype")
def a_number(mine):
    """Gives something else than an int."""
    for word in ("cat", "cow"):
        that(type(mine(word, FEW)) is int, expected="an id", got=mine(word, FEW))


@check("values")
def a_known_word_has_its_id(mine):
    """Does not give a known word its own id, which it has with buckets too."""
    for word in FEW:
        same(mine(word, FEW), FEW[word])
        same(mine(word, FEW, 5), FEW[word])


@check("values")
def without_buckets_it_is_unknown(mine):
    """Gives an unknown word another id than that of `unknown` although there are no buckets."""
    same(mine("cow", FEW), 0)
    same(mine("cow", {"a": 0, "?": 1}, 0, "?"), 1)


@check("values")
def a_word_is_looked_up_as_it_is(mine):
    """Looks a word up in another spelling: case and spaces belong to it, `Cat` is another word than `cat`."""
    same(mine("Cat", FEW), 0)
    same(mine(" cat", FEW), 0)


@check("invariant")
def buckets_stand_behind_the_vocabulary(mine):
    """Puts buckets where words are: their ids begin behind the vocabulary, and there are as many as asked for."""
    for word in ("cow", "ox", "é"):
        got = mine(word, FEW, 4)
        that(3 <= got < 7, expected="an id from 3 to 6", got=got)
    same(mine("cow", FEW, 1), 3)


@check("values")
def the_hash_decides(mine):
    """Chooses the bucket otherwise than by fnv_1a: Python's own hash of a text is another one in every process."""
    length = "Chooses the bucket by the word's length: words of one length would all be one."
    for word in ("cow", "ox", "zebra", "é"):
        same(mine(word, FEW, 10), 3 + fnv(word) % 10, mistakes={length: 3 + len(word) % 10})


@check("speed")
def a_look_up_is_enough(mine):
    """Is far slower than the reference: `in` a dict looks up at once, without going through it."""
    from groundup.text.tokenizers.word import word_id

    fast(mine, word_id, ("w999", {f"w{i}": i for i in range(1000)}), times=10)


EXERCISE = Exercise(
    slot="text.tokenizers.word_id",
    title="Unknown words: one id for all, or buckets",
    task="""
    A vocabulary of words is never complete: new text always brings new words. A known word has its id. An unknown one becomes the id
    of `unknown` when there are no buckets, and then all unknown words look alike. With buckets it gets one of `buckets` ids that stand
    behind the vocabulary, chosen by a hash of its spelling, so the same word has the same id in every run: `fnv_1a` modulo the
    number of buckets.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("text.tokenizers.word",),
    hints=(
        "First ask whether the word is in the vocabulary; that answer does not depend on buckets.",
        "The first bucket's id is len(vocabulary).",
        "len(vocabulary) + fnv_1a(word) % buckets if buckets else vocabulary[unknown]",
    ),
    run="groundup --mine my learn lesson text.tokenizers.word --run",
    checks=(
        a_number,
        a_known_word_has_its_id,
        without_buckets_it_is_unknown,
        a_word_is_looked_up_as_it_is,
        buckets_stand_behind_the_vocabulary,
        the_hash_decides,
        a_look_up_is_enough,
    ),
    mutants=(
        Mutant("none", "Returns NoneType where int", edits=(("else vocabulary[unknown]", "else None"),)),
        Mutant(
            "buckets for all",
            "known word its own id",
            edits=(("    if word in vocabulary:", "    if word in vocabulary and not buckets:"),),
        ),
        Mutant("the first id", "another id than that of `unknown`", edits=(("else vocabulary[unknown]", "else 0"),)),
        Mutant(
            "case ignored", "another spelling", edits=(("    if word in", "    word = word.lower()\n    if word in"),)
        ),
        Mutant("over the words", "Puts buckets where words are", edits=(("len(vocabulary) + fnv_1a", "fnv_1a"),)),
        Mutant(
            "another hash",
            "otherwise than by fnv_1a",
            edits=(("fnv_1a(word) % buckets", "sum(word.encode()) % buckets"),),
        ),
        Mutant("by length", "by the word's length", edits=(("fnv_1a(word) % buckets", "len(word) % buckets"),)),
        Mutant(
            "slow",
            "far slower than the reference",
            edits=(
                (
                    "    if word in vocabulary:",
                    "    for _ in range(40):\n        sorted(vocabulary)\n    if word in vocabulary:",
                ),
            ),
        ),
    ),
)
