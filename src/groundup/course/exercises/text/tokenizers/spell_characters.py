"""Exercise: the symbols that merging begins with, where some characters are in no vocabulary."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown

LETTERS = {"a": 0, "b": 1, "<unk>": 2}
BYTES = LETTERS | {f"<0x{byte:02X}>": 3 + byte for byte in range(256)}


@check("shape")
def a_list_of_strings(mine):
    """Gives something else than a list of strings, one a symbol: ids come later, after merging."""
    for word in ("", "ab", "aé"):
        got = mine(word, LETTERS, "<unk>")
        if not isinstance(got, list) or not all(isinstance(symbol, str) for symbol in got):
            raise Failed(expected=shown(["a", "<unk>"]), got=shown(got))


@check("values")
def known_characters_stay(mine):
    """Changes characters that are pieces: each is its own symbol, in order, whatever the options say."""
    for options in ({}, {"fuse": True}, {"fallback": True}):
        same(mine("abba", BYTES, "<unk>", **options), list("abba"))
    same(mine("", LETTERS, "<unk>"), [])


@check("values")
def unknown_characters_are_replaced_or_left_out(mine):
    """Does not treat a character that is no piece: it becomes `unknown`, and without `unknown` it is left out."""
    same(mine("aéb", LETTERS, "<unk>"), ["a", "<unk>", "b"])
    same(mine("aéb", LETTERS), ["a", "b"])
    same(
        mine("éè", LETTERS, "<unk>"),
        ["<unk>", "<unk>"],
        "Fuses without being asked: two unknown characters are two symbols.",
    )


@check("values")
def a_run_is_fused(mine):
    """Fuses wrongly: with `fuse` unknown characters side by side are one symbol, and a known one between them parts them."""
    same(mine("éèa猫", LETTERS, "<unk>", fuse=True), ["<unk>", "a", "<unk>"])
    same(mine("aéèêb", LETTERS, "<unk>", fuse=True), ["a", "<unk>", "b"])


@check("values")
def bytes_stand_in(mine):
    """Does not fall back to bytes: é is two bytes in UTF-8, written <0xC3> and <0xA9> with two capital digits each."""
    same(mine("aé", BYTES, "<unk>", fallback=True), ["a", "<0xC3>", "<0xA9>"])
    same(
        mine("\n", BYTES, "<unk>", fallback=True),
        ["<0x0A>"],
        "Writes a small byte with one digit: a new line is <0x0A>.",
    )
    same(mine("猫", BYTES, fallback=True), ["<0xE7>", "<0x8C>", "<0xAB>"])
    same(mine("é", BYTES, "<unk>"), ["<unk>"], "Falls back to bytes without being asked.")


@check("values")
def all_bytes_or_none(mine):
    """Falls back by halves: only when every byte of the character is a piece; otherwise the character is unknown."""
    some = LETTERS | {"<0xC3>": 3, "<0xA9>": 4}
    same(mine("éè", some, "<unk>", fallback=True), ["<0xC3>", "<0xA9>", "<unk>"])
    same(
        mine("èéè", some, "<unk>", True, True),
        ["<unk>", "<0xC3>", "<0xA9>", "<unk>"],
        "Fuses over bytes: they part two runs.",
    )


@check("speed")
def a_long_word_takes_no_age(mine):
    """Is far slower than the reference: look at each character once."""
    from groundup.text.tokenizers.character_bpe import spell_characters

    fast(mine, spell_characters, ("abé" * 500, BYTES, "<unk>", False, True))


EXERCISE = Exercise(
    slot="text.tokenizers.spell_characters",
    title="Characters, and bytes where a character is missing",
    task="""
    BPE over characters begins with the characters of a word. Some are in no vocabulary. With `fallback` such a character
    becomes its UTF-8 bytes, <0xC3> <0xA9>, if all of these are pieces: so Llama 2 spells what its 32,000 pieces lack.
    Otherwise it becomes `unknown`; with `fuse` unknown characters side by side are a single one; and where `unknown` is
    None it is left out.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("text.tokenizers.bpe",),
    hints=(
        'f"<0x{byte:02X}>" for byte in character.encode() writes the bytes.',
        "Three cases for each character, in this order: it is a piece; all its bytes are pieces; it is unknown.",
        "Remember whether the character before was unknown; a known one, or one in bytes, ends the run.",
    ),
    run="groundup --mine my learn lesson text.tokenizers.character_bpe --run",
    checks=(
        a_list_of_strings,
        known_characters_stay,
        unknown_characters_are_replaced_or_left_out,
        a_run_is_fused,
        bytes_stand_in,
        all_bytes_or_none,
        a_long_word_takes_no_age,
    ),
    mutants=(
        Mutant(
            "ids",
            "list of strings",
            edits=(("    return symbols", "    return [vocabulary.get(symbol, 0) for symbol in symbols]"),),
        ),
        Mutant("no unknown", "that is no piece", edits=(("[unknown]\n", "[character]\n"),)),
        Mutant("fused always", "without being asked", edits=(("(fuse and after_unknown)", "after_unknown"),)),
        Mutant("never parted", "parts them", edits=(("        after_unknown = False", "        pass"),)),
        Mutant("small letters", "fall back to bytes", edits=(("{byte:02X}", "{byte:02x}"),)),
        Mutant("one digit", "one digit", edits=(("{byte:02X}", "{byte:X}"),)),
        Mutant("bytes unasked", "without being asked", edits=(("if fallback and all(", "if all("),)),
        Mutant(
            "by halves",
            "by halves",
            edits=(
                (
                    "and all(byte in vocabulary for byte in as_bytes)",
                    "and any(byte in vocabulary for byte in as_bytes)",
                ),
            ),
        ),
        Mutant(
            "slow",
            "far slower",
            edits=(
                (
                    "    for character in word:",
                    "    for character in word:\n        for _ in range(12):\n            list(word)",
                ),
            ),
        ),
    ),
)
