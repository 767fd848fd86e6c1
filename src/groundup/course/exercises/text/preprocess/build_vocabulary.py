"""Exercise: which tokens get an id, and which id."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that


@check("shape")
def a_dictionary(mine):
    """Gives something else than a dict from token to id."""
    for counts in ({"a": 1}, {}):
        got = mine(counts)
        that(isinstance(got, dict), expected="a dict", got=got)


@check("invariant")
def ids_are_0_to_n(mine):
    """Has gaps in its ids, or begins with another number than 0: they are the rows of a matrix."""
    for counts in ({"a": 1}, {"a": 2, "b": 1, "c": 3}):
        got = mine(counts)
        that(sorted(got.values()) == list(range(len(got))), expected=f"the ids 0 to {len(got) - 1}", got=got)


@check("values")
def special_tokens_are_first(mine):
    """Does not begin with the special tokens, in the order given; they are there also when no text holds them."""
    same(list(mine({"a": 1})), ["<unk>", "a"])
    same(list(mine({"a": 9}, special_tokens=("<pad>", "<unk>"))), ["<pad>", "<unk>", "a"])


@check("values")
def a_special_token_has_one_id(mine):
    """Numbers a special token a second time when a text holds it as well."""
    same(mine({"<unk>": 5, "a": 1}), {"<unk>": 0, "a": 1})


@check("values")
def frequent_tokens_come_first(mine):
    """Orders tokens otherwise than by falling count: frequent ones get small ids, so that a cut keeps them."""
    same(mine({"a": 1, "b": 3, "c": 2}), {"<unk>": 0, "b": 1, "c": 2, "a": 3})


@check("values")
def equals_go_by_code_points(mine):
    """Lets the order of the texts decide between tokens seen equally often: then two machines number them differently."""
    for counts in ({"a": 1, "b": 1}, {"b": 1, "a": 1}, {"b": 2, "B": 2, "é": 2}):
        words = sorted(counts)
        same(list(mine(counts)), ["<unk>", *words])


@check("values")
def rare_tokens_are_left_out(mine):
    """Treats the cut-off wrongly: what is seen min_count times stays, what is seen less often goes."""
    same(mine({"a": 2, "b": 1}, min_count=2), {"<unk>": 0, "a": 1})
    same(mine({"a": 2, "b": 3}, min_count=3), {"<unk>": 0, "b": 1})


@check("values")
def max_size_counts_all_ids(mine):
    """Counts max_size without the special tokens: it is the number of ids in all."""
    same(mine({"a": 3, "b": 2, "c": 1}, max_size=2), {"<unk>": 0, "a": 1})
    same(len(mine({"a": 3, "b": 2, "c": 1}, max_size=3)), 3)


@check("speed")
def sorted_once(mine):
    """Is far slower than the reference: sort the tokens once by a key of count and spelling."""
    from groundup.text.preprocess.one_hot import build_vocabulary

    fast(mine, build_vocabulary, ({f"w{i}": i % 50 for i in range(2000)},), times=8)


EXERCISE = Exercise(
    slot="text.preprocess.build_vocabulary",
    title="A vocabulary out of counts",
    task="""
    Counted tokens become a vocabulary: each token that was seen at least min_count times gets an id. First come the special tokens
    in the order given, then the others by falling count, and tokens that were seen equally often by their code points, so that
    the same counts give the same ids everywhere. max_size, if it is given, is how many ids there are in all. A special token
    that a text happened to hold keeps its one place at the front.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("text.preprocess.one_hot",),
    hints=(
        "Take the tokens whose count suffices and that are no special tokens; sort them; put the special ones before them.",
        "One key does both rules: sorted(tokens, key=lambda token: (-counts[token], token)).",
        "enumerate the joined list, cut by [:max_size], which with None cuts nothing.",
    ),
    run="groundup --mine my learn lesson text.preprocess.one_hot --run",
    checks=(
        a_dictionary,
        ids_are_0_to_n,
        special_tokens_are_first,
        a_special_token_has_one_id,
        frequent_tokens_come_first,
        equals_go_by_code_points,
        rare_tokens_are_left_out,
        max_size_counts_all_ids,
        sorted_once,
    ),
    mutants=(
        Mutant(
            "a list",
            "Returns list where dict is expected",
            edits=(
                ("return {token: id for id, token in enumerate(in_order[:max_size])}", "return in_order[:max_size]"),
            ),
        ),
        Mutant(
            "from one",
            "gaps in its ids",
            edits=(("enumerate(in_order[:max_size])", "enumerate(in_order[:max_size], 1)"),),
        ),
        Mutant(
            "special tokens last",
            "Does not begin with the special tokens",
            edits=(
                ("in_order = [*special_tokens, *sorted(", "in_order = [*sorted("),
                ("(-counts[token], token))]", "(-counts[token], token)), *special_tokens]"),
            ),
        ),
        Mutant("twice", "a second time", edits=((" and token not in special_tokens", ""),)),
        Mutant(
            "rare first",
            "otherwise than by falling count",
            edits=(("(-counts[token], token)", "(counts[token], token)"),),
        ),
        Mutant("as they come", "order of the texts decide", edits=(("(-counts[token], token)", "-counts[token]"),)),
        Mutant(
            "more than min_count",
            "the cut-off wrongly",
            edits=(("count >= min_count", "(count > min_count or min_count == 1)"),),
        ),
        Mutant(
            "special tokens extra",
            "without the special tokens",
            edits=(("in_order[:max_size]", "in_order[:None if max_size is None else max_size + len(special_tokens)]"),),
        ),
        Mutant(
            "slow",
            "far slower than the reference",
            edits=(
                (
                    "    in_order = ",
                    "    for _ in range(300):\n        sorted(frequent, key=counts.__getitem__)\n    in_order = ",
                ),
            ),
        ),
    ),
)
