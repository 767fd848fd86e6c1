"""Exercise: cut a word into the longest pieces that a vocabulary holds."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown, that

FEW = {token: id for id, token in enumerate(["[UNK]", "un", "##want", "##wa", "##ed", "##e", "une", "##a", "a", "b"])}


def by_hand(word, vocabulary, prefix="##", unknown="[UNK]"):
    """The same by trying every cut of the word, the one with the longest pieces from the left first."""
    if not word:
        return []
    for last in range(len(word), 0, -1):
        if word[:last] in vocabulary:
            tokens, place = [word[:last]], last
            break
    else:
        return [unknown]
    while place < len(word):
        fits = [end for end in range(place + 1, len(word) + 1) if prefix + word[place:end] in vocabulary]
        if not fits:
            return [unknown]
        tokens.append(prefix + word[place : max(fits)])
        place = max(fits)
    return tokens


@check("shape")
def a_list_of_tokens(mine):
    """Gives something else than a list of strings: the tokens as the vocabulary spells them, also for a word of one token."""
    for word in ("un", "a", "unwant", "zzz"):
        got = mine(word, FEW)
        if not isinstance(got, list) or not all(isinstance(token, str) for token in got):
            raise Failed(expected=shown(by_hand(word, FEW)), got=shown(got))


@check("invariant")
def no_word_has_no_tokens(mine):
    """Makes tokens of nothing: the empty word has none."""
    same(mine("", FEW), [])


@check("invariant")
def a_word_of_the_vocabulary_is_one_token(mine):
    """Cuts a word that is a token itself: the longest piece that fits is then the whole word."""
    for word in ("un", "une", "a", "b"):
        same(mine(word, FEW), [word])


@check("values")
def pieces_inside_are_marked(mine):
    """Cuts una wrongly: un, and behind it ##a; only the first piece has no mark."""
    mistakes = {"Gives pieces inside a word back without their mark: the token is ##a, with it.": ["un", "a"]}
    same(mine("una", FEW), ["un", "##a"], mistakes=mistakes)


@check("values")
def the_first_piece_is_not_marked(mine):
    """Takes a token with ## as the first piece: such tokens stand only inside a word."""
    same(mine("e", FEW), ["[UNK]"])


@check("values")
def the_longest_comes_first(mine):
    """Takes a shorter piece where a longer one fits: try the ends of the piece from the word's end downwards."""
    same(mine("unwanted", FEW), ["un", "##want", "##ed"])
    same(mine("unea", FEW), ["une", "##a"])


@check("values")
def what_does_not_fit_makes_the_whole_word_unknown(mine):
    """Treats a word that cannot be cut to its end wrongly: it is one unknown token as a whole, no piece of it stays."""
    kept = "Keeps the pieces before the place where nothing fits: the word as a whole is unknown."
    apart = "Makes one unknown token of each character that does not fit: the word as a whole is unknown."
    mistakes = {kept: ["un", "[UNK]"], apart: ["un", "[UNK]", "[UNK]", "[UNK]"]}
    same(mine("unfit", FEW), ["[UNK]"], mistakes=mistakes)
    same(mine("xa", FEW), ["[UNK]"])


@check("values")
def only_marked_pieces_fit_inside(mine):
    """Looks a piece inside the word up without its mark: b is a token, but ##b is none, so ab is unknown."""
    same(mine("ab", FEW), ["[UNK]"])


@check("values")
def there_is_no_way_back(mine):
    """Takes a shorter piece back when the longest leads nowhere: WordPiece never does; une is taken, and nothing fits ##wa behind it."""
    same(mine("unex", FEW), ["[UNK]"])
    same(mine("unewd", {"un": 0, "une": 1, "##ew": 2, "##d": 3}), ["[UNK]"])


@check("values")
def the_mark_is_as_asked(mine):
    """Uses ## although another `prefix` was given; it may also be empty."""
    same(mine("ab", {"a": 0, "@b": 1}, "@", "?"), ["a", "@b"])
    same(mine("ab", {"a": 0, "b": 1}, "", "?"), ["a", "b"])


@check("values")
def unknown_is_as_asked(mine):
    """Uses [UNK] although another `unknown` was given."""
    same(mine("ax", {"a": 0}, "@", "?"), ["?"])


@check("values")
def as_by_hand(mine):
    """Differs from trying all pieces by hand; go through a word from the left."""
    vocabulary = dict.fromkeys(("a", "ab", "ba", "##a", "##ab", "##bb", "##ba", "é", "##é"), 0)
    words = [""]
    for _ in range(5):
        words += [word + letter for word in words for letter in "abé" if len(word) < 5]
    for word in sorted(set(words), key=lambda word: (len(word), word)):
        got = mine(word, vocabulary)
        that(got == by_hand(word, vocabulary), expected=by_hand(word, vocabulary), got=got)


@check("speed")
def a_long_word_takes_no_age(mine):
    """Is far slower than the reference: ask the vocabulary for a piece, and do not go through all of its tokens."""
    from groundup.text.tokenizers.wordpiece import encode_word

    large = {f"{mark}{chr(97 + i % 26)}{i}": i for i in range(3000) for mark in ("", "##")}
    fast(mine, encode_word, ("a0b1c2d3e4f5g6", large))


EXERCISE = Exercise(
    slot="text.tokenizers.encode_word",
    title="WordPiece: the longest piece that fits",
    task="""
    WordPiece cuts a word with nothing but a list of tokens. Take the longest token that the word begins with; go on behind
    it, where tokens carry the mark `prefix` (##), and take again the longest that fits; until the word is used up. If at some
    place nothing fits, the whole word becomes one `unknown` token. A piece that was taken is never taken back.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("text.tokenizers.wordpiece",),
    hints=(
        "Keep the place where the rest of the word begins; at 0 a piece is looked up as it is, later with the prefix before it.",
        "For each place try the ends from len(word) down to place + 1; the first piece that is in the vocabulary is the longest.",
        "Python's for ... else runs its else when the loop ended without break: there return [unknown].",
    ),
    run="groundup --mine my learn lesson text.tokenizers.wordpiece --run",
    checks=(
        a_list_of_tokens,
        no_word_has_no_tokens,
        a_word_of_the_vocabulary_is_one_token,
        pieces_inside_are_marked,
        the_first_piece_is_not_marked,
        the_longest_comes_first,
        what_does_not_fit_makes_the_whole_word_unknown,
        only_marked_pieces_fit_inside,
        there_is_no_way_back,
        the_mark_is_as_asked,
        unknown_is_as_asked,
        as_by_hand,
        a_long_word_takes_no_age,
    ),
    mutants=(
        Mutant("a text", "Returns str where list", edits=(("    return tokens", '    return " ".join(tokens)'),)),
        Mutant(
            "unknown for nothing",
            "Makes tokens of nothing",
            edits=(("    return tokens", "    return tokens or [unknown]"),),
        ),
        Mutant(
            "the shortest first",
            "Cuts a word that is a token itself",
            edits=(("range(len(word), start, -1)", "range(start + 1, len(word) + 1)"),),
        ),
        Mutant(
            "no marks",
            "without their mark",
            edits=(("tokens.append(token)", "tokens.append(word[start:end])"),),
        ),
        Mutant(
            "looked up without marks",
            "without its mark",
            edits=(("if token in vocabulary", "if token in vocabulary or word[start:end] in vocabulary"),),
        ),
        Mutant(
            "marked at the start",
            "as the first piece",
            edits=(("if token in vocabulary", "if token in vocabulary or prefix + token in vocabulary"),),
        ),
        Mutant(
            "a piece of two at most",
            "Takes a shorter piece",
            edits=(("range(len(word), start, -1)", "range(start + 3 if start else len(word), start, -1)"),),
        ),
        Mutant("pieces kept", "Keeps the pieces before", edits=(("return [unknown]", "return [*tokens, unknown]"),)),
        Mutant(
            "each character unknown",
            "of each character",
            source="""
            def encode_word(word, vocabulary, prefix="##", unknown="[UNK]"):
                tokens, start = [], 0
                while start < len(word):
                    for end in range(len(word), start, -1):
                        token = (prefix if start else "") + word[start:end]
                        if token in vocabulary:
                            break
                    else:
                        token, end = unknown, start + 1
                    tokens.append(token)
                    start = end
                return tokens
            """,
        ),
        Mutant(
            "with a way back",
            "leads nowhere",
            source="""
            def encode_word(word, vocabulary, prefix="##", unknown="[UNK]"):
                def cut(start):
                    if start == len(word):
                        return []
                    for end in range(len(word), start, -1):
                        token = (prefix if start else "") + word[start:end]
                        if token in vocabulary and (rest := cut(end)) is not None:
                            return [token, *rest]
                    return None

                found = cut(0)
                return [unknown] if found is None else found
            """,
        ),
        Mutant("its own mark", "another `prefix`", edits=(("(prefix if start else", '("##" if start else'),)),
        Mutant("its own unknown", "another `unknown`", edits=(("return [unknown]", 'return ["[UNK]"]'),)),
        Mutant(
            "slow",
            "far slower than the reference",
            edits=(("if token in vocabulary", "if token in sorted(vocabulary)"),),
        ),
    ),
)
