"""Exercise: how often shared memory must answer until a warp has its words."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


def words(*places):
    """Addresses of words of four bytes."""
    return [4 * place for place in places]


@check("values")
def words_32_apart_meet(mine):
    """Is not 3 for three words that are 32 words apart: they lie in the same bank."""
    mistakes = {
        "Puts 32 neighbouring words into one bank: neighbouring words lie in neighbouring banks (the rest of the division, not the quotient).": 1,
        "Counts how many pairs or further words meet: the first word needs a pass as well.": 2,
    }
    same(mine(words(0, 32, 64)), 3, mistakes=mistakes)


@check("values")
def neighbours_do_not_meet(mine):
    """Is not 1 for 32 neighbouring words: each lies in a bank of its own."""
    mistakes = {
        "Counts words, or banks that are asked: they answer at the same time; what counts is the fullest bank.": 32,
        "Takes the address for the word: four bytes make one.": 4,
    }
    same(mine(words(*range(32))), 1, mistakes=mistakes)


@check("values")
def one_word_for_all(mine):
    """Lets threads that want the same word wait for one another: it is read once and given to all of them."""
    same(mine(words(7, 7, 7, 7)), 1)


@check("values")
def bytes_of_one_word(mine):
    """Lets bytes of one word meet: the bank gives the word, whichever byte of it is wanted."""
    same(mine([0, 1, 2, 3, 5]), 1)


@check("values")
def the_fullest_bank_decides(mine):
    """Is not the number of words in the fullest bank."""
    same(
        mine(words(0, 32, 64, 1, 33, 2)),
        3,
        mistakes={
            "Adds up what waits in all banks: the banks answer at the same time.": 4,
            "Looks at one bank only: the fullest may be any.": 1,
        },
    )
    same(mine(words(0, 5, 37, 69, 101)), 4)


@check("values")
def other_banks_and_words(mine):
    """Does not use `banks` and `word` as they are given."""
    same(mine([0, 32, 64], 4, 8), 3)


@check("values")
def nothing_is_asked(mine):
    """Is not 0 where nothing is asked for: then no pass is needed."""
    same(mine([]), 0)


LAST = "max((asked.count(bank) for bank in range(banks)), default=0)"

EXERCISE = Exercise(
    slot="machine.kernels.bank_passes",
    title="Who waits at a bank",
    task="""
    The memory that a block shares has 32 banks. Word number w (four bytes each) lies in bank w % 32, and a bank gives one word at a time. The threads
    of a warp ask all at once, and wait until the bank that is asked for the most different words has given them all. The same word for many threads is
    given once, to all of them.

    addresses are bytes, one for each thread. Give how many passes it takes: 1 without a conflict, 0 where nothing is asked for.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("machine.kernels.transactions",),
    hints=(
        "First make words of the addresses, and let each word count once.",
        "Then the bank of every word, and how often each bank occurs.",
        "max(..., default=0) of the counts; collections.Counter is welcome too.",
    ),
    run="groundup --mine my learn lesson machine.kernels.cuda.memory",
    checks=(
        words_32_apart_meet,
        neighbours_do_not_meet,
        one_word_for_all,
        bytes_of_one_word,
        the_fullest_bank_decides,
        other_banks_and_words,
        nothing_is_asked,
    ),
    mutants=(
        Mutant("neighbours together", "Puts 32 neighbouring", (("one % banks", "one // banks % banks"),)),
        Mutant("further words", "the first word needs", ((LAST, f"{LAST} - 1"),)),
        Mutant("all words", "Counts words", ((LAST, "len(words)"),)),
        Mutant(
            "addresses",
            "Takes the address for the word",
            (("{address // word for address in addresses}", "set(addresses)"),),
        ),
        Mutant(
            "no broadcast",
            "Lets threads that want the same word",
            (("{address // word for address in addresses}", "[address // word for address in addresses]"),),
        ),
        Mutant(
            "bytes apart",
            "Lets bytes of one word meet",
            source="""
            def bank_passes(addresses, banks=32, word=4):
                asked = [address // word % banks for address in set(addresses)]
                return max((asked.count(bank) for bank in range(banks)), default=0)
            """,
        ),
        Mutant("all waits", "Adds up", ((LAST, "sum(asked.count(bank) - 1 for bank in set(asked)) + bool(asked)"),)),
        Mutant("the first bank", "Is not the number of words", ((LAST, "asked.count(min(asked)) if asked else 0"),)),
        Mutant("always 32", "Does not use `banks`", (("one % banks", "one % 32"), ("range(banks)", "range(32)"))),
        Mutant("one for nothing", "Is not 0", ((LAST, f"max(1, {LAST})"),)),
    ),
)
