"""Exercise: which blocks of a page are its text."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

LONG, LINKED, SHORT, HEADING, MENU = "long", "linked", "short", "heading", "menu"


def page(*kinds):
    """Blocks of these kinds: 20 words; 20 words that are a link; three words; a heading; 20 words inside of a menu."""
    from groundup.data.clean.extract import Block

    text = " ".join(["word"] * 20)
    made = {
        LONG: Block(text, 0, "p", 0),
        LINKED: Block(text, len(text), "p", 0),
        SHORT: Block("three short words", 0, "p", 0),
        HEADING: Block("The next chapter", 0, "h2", 0),
        MENU: Block(text, 0, "p", 1),
    }
    return [made[kind] for kind in kinds]


def said(mine, *kinds, **given):
    """What the learner's function says, as a list of truths."""
    return [bool(good) for good in mine(page(*kinds), **given)]


@check("shape")
def one_answer_a_block(mine):
    """Gives not one truth a block: the list is as long as the page, and empty for a page without blocks."""
    for kinds in ((), (SHORT,), (LONG, SHORT, LINKED)):
        got = mine(page(*kinds))
        that(len(got) == len(kinds), expected=f"{len(kinds)} truths", got=got)


@check("values")
def long_blocks(mine):
    """Differs for a block alone: content is what has `long` words or more and is hardly linked."""
    from groundup.data.clean.extract import Block

    for words, wanted in ((9, False), (10, True), (11, True)):
        text = " ".join(["word"] * words)
        mistakes = (
            {"Wants more than `long` words: a block of exactly `long` words is long enough.": [False]}
            if words == 10
            else {}
        )
        same([bool(good) for good in mine([Block(text, 0, "p", 0)])], [wanted], mistakes=mistakes)
    same(said(mine, LONG, long=21), [False])


@check("values")
def linked_blocks(mine):
    """Keeps a block that is all links: it leads to other pages and is none of this one, however long it is."""
    same(said(mine, LINKED), [False])


@check("values")
def menus(mine):
    """Keeps a block inside of what calls itself a menu: where `around` is not 0 nothing is content."""
    same(said(mine, MENU), [False])


@check("values")
def neighbours(mine):
    """Differs for short blocks beside long ones: one that stands before or after a long one belongs to it."""
    same(said(mine, SHORT, LONG, SHORT), [True, True, True])
    same(said(mine, SHORT, LINKED), [False, False])


@check("values")
def neighbours_of_neighbours(mine):
    """Passes it on: a short block beside one that was only taken along is not taken along too."""
    same(said(mine, LONG, SHORT, SHORT, SHORT), [True, True, False, False])
    same(said(mine, SHORT, SHORT, LONG, SHORT), [False, True, True, True])


@check("values")
def linked_neighbours(mine):
    """Takes along what is linked: a short block of links beside a long text is a menu's, as everywhere."""
    from groundup.data.clean.extract import Block

    blocks = [*page(LONG), Block("more of this", 12, "p", 0)]
    same([bool(good) for good in mine(blocks)], [True, False])


@check("values")
def headings(mine):
    """Keeps a heading for the text before it: a heading belongs to what comes after it, as "More to read" does not to the text above."""
    same(said(mine, LONG, HEADING, LINKED), [True, False, False])
    same(said(mine, HEADING, LONG), [True, True])


@check("values")
def the_ends(mine):
    """Lets the last block be the neighbour of the first: a page is no ring (index -1 is the end in Python)."""
    same(said(mine, SHORT, LINKED, LONG), [False, False, True])


EXERCISE = Exercise(
    slot="data.clean.choose_blocks",
    title="The text of a page",
    task="""
    A page is a row of blocks; each has `words`, `link_density`, `tag`, and `around`, which is not 0 inside of what calls itself a menu. Say for each block
    whether it is content. A block outside of menus with a link density under `dense` may be content at all. It is, if it has `long` words or more.
    A shorter one is, if the block after it is such a long one, or the block before it is and it is no heading (`HEADINGS` has their tags).
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("data.clean.extract",),
    hints=(
        "Do it in two passes: first which blocks are sure (long, hardly linked, in no menu), then which are taken along by a sure neighbour.",
        "Ask the first list about the neighbours, not the one that you are writing: else one long block pulls in a whole menu.",
        "`at > 0 and sure[at - 1]` and `at + 1 < len(page) and sure[at + 1]` keep to the page.",
    ),
    run="groundup --mine my learn lesson data.clean.extract --run",
    checks=(
        one_answer_a_block,
        long_blocks,
        linked_blocks,
        menus,
        neighbours,
        neighbours_of_neighbours,
        linked_neighbours,
        headings,
        the_ends,
    ),
    mutants=(
        Mutant("the end of the page", "IndexError", (("at + 1 < len(page) and sure[at + 1]", "sure[at + 1]"),)),
        Mutant("more than long", "Wants more than", (("block.words >= long", "block.words > long"),)),
        Mutant("links are text", "Keeps a block that is all links", ((" and block.link_density < dense", ""),)),
        Mutant("menus are text", "inside of what calls itself a menu", (("block.around == 0 and ", ""),)),
        Mutant("only before", "Differs for short blocks beside long ones", (("(before or after)", "before"),)),
        Mutant("passed on", "Passes it on", (("sure[at - 1]", "chosen[at - 1]"),)),
        Mutant(
            "links beside text",
            "Takes along what is linked",
            (("(wanted[at] and (before or after))", "(before or after)"),),
        ),
        Mutant("headings too", "Keeps a heading for the text before it", ((" and block.tag not in HEADINGS", ""),)),
        Mutant("a ring", "Lets the last block be the neighbour", (("at > 0 and ", ""),)),
    ),
)
