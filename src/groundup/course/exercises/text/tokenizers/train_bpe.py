"""Exercise: learn the merges of a byte-pair tokenizer from counted words."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown, that

HUGS = {b"hug": 10, b"pug": 5, b"pun": 12, b"bun": 4, b"hugs": 5}  # the example of Hugging Face's course
LEARNED = [(b"u", b"g"), (b"u", b"n"), (b"h", b"ug")]
TIED = {b"bbb": 2, b"aaa": 2, b"dddd": 2, b"cccc": 2}


def occurrences(symbols, pair):
    """How often a pair can be joined, from the left."""
    count = place = 0
    while place < len(symbols) - 1:
        found = (symbols[place], symbols[place + 1]) == pair
        count, place = count + found, place + 1 + found
    return count


def by_hand(words, merges):
    """The same by asking for every pair of symbols how often it occurs."""
    spelled = [([bytes([byte]) for byte in word], times) for word, times in words.items()]
    learned = []
    for _ in range(merges):
        pairs = {pair for symbols, _ in spelled for pair in zip(symbols, symbols[1:], strict=False)}
        if not pairs:
            break
        weight = {pair: sum(times * occurrences(symbols, pair) for symbols, times in spelled) for pair in pairs}
        best = sorted(pairs, key=lambda pair: (-weight[pair], pair))[0]
        for symbols, _ in spelled:
            place = 0
            while place < len(symbols) - 1:
                if (symbols[place], symbols[place + 1]) == best:
                    symbols[place : place + 2] = [best[0] + best[1]]
                place += 1
        learned.append(best)
    return learned


@check("shape")
def pairs_of_bytes(mine):
    """Gives something else than pairs of bytes: a merge is (left, right), not the joined token, and bytes([97]) is b'a'."""
    for words in ({b"ab": 1}, HUGS):
        got = mine(words, 1)
        for pair in got:
            whole = isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, bytes) for part in pair)
            if not whole:
                raise Failed(expected=shown(by_hand(words, 1)), got=shown(got))


@check("shape")
def as_many_merges_as_asked(mine):
    """Learns another number of merges than asked for; of 0 merges nothing is learned."""
    for merges in (0, 1, 3):
        got = mine(HUGS, merges)
        if len(got) != merges:
            raise Failed(expected=f"{merges} merges", got=shown(got))


@check("values")
def it_ends_when_no_pair_is_left(mine):
    """Does not end as it should when every word is one symbol: then no pair is left, and fewer merges come back."""
    for words in ({}, {b"": 3}, {b"a": 1}):
        same(mine(words, 2), [])
    same(mine({b"ab": 1}, 5), [(b"a", b"b")])
    same(mine({b"abc": 1, b"ab": 1}, 5), [(b"a", b"b"), (b"ab", b"c")])


@check("invariant")
def no_pair_is_learned_twice(mine):
    """Learns the same pair again and again: join it in the words once it is learned, and it is no pair of neighbours any more."""
    for words in ({b"abc": 2}, HUGS):
        got = mine(words, 2)
        that(len(set(got)) == len(got), expected="two merges that differ", got=got)


@check("values")
def the_order_of_the_words_does_not_matter(mine):
    """Lets the order of the words decide between pairs that occur equally often: take the smaller pair, as best_pair does."""
    for words in ({b"cd": 1, b"ab": 1}, TIED):
        same(mine(dict(reversed(words.items())), 4), mine(words, 4))


@check("values")
def a_word_counts_as_often_as_it_occurs(mine):
    """Counts a word once, though it occurs more often: a pair counts as often as the words that hold it."""
    same(mine({b"ab": 1, b"cab": 1, b"xy": 5}, 1), [(b"x", b"y")])


@check("values")
def no_pair_crosses_words(mine):
    """Joins the end of one word and the beginning of the next: pairs are counted inside of words only."""
    same(mine({b"xa": 1, b"bxa": 1, b"bc": 1}, 1), [(b"x", b"a")])


@check("values")
def runs_are_counted_without_overlap(mine):
    """Counts pairs that overlap: aaaaa holds aa twice and no four times, since a merge joins no more than that; use count_pairs."""
    same(mine({b"aaaaa": 1, b"xy": 3}, 1), [(b"x", b"y")])


@check("values")
def of_ties_the_smaller_pair(mine):
    """Takes the wrong one of pairs that occur equally often: the smaller on its bytes, left before right."""
    for words in ({b"ab": 1, b"cd": 1}, {b"az": 2, b"bc": 2}):
        same(mine(words, 1), by_hand(words, 1))
    same(mine(TIED, 4), [(b"c", b"c"), (b"d", b"d"), (b"a", b"a"), (b"aa", b"a")])


@check("values")
def joined_symbols_join_again(mine):
    """Learns from the words as they were: after each merge the pair is joined in all of them, and the pairs are counted again."""
    mistakes = {
        "Counts the pairs only once, at the beginning: after a merge the joined symbol has pairs of its own.": [
            (b"a", b"b"),
            (b"b", b"c"),
        ],
    }
    same(mine({b"abc": 2, b"ab": 1}, 2), [(b"a", b"b"), (b"ab", b"c")], mistakes=mistakes)


@check("values")
def as_in_the_textbook(mine):
    """Differs from the textbook: hug, pug, pun, bun and hugs give u g, then u n, then h ug."""
    same(mine(HUGS, 3), LEARNED)


@check("values")
def as_by_hand(mine):
    """Differs from counting every pair by hand; go through the merges one by one."""
    for words in (HUGS, {b"abab": 2, b"baba": 3, b"aab": 1}, {"é".encode(): 2, "éé".encode(): 1, b"\xff\x00": 4}):
        for merges in (2, 4, 9):
            same(mine(words, merges), by_hand(words, merges))


@check("speed")
def many_words_take_no_age(mine):
    """Is far slower than the reference: count all pairs of all words in one pass for each merge."""
    from groundup.text.tokenizers.bpe import train_bpe

    words = {bytes([97 + one, 97 + other, 97 + one]): one + other + 1 for one in range(8) for other in range(8)}
    fast(mine, train_bpe, (words, 10))


EXERCISE = Exercise(
    slot="text.tokenizers.train_bpe",
    title="BPE: learn the merges",
    task="""
    A byte-pair tokenizer learns its tokens from text. Spell every word in its bytes; count how often each pair of
    neighbours occurs, a word as often as it occurs in the text; join the most frequent pair wherever it stands, and note
    it down as a merge; and again, until there are as many merges as asked for or no pair is left. Given are `count_pairs`,
    which counts the pairs of one word without overlap, `best_pair`, which of equals takes the smaller one, and
    `merge_pair`, which joins a pair in one word. The merges, in this order, are the tokenizer.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("text.tokenizers.bpe",),
    hints=(
        "Keep for every word the list of its symbols, at first [bytes([byte]) for byte in word]; words itself stays as it is.",
        "A round has three steps: add up count_pairs(symbols) over all words, each times words[word]; take best_pair of the "
        "sum; replace the symbols of every word by merge_pair(symbols, pair).",
        "while len(learned) < merges: counts = Counter() made anew in each round, filled in two nested loops; `if not counts: "
        "break` before best_pair, which cannot choose from nothing.",
    ),
    run="groundup --mine my tokenizer train --vocab-size 400",
    checks=(
        pairs_of_bytes,
        as_many_merges_as_asked,
        no_pair_is_learned_twice,
        a_word_counts_as_often_as_it_occurs,
        no_pair_crosses_words,
        joined_symbols_join_again,
        it_ends_when_no_pair_is_left,
        the_order_of_the_words_does_not_matter,
        runs_are_counted_without_overlap,
        of_ties_the_smaller_pair,
        as_in_the_textbook,
        as_by_hand,
        many_words_take_no_age,
    ),
    mutants=(
        Mutant(
            "joined tokens noted down",
            "pairs of bytes",
            edits=(("    return learned", "    return [left + right for left, right in learned]"),),
        ),
        Mutant(
            "one merge too many",
            "another number of merges",
            edits=(("len(learned) < merges", "len(learned) <= merges"),),
        ),
        Mutant(
            "no end without pairs",
            "min() ",
            edits=(("        if not counts:\n            break\n", ""),),
        ),
        Mutant(
            "stops at pairs that occur once",
            "Does not end as it should",
            edits=(("if not counts:", "if max(counts.values(), default=0) < 2:"),),
        ),
        Mutant(
            "the first pair seen",
            "Lets the order of the words decide",
            edits=(("best_pair(counts)", "counts.most_common(1)[0][0]"),),
        ),
        Mutant(
            "the larger of equals",
            "Takes the wrong one of pairs",
            edits=(("best_pair(counts)", "max(counts, key=lambda pair: (counts[pair], pair))"),),
        ),
        Mutant("every word once", "Counts a word once", edits=(("occurrences * words[word]", "occurrences"),)),
        Mutant(
            "words in one line",
            "Joins the end of one word",
            source="""
            from groundup.text.tokenizers.bpe import best_pair, count_pairs, merge_pair


            def train_bpe(words, merges):
                text = b"".join(word * times for word, times in words.items())
                symbols, learned = [bytes([byte]) for byte in text], []
                while len(learned) < merges and len(symbols) > 1:
                    learned.append(best_pair(count_pairs(symbols)))
                    symbols = merge_pair(symbols, learned[-1])
                return learned
            """,
        ),
        Mutant(
            "overlapping pairs",
            "Counts pairs that overlap",
            edits=(
                ("from collections import Counter", "from collections import Counter\nfrom itertools import pairwise"),
                ("count_pairs(symbols).items()", "Counter(pairwise(symbols)).items()"),
            ),
        ),
        Mutant(
            "never joined",
            "Learns the same pair again",
            edits=(("merge_pair(symbols, learned[-1])", "symbols"),),
        ),
        Mutant(
            "counted once",
            "Counts the pairs only once",
            source="""
            from collections import Counter

            from groundup.text.tokenizers.bpe import count_pairs


            def train_bpe(words, merges):
                counts = Counter()
                for word, times in words.items():
                    for pair, occurrences in count_pairs([bytes([byte]) for byte in word]).items():
                        counts[pair] += occurrences * times
                return sorted(counts, key=lambda pair: (-counts[pair], pair))[:merges]
            """,
        ),
        Mutant(
            "words used up",
            "Changes its argument words in place",
            edits=(("    return learned", "    words.clear()\n    return learned"),),
        ),
        Mutant(
            "slow",
            "far slower than the reference",
            edits=(
                (
                    "        if not counts:",
                    "        for _ in range(150):\n            for symbols in spelled.values():\n                count_pairs(symbols)\n        if not counts:",
                ),
            ),
        ),
    ),
)
