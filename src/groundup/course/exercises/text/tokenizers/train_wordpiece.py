"""Exercise: learn the vocabulary of a WordPiece tokenizer from counted words."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown, that

HUGS = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}  # the example of Hugging Face's course
LETTERS = ["##g", "##n", "##s", "##u", "b", "h", "p"]


def by_hand(words, vocab_size, rule="likelihood", characters=(), least=1):
    """The same by asking for every pair of symbols how often it and its parts occur."""
    spelled = [([word[0], *("##" + letter for letter in word[1:])], times) for word, times in words.items()]
    letters = {symbol for symbols, _ in spelled for symbol in symbols}
    learned = sorted(letters.union(*((letter, "##" + letter) for letter in characters)))
    while len(learned) < vocab_size:
        pairs: dict[tuple[str, str], int] = {}
        counts: dict[str, int] = {}
        for symbols, times in spelled:
            for symbol in symbols:
                counts[symbol] = counts.get(symbol, 0) + times
            taken = None
            for place, pair in enumerate(zip(symbols, symbols[1:], strict=False)):
                if pair[0] == pair[1] and taken == place:
                    continue
                taken = place + 1 if pair[0] == pair[1] else None
                pairs[pair] = pairs.get(pair, 0) + times
        chances = {
            pair: times / float(counts[pair[0]] * counts[pair[1]]) if rule == "likelihood" else times
            for pair, times in pairs.items()
            if times >= least
        }
        if not chances:
            break
        best = sorted(chances, key=lambda pair: (-chances[pair], -pairs[pair], pair))[0]
        for symbols, _ in spelled:
            place = 0
            while place < len(symbols) - 1:
                if (symbols[place], symbols[place + 1]) == best:
                    symbols[place : place + 2] = [best[0] + best[1][2:]]
                place += 1
        learned.append(best[0] + best[1][2:])
    return learned


@check("shape")
def a_list_of_tokens(mine):
    """Gives something else than a list of strings: the tokens of the vocabulary, a merge as the token that it makes."""
    for size in (7, 9):
        got = mine(HUGS, size)
        if not isinstance(got, list) or not all(isinstance(token, str) for token in got):
            raise Failed(expected=shown(by_hand(HUGS, size)), got=shown(got))


@check("values")
def the_alphabet_comes_first(mine):
    """Begins with something else than the alphabet: the letters in sorted order, those behind a word's first with ##."""
    same(mine(HUGS, 7), LETTERS)
    same(mine({"ab": 1, "b": 2}, 3), ["##b", "a", "b"])


@check("values")
def as_many_tokens_as_asked(mine):
    """Learns another number of tokens than asked for: the alphabet counts, too."""
    for size in (7, 8, 10):
        got = mine(HUGS, size)
        if len(got) != size:
            raise Failed(expected=f"{size} tokens", got=shown(got))


@check("values")
def it_ends_when_no_pair_is_left(mine):
    """Does not end as it should when every word is one symbol: then no pair is left, and fewer tokens come back."""
    for words in ({}, {"a": 3}):
        same(mine(words, 4), sorted(words))
    same(mine({"ab": 1}, 9), ["##b", "a", "ab"])


@check("values")
def a_word_counts_as_often_as_it_occurs(mine):
    """Counts a word once, though it occurs more often: pairs and symbols count as often as the words that hold them."""
    same(mine({"ab": 9, "ac": 1, "db": 1, "ef": 1, "eg": 1}, 8)[7:], ["ef"])
    same(mine({"xab": 1, "cab": 1, "xd": 5}, 6, "frequency")[5:], ["xd"])


@check("values")
def the_textbooks_first_pair(mine):
    """Joins the wrong pair first: ##g ##s scores 5 / (20 * 5), more than ##u ##g with 20 / (36 * 20), though that is more frequent."""
    frequent = "Joins the most frequent pair, as byte pair encoding does: divide by the counts of both parts."
    marks = "Joins the marks as well: ##g and ##s make ##gs, h and ##u make hu; `join` does that."
    mistakes = {frequent: [*LETTERS, "##ug"], marks: [*LETTERS, "##g##s"]}
    same(mine(HUGS, 8), [*LETTERS, "##gs"], mistakes=mistakes)


@check("values")
def frequency_counts_alone(mine):
    """Passes over rule="frequency": then the pair that occurs most is joined, whatever its parts do."""
    same(mine(HUGS, 10, "frequency"), [*LETTERS, "##ug", "##un", "hug"])


@check("values")
def of_ties_the_more_frequent_pair(mine):
    """Takes the wrong one of pairs with equal scores: the more frequent, then the smaller text, as best_pair does."""
    same(mine(HUGS, 11)[8:], ["pu", "hu", "bu"])
    for words in ({"ab": 2, "cd": 2}, {"cd": 2, "ab": 2}):
        same(mine(words, 5), ["##b", "##d", "a", "c", "ab"])


@check("values")
def joined_symbols_join_again(mine):
    """Learns from the words as they were: after each merge the pair is joined in all words, and all is counted again."""
    same(mine({"abc": 2, "abd": 2}, 9, "frequency"), by_hand({"abc": 2, "abd": 2}, 9, "frequency"))


@check("values")
def runs_are_counted_without_overlap(mine):
    """Counts pairs that overlap: behind the first of aaaaaa, ##a ##a occurs twice and no four times; use count_pairs."""
    same(mine({"aaaaaa": 1, "xy": 3}, 5, "frequency")[4:], ["xy"])


@check("values")
def rare_pairs_are_kept_out(mine):
    """Joins a pair that occurs less than min_frequency times: such pairs are left out before the best is chosen."""
    words = {"xy": 1, "hug": 10, "hugs": 5}
    same(mine(words, 99, min_frequency=2), by_hand(words, 99, least=2))
    same(mine(words, 99, min_frequency=5), by_hand(words, 99, least=5))


@check("values")
def characters_have_both_forms(mine):
    """Passes over `characters`: each of them is in the alphabet in both forms, z and ##z."""
    same(mine({"ab": 1}, 6, characters="bz"), ["##b", "##z", "a", "b", "z", "ab"])


@check("values")
def as_by_hand(mine):
    """Differs from counting every pair by hand; go through the merges one by one."""
    for words in (HUGS, {"abab": 2, "baba": 3, "aab": 1}, {"éa": 2, "ééa": 1, "猫a": 4}):
        for rule in ("likelihood", "frequency"):
            for more in (2, 5, 9):
                size = more + len({letter for word in words for letter in word}) * 2
                got = mine(words, size, rule)
                that(got == by_hand(words, size, rule), expected=by_hand(words, size, rule), got=got)


@check("speed")
def many_words_take_no_age(mine):
    """Is far slower than the reference: count all pairs and symbols of all words in one pass for each merge."""
    from groundup.text.tokenizers.wordpiece import train_wordpiece

    words = {
        "".join(map(chr, (97 + one, 97 + other, 97 + one))): one + other + 1 for one in range(8) for other in range(8)
    }
    fast(mine, train_wordpiece, (words, 26))


EXERCISE = Exercise(
    slot="text.tokenizers.train_wordpiece",
    title="WordPiece: learn the vocabulary",
    task="""
    A WordPiece vocabulary begins with the alphabet of the words: `alphabet` gives it, and `check_words` and `check_size` refuse what cannot
    be trained. Then, until there are `vocab_size` tokens or no pair is left: count all pairs of neighbours (`count_pairs`, one word at a
    time, without overlap) and all symbols, a word as often as it occurs; leave out pairs that occur less than `min_frequency` times;
    take `best_pair`, which scores a pair by count(ab) / (count(a) count(b)); join it in all words (`merge_pair`), and
    append the token that it makes (`join`). Given is also `spell`, which spells a word in symbols.
    """,
    difficulty=3,
    minutes=35,
    prerequisites=("text.tokenizers.wordpiece", "text.tokenizers.bpe"),
    hints=(
        "Keep for every word the list of its symbols, at first spell(word); words itself stays as it is.",
        "A round needs two Counters, of pairs and of symbols, made anew and filled over all words, each count times words[word].",
        "pairs = {pair: n for pair, n in pairs.items() if n >= min_frequency}; if not pairs: break; best = best_pair(pairs, symbols, "
        "rule); replace every word's symbols by merge_pair(symbols, best); vocabulary.append(join(best)).",
    ),
    run="groundup --mine my learn lesson text.tokenizers.wordpiece --run",
    checks=(
        a_list_of_tokens,
        the_alphabet_comes_first,
        as_many_tokens_as_asked,
        the_textbooks_first_pair,
        it_ends_when_no_pair_is_left,
        frequency_counts_alone,
        a_word_counts_as_often_as_it_occurs,
        of_ties_the_more_frequent_pair,
        joined_symbols_join_again,
        runs_are_counted_without_overlap,
        rare_pairs_are_kept_out,
        characters_have_both_forms,
        as_by_hand,
        many_words_take_no_age,
    ),
    mutants=(
        Mutant(
            "pairs noted down", "list of strings", edits=(("vocabulary.append(join(best))", "vocabulary.append(best)"),)
        ),
        Mutant(
            "letters without marks",
            "else than the alphabet",
            edits=(
                (
                    "vocabulary = alphabet(words, characters)",
                    'vocabulary = sorted(set("".join(words)) | set(characters))',
                ),
            ),
        ),
        Mutant(
            "one too many",
            "another number of tokens",
            edits=(("len(vocabulary) < vocab_size", "len(vocabulary) <= vocab_size and vocab_size > 7"),),
        ),
        Mutant("no end without pairs", "min() ", edits=(("        if not pairs:\n            break\n", ""),)),
        Mutant("both marks", "Joins the marks as well", edits=(("append(join(best))", 'append("".join(best))'),)),
        Mutant("every word once", "Counts a word once", edits=(("occurrences * words[word]", "occurrences"),)),
        Mutant(
            "as byte pairs",
            "as byte pair encoding does",
            edits=(("best_pair(pairs, symbols, rule)", 'best_pair(pairs, symbols, "frequency")'),),
        ),
        Mutant(
            "one rule", "Passes over rule", edits=(("best_pair(pairs, symbols, rule)", "best_pair(pairs, symbols)"),)
        ),
        Mutant(
            "the first of equals",
            "pairs with equal scores",
            edits=(
                (
                    "best_pair(pairs, symbols, rule)",
                    "max(pairs, key=lambda pair: pairs[pair] / (symbols[pair[0]] * symbols[pair[1]] if rule != 'frequency' else 1))",
                ),
            ),
        ),
        Mutant(
            "overlapping pairs",
            "Counts pairs that overlap",
            edits=(
                ("from collections import Counter", "from collections import Counter\nfrom itertools import pairwise"),
                ("count_pairs(parts).items()", "Counter(pairwise(parts)).items()"),
            ),
        ),
        Mutant("rare pairs", "less than min_frequency", edits=(("if count >= min_frequency", "if count >= 1"),)),
        Mutant(
            "no characters", "Passes over `characters`", edits=(("alphabet(words, characters)", "alphabet(words)"),)
        ),
        Mutant(
            "slow",
            "far slower than the reference",
            edits=(
                (
                    "        best = best_pair(",
                    "        for pair in [*pairs] * 5:\n            [merge_pair(parts, pair) for parts in spelled.values()]\n        best = best_pair(",
                ),
            ),
        ),
    ),
)
