"""Exercise: how many tokens a tokenizer makes of a word."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that


@check("dtype")
def a_number(mine):
    """Gives something else than a float."""
    that(type(mine(list, ["a"])) is float, expected=1.0, got=mine(list, ["a"]))


@check("finite")
def texts_without_words(mine):
    """Divides by zero where no text has a word: then the answer is 0."""
    for texts in ([], [""], [" "]):
        same(mine(list, texts), 0.0)


@check("values")
def tokens_over_words(mine):
    """Divides the wrong way round, or by characters: it is tokens divided by words."""
    same(mine(list, ["abcd"]), 4.0)
    same(mine(str.split, ["a b c"]), 1.0)


@check("values")
def spaces_are_encoded_too(mine):
    """Encodes words one by one: what stands between them costs tokens too, and a word at its place has the space before it."""
    same(mine(list, ["a b"]), 1.5)


@check("values")
def words_stand_between_white_space(mine):
    """Counts words otherwise than between white space: several spaces in a row, tabs and newlines stand between two words just once."""
    same(mine(str.split, ["a  b"]), 1.0)
    same(mine(str.split, ["a\tb\nc"]), 1.0)


@check("values")
def all_texts_together(mine):
    """Gives the mean of the texts' own ratios: a short text would count as much as a long one; divide all tokens by all words."""
    first = "Looks at the first text only."
    same(mine(list, ["abcd", "e f g"]), 9 / 4, mistakes={first: 4.0})


@check("speed")
def each_text_is_encoded_once(mine):
    """Is far slower than the reference: encode each text once."""
    from groundup.text.tokenizers.multilingual import fertility

    fast(mine, fertility, (list, ["some words in a text"] * 300), times=6)


EXERCISE = Exercise(
    slot="text.tokenizers.fertility",
    title="Fertility: tokens a word",
    task="""
    A tokenizer learned from one language cuts the words of another into many tokens, and whoever writes that language pays for each
    of them. Fertility measures it: all tokens of some texts divided by all their words. Words stand between white space. Each
    text is encoded whole, as it would be in use. Texts without a word have fertility 0. `encode` is any function from a text to a list.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("text.tokenizers.multilingual",),
    hints=(
        "text.split() without an argument splits at any run of white space.",
        "Add up the words of all texts, add up the tokens of all texts, divide once.",
        "return tokens / words if words else 0.0",
    ),
    run="groundup --mine my learn lesson text.tokenizers.multilingual --run",
    checks=(
        a_number,
        texts_without_words,
        tokens_over_words,
        spaces_are_encoded_too,
        words_stand_between_white_space,
        all_texts_together,
        each_text_is_encoded_once,
    ),
    mutants=(
        Mutant(
            "whole tokens",
            "Returns int where float is expected",
            edits=(("for text in texts) / words if", "for text in texts) // words if"),),
        ),
        Mutant("no words", "zero", edits=((" if words else 0.0", ""),)),
        Mutant(
            "words a token",
            "the wrong way round",
            edits=(
                (
                    "return sum(len(encode(text)) for text in texts) / words if words else 0.0",
                    "return words / sum(len(encode(text)) for text in texts) if words else 0.0",
                ),
            ),
        ),
        Mutant(
            "word by word",
            "Encodes words one by one",
            edits=(
                (
                    "len(encode(text)) for text in texts) /",
                    "len(encode(word)) for text in texts for word in text.split()) /",
                ),
            ),
        ),
        Mutant(
            "single spaces",
            "otherwise than between white space",
            edits=(("text.split()", "text.split(' ') if text.strip() else []"),),
        ),
        Mutant(
            "mean of means",
            "mean of the texts' own ratios",
            source="""
            def fertility(encode, texts):
                ratios = [len(encode(text)) / len(text.split()) for text in texts if text.split()]
                return sum(ratios) / len(ratios) if ratios else 0.0
            """,
        ),
        Mutant(
            "the first text",
            "the first text only",
            edits=(("    words = sum(", "    texts = texts[:1]\n    words = sum("),),
        ),
        Mutant(
            "slow",
            "far slower than the reference",
            edits=(
                (
                    "    words = sum(",
                    "    for _ in range(120):\n        [encode(text) for text in texts]\n    words = sum(",
                ),
            ),
        ),
    ),
)
