"""Exercise: does a sentence go on behind this full stop?"""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that


@check("dtype")
def true_or_false(mine):
    """Gives something else than True or False; bool(...) makes one of a match or a word."""
    for case in (("left", ".", "He"), ("dr", ".", "Li"), ("u.s", ".", "Army")):
        that(type(mine(*case)) is bool, expected="True or False", got=mine(*case))


@check("values")
def an_ordinary_word_ends(mine):
    """Goes on behind an ordinary word and a full stop: that ends a sentence, whatever follows, also in lower case or nothing."""
    for following in ("He", "then", "", "Smith"):
        same(mine("left", ".", following), False)


@check("values")
def a_title_goes_on(mine):
    """Ends behind a title: Dr. and Mrs. stand before a name (`TITLES`)."""
    for before in ("dr", "mrs", "gen"):
        same(mine(before, ".", "Smith"), True)


@check("values")
def an_initial_goes_on(mine):
    """Ends behind an initial: J. Smith goes on, since a single letter is no word; only I is one."""
    same(mine("j", ".", "Smith"), True)
    same(mine("i", ".", "Smith"), False)


@check("values")
def an_abbreviation_before_numbers_needs_one(mine):
    """Treats No. and p. wrongly: such an abbreviation (`BEFORE_NUMBERS`) goes on before a number and nothing else."""
    same(mine("vol", ".", "5"), True)
    same(mine("no", ".", "He"), False)


@check("values")
def an_abbreviation_goes_on_before_a_name(mine):
    """Ends behind an abbreviation: Inc. and U.S. (`MAY_END`, or letters with stops between) go on before a word such as a name."""
    for before in ("inc", "u.s", "x.y.z"):
        same(mine(before, ".", "Army"), True)


@check("values")
def a_usual_beginning_ends_it(mine):
    """Goes on before a word that usually begins a sentence: behind Inc. or U.S. the next word decides (`STARTERS`, in lower case)."""
    for before in ("inc", "u.s", "j"):
        same(mine(before, ".", "The"), False)


@check("values")
def lower_case_goes_on(mine):
    """Ends before a word in lower case behind an abbreviation or dots: such a sentence goes on."""
    same(mine("etc", ".", "and"), True)
    same(mine("wait", "…", "what"), True)


@check("values")
def marks_end_it(mine):
    """Goes on behind ! or ?: they end a sentence, also before lower case; only when a quote closed does it go on there."""
    for sign in "!?":
        same(mine("what", sign, "then"), False)
        same(mine("what", sign, "Then"), False)
        same(mine("dr", sign, "Li"), False)


@check("values")
def a_closed_quote_goes_on_in_lower_case(mine):
    """Ends between a quotation and the one who said it: “Really?” she asked is one sentence, since she is in lower case."""
    same(mine("really", '?"', "she"), True)
    same(mine("fine", '."', "she"), True)
    same(mine("really", '?"', "She"), False)


@check("values")
def at_the_end_of_the_text_nothing_goes_on(mine):
    """Goes on where nothing follows: at the end of a text an abbreviation ends the sentence too."""
    same(mine("inc", ".", ""), False)


@check("speed")
def words_are_looked_up(mine):
    """Is far slower than the reference: the words stand in sets, where `in` looks up at once."""
    from groundup.text.preprocess.sentences import goes_on

    fast(mine, goes_on, ("u.s", ".", "Army"), times=8)


EXERCISE = Exercise(
    slot="text.preprocess.goes_on",
    title="Sentences: is this full stop an end?",
    task="""
    A splitter finds every sign that could end a sentence; this function decides. Given are the word before the sign in
    lower case, the sign with what closes behind it, and the next word. In this order: before lower case a sentence goes on, except
    behind ! or ? alone, and except behind an ordinary word (`is_plain`) with a bare full stop. Behind any sign but a full stop it
    ends. A title goes on. An abbreviation of `BEFORE_NUMBERS` goes on before a digit only. A single letter (not i), a word of
    `MAY_END` and letters with stops between them go on before any word that is not in `STARTERS`. All else ends.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("text.preprocess.normalize",),
    hints=(
        "Write one `if` a rule in the order of the task, each with its own return; the sign's first character is sign[0].",
        "Behind ! or ? a sentence goes on in lower case when the sign is longer than one character: a quote closed.",
        r'For letters with stops: re.fullmatch(r"(?:[a-z]\.)+[a-z]", before) is not None. STARTERS is in lower case: following.lower().',
    ),
    run="groundup --mine my learn lesson text.preprocess.sentences --run",
    checks=(
        true_or_false,
        an_ordinary_word_ends,
        a_title_goes_on,
        an_initial_goes_on,
        an_abbreviation_before_numbers_needs_one,
        an_abbreviation_goes_on_before_a_name,
        a_usual_beginning_ends_it,
        lower_case_goes_on,
        marks_end_it,
        a_closed_quote_goes_on_in_lower_case,
        at_the_end_of_the_text_nothing_goes_on,
        words_are_looked_up,
    ),
    mutants=(
        Mutant(
            "a word for true",
            "Returns str where bool is expected",
            edits=(
                ("abbreviated and bool(following) and", "abbreviated and following and"),
                ("not in STARTERS", "not in STARTERS and following"),
            ),
        ),
        Mutant(
            "lower case always goes on",
            "Goes on behind an ordinary word",
            edits=((' and (sign != "." or not is_plain(before))', ""),),
        ),
        Mutant("no titles", "Ends behind a title", edits=(("        return True\n", "        return False\n"),)),
        Mutant("no initials", "Ends behind an initial", edits=(("initial or before in MAY_END", "before in MAY_END"),)),
        Mutant("numbers forgotten", "Treats No. and p. wrongly", edits=(("following[:1].isdigit()", "True"),)),
        Mutant(
            "listed words only",
            "Ends behind an abbreviation",
            edits=((r""" or re.fullmatch(r"(?:[a-z]\.)+[a-z]", before) is not None""", ""),),
        ),
        Mutant(
            "beginnings ignored",
            "usually begins a sentence",
            edits=((' and following.lower().rstrip(".") not in STARTERS', ""),),
        ),
        Mutant(
            "case ignored",
            "behind an abbreviation or dots",
            edits=(("following[:1].islower() and", "len(sign) > 1 and following[:1].islower() and"),),
        ),
        Mutant("marks go on", "Goes on behind ! or ?", edits=((' not in "!?" or len(sign) > 1', ' in "!?.…"'),)),
        Mutant("quotes ignored", "the one who said it", edits=((" or len(sign) > 1", ""),)),
        Mutant(
            "open end",
            "Goes on where nothing follows",
            edits=(("abbreviated and bool(following) and", "abbreviated and"),),
        ),
    ),
)
