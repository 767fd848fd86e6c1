"""Exercise: cut a text into pieces by hand, as the GPT-2 pattern does."""

import re

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown, that

# the pattern for ASCII, where [^\W\d_] are the letters
PATTERN = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?[^\s\da-zA-Z]+|\s+(?!\S)|\s+", re.ASCII)


@check("shape")
def a_list_of_texts(mine):
    """Gives something else than a list of strings that are not empty."""
    for text in ("a", "a b", ""):
        got = mine(text)
        if not isinstance(got, list) or not all(isinstance(piece, str) and piece for piece in got):
            raise Failed(expected="a list of strings", got=shown(got))


@check("invariant")
def the_pieces_are_the_text(mine):
    """Loses or adds characters: the pieces joined must be the text again."""
    for text in ("a", "ab  c", "it's", " \n x", "x  ", "1a!"):
        joined = "".join(mine(text))
        that(joined == text, expected=text, got=joined)


@check("values")
def one_kind_goes_on(mine):
    """Cuts inside a run of one kind, or does not cut where letters, numbers and other signs meet."""
    same(mine("abc123!?x"), ["abc", "123", "!?", "x"])
    same(mine("naïve²3猫"), ["naïve", "²3", "猫"])


@check("values")
def one_blank_leads(mine):
    """Leaves a blank alone, or takes too much: one blank, and no other white space, belongs to what follows it."""
    alone = "Leaves the blank alone: it belongs to the letters, numbers or signs that follow."
    same(mine("a b 12 !"), ["a", " b", " 12", " !"], mistakes={alone: ["a", " ", "b", " ", "12", " ", "!"]})
    same(mine("a\tb\n1"), ["a", "\t", "b", "\n", "1"])


@check("values")
def the_last_space_goes_with_the_word(mine):
    """Cuts white space wrongly: a run of it leaves its last character to what follows, and is whole at the end of the text."""
    whole = "Takes all white space as one piece: its last character is left to what follows."
    same(mine("a   b"), ["a", "  ", " b"], mistakes={whole: ["a", "   ", "b"]})
    same(mine("a \n b"), ["a", " \n", " b"])
    same(mine("a\n\nb"), ["a", "\n", "\n", "b"])
    same(mine("a   "), ["a", "   "])


@check("values")
def contractions(mine):
    """Cuts a contraction wrongly: 's 't 're 've 'm 'll 'd are pieces, small letters only, whatever letters follow."""
    sign = "Knows no contractions: 's is one piece, though a sign and a letter are not of one kind."
    same(mine("it's"), ["it", "'s"], mistakes={sign: ["it", "'", "s"]})
    same(mine("we'll I'VE"), ["we", "'ll", " I", "'", "VE"])
    same(mine("'start"), ["'s", "tart"])
    same(mine("a 's"), ["a", " '", "s"])


@check("values")
def as_the_pattern(mine):
    """Differs from the pattern: after a contraction come letters, numbers or signs with one blank, then white space."""
    for one in ("a", "1", "!", " ", "\n", "'s", "'"):
        for two in (" ", "  ", "'t", "b", ".", "\n", "\t "):
            for three in ("c", " ", "'re", "2"):
                text = one + two + three
                same(mine(text), PATTERN.findall(text))


@check("speed")
def a_long_text_takes_no_age(mine):
    """Is far slower than the reference: go through the text once, and do not copy what is left of it."""
    from groundup.text.tokenizers.splitting import split_gpt2

    fast(mine, split_gpt2, ("The cat's mat, 12 mats. " * 60,))


EXERCISE = Exercise(
    slot="text.tokenizers.split_gpt2",
    title="Splitting: the GPT-2 pattern by hand",
    task="""
    Before any merge a text is cut into pieces, and no token crosses an edge. GPT-2's rules, at each place in this order:
    a contraction ('s 't 're 've 'm 'll 'd); letters, or numbers, or other signs, as long as the kind goes on, and one
    blank before them belongs to them; white space as long as it goes on, but its last character is left to what follows
    (unless it is one character, or the text ends). `kind_of` tells the kind of a character, `CONTRACTIONS` is given.
    """,
    difficulty=3,
    minutes=35,
    prerequisites=("text.tokenizers.byte_level",),
    hints=(
        "Keep `start`, find the `end` of the piece that starts there, append text[start:end], go on at `end`.",
        'A blank leads when text[start] == " " and the next character is no space; then the run begins one further on.',
        "A run of white space that does not end the text and is longer than one ends one earlier.",
    ),
    run="groundup --mine my tokenizer train --vocab-size 400 --set tokenizer.pattern=gpt2",
    checks=(
        a_list_of_texts,
        the_pieces_are_the_text,
        one_kind_goes_on,
        one_blank_leads,
        the_last_space_goes_with_the_word,
        contractions,
        as_the_pattern,
        a_long_text_takes_no_age,
    ),
    mutants=(
        Mutant("a tuple", "Returns tuple", (("    return pieces", "    return tuple(pieces)"),)),
        Mutant("the end forgotten", "Loses or adds characters", (("    return pieces", "    return pieces[:2]"),)),
        Mutant(
            "character by character",
            "Cuts inside a run of one kind",
            (("            end += 1", "            end += 1\n            break"),),
        ),
        Mutant(
            "no blank leads",
            "Leaves the blank alone",
            (
                (
                    'leads = text[start] == " " and start + 1 < len(text) and kinds[start + 1] != "space"',
                    "leads = False",
                ),
            ),
        ),
        Mutant(
            "any space leads",
            "no other white space",
            (('text[start] == " "', 'kinds[start] == "space"'),),
        ),
        Mutant(
            "white space whole", "Takes all white space as one piece", (("            end -= 1", "            pass"),)
        ),
        Mutant(
            "one less at the end too",
            "is whole at the end of the text",
            (('kind == "space" and end < len(text) and', 'kind == "space" and'),),
        ),
        Mutant("without contractions", "Knows no contractions", (("        if contraction:", "        if False:"),)),
        Mutant(
            "capitals too",
            "small letters only",
            (("text.startswith(one, start)", "text.lower().startswith(one, start)"),),
        ),
        Mutant(
            "copies",
            "far slower than the reference",
            (("    while start < len(text):", "    while start < len(text):\n        [kind_of(one) for one in text]"),),
        ),
    ),
)
