"""Exercise: which language a text is in, by naive Bayes over its runs of bytes."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

PROFILES = {"en": {b"the": 6, b"and": 3, b"e t": 1}, "nl": {b"een": 3, b"and": 1}, "eo": {b"kaj": 2}}
FOUND = {b"the": 2, b"and": 1}


def by_hand(found, profiles, *, added=1.0, whole=True, repeated=True):
    """The posterior with plain products. added: to every count; whole: V of all profiles; repeated: runs as often as they come."""
    kinds = {gram for counts in profiles.values() for gram in counts}
    weights = {}
    for language, counts in profiles.items():
        total = sum(counts.values()) + added * len(kinds if whole else counts)
        product = 1.0
        for gram, times in found.items():
            if gram in kinds:
                product *= ((counts.get(gram, 0) + added) / total) ** (times if repeated else 1)
        weights[language] = product
    everything = sum(weights.values())
    return {language: weight / everything for language, weight in weights.items()}


def numbers(posterior, profiles):
    """The probabilities in the order of the profiles."""
    return [float(posterior[language]) for language in profiles]


@check("shape")
def one_for_each_language(mine):
    """Gives something else than one probability for each language of the profiles."""
    got = mine(dict(FOUND), PROFILES)
    that(isinstance(got, dict) and set(got) == set(PROFILES), expected=f"the keys {list(PROFILES)}", got=str(got))


@check("finite")
def a_long_text(mine):
    """Fails for a long text: its likelihood is too small for a float, so subtract the highest logarithm before exp."""
    try:
        got = numbers(mine({b"the": 900, b"een": 100}, PROFILES), PROFILES)
    except ZeroDivisionError:
        got = [float("nan")]
    that(max(got) > 0.34, expected="one language that is likely", got=got)  # not so where all are NaN, or 0


@check("invariant")
def together_they_are_one(mine):
    """The probabilities do not add up to 1: divide each weight by the sum of all."""
    same(sum(numbers(mine({b"and": 1}, PROFILES), PROFILES)), 1.0)


@check("invariant")
def an_empty_text_says_nothing(mine):
    """Prefers a language before a run was read: all were as likely, so a text without runs leaves them so."""
    same(numbers(mine({}, PROFILES), PROFILES), [1 / 3] * 3)


@check("invariant")
def what_nobody_knows_says_nothing(mine):
    """Lets runs speak that no profile has: only the size of the profiles would decide about them; leave them out."""
    same(numbers(mine({b"xyz": 5}, PROFILES), PROFILES), [1 / 3] * 3)


@check("values")
def by_the_formula(mine):
    """Differs from the formula (c + 1) / (sum of c + V), to the power of how often the text has the run."""
    wanted = by_hand(FOUND, PROFILES)
    once = "Counts each run of the text once: one that stands there twice speaks twice."
    own = "Takes V from one language alone: the same V, the kinds of all profiles together, belongs into every total."
    nothing = "Adds next to nothing instead of 1: one run that a language has not shown yet then rules it out."
    wrong = {
        once: numbers(by_hand(FOUND, PROFILES, repeated=False), PROFILES),
        own: numbers(by_hand(FOUND, PROFILES, whole=False), PROFILES),
        nothing: numbers(by_hand(FOUND, PROFILES, added=1e-9), PROFILES),
    }
    no_kinds = "Leaves V out of the total: then the probabilities of a language's runs add up to more than 1."
    wrong[no_kinds] = numbers(_without_kinds(FOUND, PROFILES), PROFILES)
    same(numbers(mine(dict(FOUND), PROFILES), PROFILES), numbers(wanted, PROFILES), mistakes=wrong)


def _without_kinds(found, profiles):
    """The mistake that divides by the counts alone."""
    weights = {}
    for language, counts in profiles.items():
        weights[language] = 1.0
        for gram, times in found.items():
            weights[language] *= ((counts.get(gram, 0) + 1) / sum(counts.values())) ** times
    return {language: weight / sum(weights.values()) for language, weight in weights.items()}


@check("values")
def a_sentence(mine):
    """Gives another probability for a text with runs of several languages."""
    found = {b"and": 3, b"een": 1, b"kaj": 1, b"e t": 2, b"qqq": 4}
    same(numbers(mine(found, PROFILES), PROFILES), numbers(by_hand(found, PROFILES), PROFILES))


EXERCISE = Exercise(
    slot="data.clean.language_posterior",
    title="The language of a text",
    task="""
    Some text of every language was cut into runs of three bytes, and these were counted: the profiles. Now a text comes, counted
    the same way. Give for each language the probability that the text is in it, when all were as likely before.

    A run has the probability (c + 1) / (sum of c + V) in a language: c is how often the profile has it, V how many kinds of runs
    all profiles have together. A text's likelihood is the product over its runs, each as often as it stands there. Runs that no
    profile has are left out. A text of a thousand bytes must not underflow.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("data.clean.language",),
    hints=(
        "Add logarithms instead of multiplying: times * math.log((count + 1) / total).",
        "The kinds of all profiles are one set: {gram for counts in profiles.values() for gram in counts}.",
        "exp(score - highest) is 1 for the best language and may be 0 for others; divide each by the sum of all.",
    ),
    run="groundup --mine my learn lesson data.clean.language --run",
    checks=(
        one_for_each_language,
        a_long_text,
        together_they_are_one,
        an_empty_text_says_nothing,
        what_nobody_knows_says_nothing,
        by_the_formula,
        a_sentence,
    ),
    mutants=(
        Mutant(
            "the best alone",
            "something else than one probability",
            (("return {language: weight / sum(weights.values()) for language, weight in weights.items()}",
              "return {max(weights, key=weights.get): 1.0}"),),
        ),
        Mutant("not scaled", "Fails for a long text", (("highest = max(scores.values())", "highest = 0.0"),)),
        Mutant("weights", "do not add up to 1", (("weight / sum(weights.values())", "weight"),)),
        Mutant(
            "the larger profile first",
            "Prefers a language before",
            (("math.exp(score - highest)", "sum(profiles[language].values()) * math.exp(score - highest)"),),
        ),
        Mutant("what nobody knows", "Lets runs speak that no profile has", ((" if gram in kinds\n", "\n"),)),
        Mutant("each once", "Counts each run of the text once", (("times * math.log", "math.log"),)),
        Mutant("its own kinds", "Takes V from one language alone", (("+ len(kinds)", "+ len(counts)"),)),
        Mutant("no kinds", "Leaves V out", ((" + len(kinds)", ""),)),
        Mutant(
            "nearly nothing added",
            "Adds next to nothing",
            (("(counts.get(gram, 0) + 1)", "(counts.get(gram, 0) + 1e-9)"), ("+ len(kinds)", "+ 1e-9 * len(kinds)")),
        ),
    ),
)  # fmt: skip
