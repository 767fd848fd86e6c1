"""Exercise: how many pairs of query and key attention computes, with a causal mask and a window."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same


def by_hand(queries, keys, window):
    """The pairs that are seen, counted one by one."""
    places = range(keys - queries, keys)
    return sum(1 for query in places for key in range(query + 1) if window is None or query - key < window)


@check("values")
def every_pair(mine):
    """Differs from every query with every key, where nothing is hidden."""
    mistakes = {"Counts the causal half, which was not asked for.": 10, "Counts half, though nothing is hidden.": 8}
    same(mine(4, 4), 16, mistakes=mistakes)
    same(mine(2, 5), 10)


@check("values")
def the_causal_half(mine):
    """Does not count, for each query, the keys up to itself."""
    mistakes = {
        "Takes exactly half: the diagonal is seen as well, so it is a little more.": 8,
        "Leaves out the diagonal: a query sees itself.": 6,
        "Counts what is hidden, too: with `causal` only what a query sees.": 16,
    }
    same(mine(4, 4, causal=True), 10, mistakes=mistakes)


@check("values")
def behind_a_cache(mine):
    """Stands the first query at the first key: the last query stands at the last key, and all see what the cache holds."""
    same(mine(2, 5, causal=True), 9)
    same(mine(1, 7, causal=True), 7)


@check("values")
def with_a_window(mine):
    """Lets a query see more or fewer than the last `window` keys, itself included."""
    mistakes = {
        "Leaves the window out: a query sees at most its last `window` keys.": 10,
        "Lets every query see a whole window: the first ones have fewer keys before them.": 8,
        "Lets the window reach one key too far: the query itself is one of them.": 9,
    }
    same(mine(4, 4, 2, True), 7, mistakes=mistakes)


@check("values")
def a_window_that_is_wider(mine):
    """Counts keys that do not exist: a window wider than the text changes nothing."""
    same(mine(3, 3, 10, True), 6)
    same(mine(3, 3, 10), 9)


@check("values")
def a_window_behind_a_cache(mine):
    """Reads more of a cache than the windows of its queries reach: `queries + window - 1` keys at most, each with each query."""
    same(mine(1, 100, 10), 10)
    same(mine(3, 100, 10), 36)


@check("values")
def as_counted_one_by_one(mine):
    """Differs from counting pair by pair which keys each query sees."""
    for queries, keys in ((1, 1), (5, 5), (3, 8), (8, 8)):
        for window in (None, 1, 3, 5, 8, 9):
            same(mine(queries, keys, window, causal=True), by_hand(queries, keys, window))


@check("speed")
def without_a_loop_over_tokens(mine):
    """Counts token by token: sum the rising part by its formula, n (n + 1) / 2, so that a context of a million costs nothing."""
    from groundup.model.accounting.operations import pairs

    fast(mine, pairs, (200_000, 200_000, 4096, True))


EXERCISE = Exercise(
    slot="model.accounting.pairs",
    title="Half of attention is hidden: count the pairs",
    task="""
    Attention costs the same for each pair of query and key, so its cost is a number of pairs. Without a mask every query
    meets every key. A kernel that is handed a mask computes the hidden pairs too; one that skips them computes only what is
    seen: the keys up to the query itself, and with a window of w only the last w of these. Count both. `queries` new tokens
    stand behind `keys - queries` that a cache holds. Without `causal` all keys are read that the window of some query reaches.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("model.attention.masks", "model.accounting.token_flops"),
    hints=(
        "The first query sees keys - queries + 1 keys, the next one more, until the window is full; after that each sees as many.",
        "Not causal: queries times min(keys, queries + window - 1). Causal: a rising part, summed by n * first + n (n - 1) / 2, "
        "then a flat one.",
        "reach = min(window, keys), first = keys - queries + 1; the number of rising queries is reach - first + 1, at least 0 and "
        "at most `queries`; the others see `reach` each.",
    ),
    run="groundup --mine my learn lesson model.accounting.budget --run",
    checks=(
        every_pair,
        the_causal_half,
        behind_a_cache,
        with_a_window,
        a_window_that_is_wider,
        a_window_behind_a_cache,
        as_counted_one_by_one,
        without_a_loop_over_tokens,
    ),
    mutants=(
        Mutant("always causal", "was not asked for", (("if not causal", "if False"),)),
        Mutant("never causal", "Counts what is hidden, too", (("if not causal", "if True"),)),
        Mutant(
            "without the diagonal",
            "Leaves out the diagonal",
            (
                ("first = keys - queries + 1", "first = keys - queries"),
                ("rising = min(rising, queries)", "rising = queries"),
            ),
        ),
        Mutant(
            "from the first key",
            "Stands the first query at the first key",
            (("first = keys - queries + 1", "first = 1"),),
        ),
        Mutant("no window", "Leaves the window out", (("keys if window is None else min(window, keys)", "keys"),)),
        Mutant("a key too many", "reach one key too far", (("min(window, keys)", "min(window + 1, keys)"),)),
        Mutant(
            "the whole cache",
            "Reads more of a cache",
            (("queries * min(keys, queries + reach - 1)", "queries * keys"),),
        ),
        Mutant(
            "wider than the text",
            "keys that do not exist",
            (
                ("min(window, keys)", "window"),
                ("rising = min(rising, queries)", "rising = min(max(0, queries - 1), rising)"),
            ),
        ),
        Mutant(
            "token by token",
            "sum the rising part by its formula",
            source="""
            def pairs(queries, keys, window=None, causal=False):
                reach = keys if window is None else min(window, keys)
                if not causal:
                    return queries * min(keys, queries + reach - 1)
                return sum(min(keys - queries + 1 + query, reach) for query in range(queries))
            """,
        ),
    ),
)
