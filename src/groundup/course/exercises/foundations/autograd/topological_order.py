"""Exercise: the order in which a gradient can be computed."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import shown

CHAIN = {"a": [], "b": ["a"], "c": ["b"]}
DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
SHORTCUT = {"x": [], "y": ["x"], "z": ["y"], "loss": ["x", "z", "y"]}  # x is also one step from the loss
SQUARE = {"x": [], "square": ["x", "x"]}
FAR = {"x": [], "z": ["x"], "y": ["z"], "v": ["z", "x"], "loss": ["y", "v"]}


def look(mine, graph, root, holds, sentence=""):
    """Ask for an order and fail unless it holds, with the graph shown."""
    order = mine(root, graph.__getitem__)
    if not holds(order):
        told = f"root = {root!r}, made from: " + ", ".join(f"{item}: {shown(graph[item])}" for item in graph)
        raise Failed(sentence, input=told, expected="an order in which parents come first", got=shown(order))


def parents_first(graph):
    """Whether every item of an order stands after its parents."""
    return lambda order: all(parent in order[: order.index(item)] for item in order for parent in graph[item])


@check("shape")
def everything_is_in_it(mine):
    """Leaves something out: the root itself and all that it was made from belong to the order."""
    for graph, root in ((CHAIN, "a"), (CHAIN, "c"), (DIAMOND, "d"), (SHORTCUT, "loss")):
        look(mine, graph, root, lambda order, graph=graph, root=root: set(order) >= set(graph if root != "a" else "a"))


@check("shape")
def each_once(mine):
    """Has an item twice that was used twice: remember which were seen."""
    for graph, root in ((SQUARE, "square"), (DIAMOND, "d")):
        look(mine, graph, root, lambda order: len(order) == len(set(order)))


@check("invariant")
def the_root_comes_last(mine):
    """Begins with the root: parents come first, so the order of visiting is turned round."""
    look(mine, CHAIN, "c", lambda order: order[-1] == "c")


@check("invariant")
def after_all_its_parents(mine):
    """Puts an item before one of its parents: where one way is shorter than another, the longest decides."""
    for graph, root in ((DIAMOND, "d"), (SHORTCUT, "loss"), (FAR, "loss")):
        look(mine, graph, root, parents_first(graph))


@check("speed")
def each_is_asked_once(mine):
    """Asks for the parents of the same item again and again: with 18 diamonds in a row that is 2^18 ways."""
    calls = 0

    def parents(item):
        nonlocal calls
        calls += 1
        if calls > 500:
            raise Failed(input="18 diamonds in a row", expected="55 questions for parents", got="more than 500")
        number, place = divmod(item, 3)
        return [] if item == 0 else [item - 1, item - 2] if place == 0 else [3 * number]

    mine(54, parents)


@check("speed")
def a_long_chain(mine):
    """Calls itself once for each item of a chain, and Python stops at about 1,000: keep a list of what is still to do."""
    try:
        order = mine(5000, lambda item: [item - 1] if item else [])
    except RecursionError:
        raise Failed(input="a chain of 5,001", expected="an order", got="RecursionError") from None
    if order != list(range(5001)):
        raise Failed(
            "Is wrong for a long chain.", input="a chain of 5,001", expected="0, 1, 2, ...", got=shown(order[:9])
        )


EXERCISE = Exercise(
    slot="foundations.autograd.topological_order",
    title="Parents first: the order of a graph",
    task="""
    A gradient walks back through a graph. An item's gradient is complete when everything that used it has passed its share on;
    so the walk needs an order in which each item stands after all of its parents, and is then read backward.

    `parents(item)` gives the items that an item was made from. Give everything that `root` was made from, directly or through
    others, each once, parents before what was made from them, the root last. Items can be compared and put into sets; there is
    no circle. A chain may have many thousands of items, more than Python lets a function call itself.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("foundations.autograd.chain_rule",),
    hints=(
        "Go down to the parents first and add an item to the order when all of its parents are in it: that is depth first.",
        "Write it with a function that calls itself to see the idea; then keep your own stack of (item, the parents still to visit).",
        "stack = [(root, iter(parents(root)))]. Look at its top: take the next parent that was not seen, note it as seen and put it "
        "on the stack; when there is none left, add the item to the order and take it off.",
    ),
    run="groundup --mine my learn lesson foundations.autograd.chain_rule",
    checks=(
        everything_is_in_it,
        each_once,
        the_root_comes_last,
        after_all_its_parents,
        each_is_asked_once,
        a_long_chain,
    ),
    mutants=(
        Mutant("without the root", "Leaves something out", edits=(("return order", "return order[:-1]"),)),
        Mutant(
            "what was seen is not remembered",
            "Has an item twice",
            source="""
            def topological_order(root, parents):
                return [item for parent in parents(root) for item in topological_order(parent, parents)] + [root]
            """,
        ),
        Mutant("the root first", "Begins with the root", edits=(("return order", "return order[::-1]"),)),
        Mutant(
            "layer by layer",
            "before one of its parents",
            source="""
            def topological_order(root, parents):
                order = [root]
                for item in order:
                    order += [parent for parent in dict.fromkeys(parents(item)) if parent not in order]
                return order[::-1]
            """,
        ),
        Mutant(
            "every way is walked",
            "again and again",
            source="""
            def topological_order(root, parents):
                order = []

                def visit(item):
                    for parent in parents(item):
                        visit(parent)
                    if item not in order:
                        order.append(item)

                visit(root)
                return order
            """,
        ),
        Mutant(
            "calls itself",
            "Calls itself once for each item",
            source="""
            def topological_order(root, parents):
                order, seen = [], set()

                def visit(item):
                    if item not in seen:
                        seen.add(item)
                        for parent in parents(item):
                            visit(parent)
                        order.append(item)

                visit(root)
                return order
            """,
        ),
    ),
)
