"""Exercise: how much a cache keeps of a text, with and without windows."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


@check("values")
def one_layer(mine):
    """Differs from width times tokens for one layer without a window."""
    mistakes = {
        "Doubles it: the width counts a token's key and its value already.": 2 * 8 * 10,
        "Keeps one token, however long the text is.": 8,
    }
    same(mine([None], [8], 10), 80, mistakes=mistakes)


@check("values")
def every_layer(mine):
    """Does not add up the layers, each with its own width."""
    mistakes = {
        "Counts the first layer only.": 80,
        "Counts the last layer only.": 20,
        "Takes the first layer's width for all.": 160,
    }
    same(mine([None, None], [8, 2], 10), 100, mistakes=mistakes)


@check("values")
def a_short_text(mine):
    """Keeps more tokens than the text has, in a layer with a window."""
    same(mine([4096], [3], 100), 300)
    same(mine([64], [1], 60), 60)


@check("values")
def a_long_text(mine):
    """Does not keep the window less one and a quarter of the window more, once the text is longer."""
    mistakes = {
        "Keeps the whole text, though no query looks back further than its window.": 1000,
        "Keeps the window alone: the block is a quarter longer, so that it need not be moved at every token.": 64,
        "Keeps one column too many: the newest query brings its own key, so the window less one is enough.": 80,
        "Leaves out the quarter.": 63,
    }
    same(mine([64], [1], 1000), 79, mistakes=mistakes)
    same(mine([64], [1], 80), 79)


@check("values")
def a_short_window(mine):
    """Forgets the least that a block has besides its window: 16 columns."""
    same(mine([5], [2], 100), 40)


@check("values")
def a_mixed_model(mine):
    """Confuses the layers: each has its own window and its own width."""
    same(mine([64, None, None], [2, 3, 5], 1000), 79 * 2 + 1000 * 3 + 1000 * 5)


LINE = "return sum(width * columns(window, context) for window, width in zip(windows, widths, strict=True))"

EXERCISE = Exercise(
    slot="model.accounting.cache_numbers",
    title="What a cache keeps of a long text",
    task="""
    While a model writes, it keeps a key and a value of every token in every layer, and for long texts that is more than the
    weights. A layer with a window never looks back further than that, so it can forget: its block holds the window less one
    (the newest token brings its own), and a quarter of the window more, at least 16, so that it is moved only now and then.
    Add up over the layers how many numbers are kept of one text. The function `columns` of the same file is part of the task.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("inference.cache.kv_cache",),
    written=("columns",),
    hints=(
        "First ask for one layer: how many tokens does it keep of a text of this length?",
        "No window: all. With one: at most window - 1 + max(16, window // 4), and never more than there are tokens.",
        "sum(width * kept for each layer), with zip(windows, widths) to walk through both lists.",
    ),
    run="groundup --mine my learn lesson model.accounting.budget --run",
    checks=(one_layer, every_layer, a_short_text, a_long_text, a_short_window, a_mixed_model),
    mutants=(
        Mutant("twice", "Doubles it", (("return sum(width", "return sum(2 * width"),)),
        Mutant("one token", "Keeps one token", (("width * columns(window, context)", "width"),)),
        Mutant(
            "first layer", "Counts the first layer only", ((LINE, "return widths[0] * columns(windows[0], context)"),)
        ),
        Mutant(
            "last layer", "Counts the last layer only", ((LINE, "return widths[-1] * columns(windows[-1], context)"),)
        ),
        Mutant("one width", "Takes the first layer's width", (("sum(width *", "sum(widths[0] *"),)),
        Mutant("no window", "Keeps the whole text", (("columns(window, context)", "columns(None, context)"),)),
        Mutant(
            "window alone", "Keeps the window alone", (("columns(window, context)", "min(context, window or context)"),)
        ),
        Mutant("backwards", "Confuses the layers", (("zip(windows, widths", "zip(windows, widths[::-1]"),)),
    ),
)
