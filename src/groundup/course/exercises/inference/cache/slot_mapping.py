"""Exercise: where in the pages a row's next tokens are written."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shape, shown


def table(*pages):
    """A row's pages, as a table holds them."""
    import numpy as np

    return np.array(pages, np.int32)


def places(*numbers):
    """Where tokens are written."""
    import numpy as np

    return np.array(numbers, np.int64)


@check("shape")
def a_place_for_each_new_token(mine):
    """Does not give one place for each new token: the kept ones are written already."""
    for length, new in ((0, 1), (0, 3), (2, 2), (3, 0)):
        shape(mine(table(0, 1), length, new, 4), (new,))


@check("values")
def in_the_first_page(mine):
    """Is wrong within one page: page p begins at place p * page_size."""
    mistakes = {
        "Forgets the page: page 2 of 4 tokens begins at place 8.": places(1, 2),
        "Adds the page's number instead of the place where it begins: multiply by page_size.": places(3, 4),
        "Begins at the page's first place: `length` tokens are written there already.": places(8, 9),
    }
    same(mine(table(2), 1, 2, 4), places(9, 10), mistakes=mistakes)


@check("values")
def across_the_edge(mine):
    """Goes on behind the page's end: the next token stands at the beginning of the next page in the table."""
    mistakes = {"Takes the next page in memory: which one follows stands in the table.": places(19, 20)}
    same(mine(table(4, 1), 3, 2, 4), places(19, 4), mistakes=mistakes)


@check("values")
def a_full_page_before(mine):
    """Is wrong where the kept tokens fill their pages to the end: the first new one opens the next page."""
    same(mine(table(7, 3, 5), 8, 1, 4), places(20))


@check("values")
def over_many_pages(mine):
    """Is wrong for a prompt over several pages: every token asks the table for its own."""
    same(mine(table(2, 0, 1), 1, 5, 2), places(5, 0, 1, 2, 3))


@check("values")
def a_page_that_is_not_there(mine):
    """Gives a place for a token without a page (-1, or beyond the table), where another row's numbers would be overwritten."""
    for pages, length, new in ((table(4, -1), 3, 2), (table(-1), 0, 1), (table(4), 4, 1)):
        try:
            got = mine(pages, length, new, 4)
        except AssertionError:
            continue
        except Exception as error:
            raise Failed(expected="AssertionError", got=f"{type(error).__name__}: {error}") from None
        raise Failed(expected="AssertionError", got=shown(got))


@check("speed")
def many_tokens_at_once(mine):
    """Is far slower than the reference: ask NumPy for all tokens at once."""
    import numpy as np

    from groundup.inference.cache.paged import slot_mapping

    fast(mine, slot_mapping, (np.arange(2048, dtype=np.int32), 40, 60000, 32))


EXERCISE = Exercise(
    slot="inference.cache.slot_mapping",
    title="Paged cache: from positions to places in memory",
    task="""
    A paged cache keeps a text's keys and values in pages of `page_size` tokens, which may lie anywhere in memory. `table` names the
    row's pages in the order of its tokens; page p takes the places p * page_size, p * page_size + 1, ... of the memory. The row has
    `length` tokens so far. Give the places at which its next `new` tokens are written, as int64. Where a token's page is not there (beyond
    the table, or -1), raise an AssertionError: written anyway, it would land in another text.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("inference.cache.append",),
    hints=(
        "The new tokens have the positions length, length + 1, ..., length + new - 1.",
        "A position's page is number position // page_size of the table, and its place in the page is position % page_size.",
        "table[positions // page_size] * page_size + positions % page_size; check before that the pages are there and not -1.",
    ),
    run="groundup --mine my learn lesson inference.cache.paged --run",
    checks=(
        a_place_for_each_new_token,
        in_the_first_page,
        across_the_edge,
        a_full_page_before,
        over_many_pages,
        a_page_that_is_not_there,
        many_tokens_at_once,
    ),
    mutants=(
        Mutant(
            "all tokens",
            "one place for each new token",
            (("np.arange(length, length + new)", "np.arange(0, length + new)"),),
        ),
        Mutant("no page", "Forgets the page", (("return pages * page_size + ", "return 0 * pages + "),)),
        Mutant("page number", "Adds the page's number", (("return pages * page_size + ", "return pages + "),)),
        Mutant(
            "the first place", "Begins at the page's first place", (("+ positions % page_size", "+ np.arange(new)"),)
        ),
        Mutant(
            "the next in memory",
            "Takes the next page in memory",
            (("return pages * page_size + positions % page_size", "return pages[:1] * page_size + positions"),),
        ),
        Mutant(
            "no look at the pages",
            "a place for a token without a page",
            (
                (
                    '    assert (pages >= 0).all(), f"tokens {length} to {length + new - 1} have no page; allocate them first"\n',
                    "",
                ),
            ),
        ),
    ),
)
