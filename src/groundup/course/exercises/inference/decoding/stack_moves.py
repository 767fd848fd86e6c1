"""Exercise: rules that call one another, and the stack that says where to go on."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same

FREE = [
    [1],
    [2, 3],
    [],
    [],
    [],
    [6],
    [],
]  # 0 -> 1 -> 2 or 3; 2 calls rule 1, 3 is the end of rule 0; 4 calls rule 0 last; 5 -> 6, the end of rule 1
CALLS = {2: (1, 3), 4: (0, None)}
STARTS, ENDS = [0, 5], {3, 6}


def moved(mine, node, stack=None):
    """Where one may be next, in a fixed order."""
    return sorted(mine((node, stack), FREE, CALLS, STARTS, ENDS), key=repr)


@check("shape")
def places_are_pairs(mine):
    """Gives something else than a list of places, each a node and its stack."""
    result = mine((0, None), FREE, CALLS, STARTS, ENDS)
    same([len(place) for place in result], [2])


@check("values")
def free_steps(mine):
    """Does not follow every free step, or not with the stack as it was."""
    same(moved(mine, 1), [(2, None), (3, None)])
    lost = "Loses the stack on a free step: who called is still waiting."
    same(moved(mine, 1, (9, None)), [(2, (9, None)), (3, (9, None))], mistakes={lost: [(2, None), (3, None)]})


@check("values")
def a_call_remembers_where_to_return(mine):
    """A call does not lead to the start of its rule with the node behind the call on the stack."""
    mistakes = {
        "Goes into the rule and forgets to come back: put the node behind the call on the stack.": [(5, None)],
        "Skips the rule: its text must come first.": [(3, None)],
        "Puts the calling node on the stack and not the one behind it: it would call for ever.": [(5, (2, None))],
    }
    same(moved(mine, 2), [(5, (3, None))], mistakes=mistakes)


@check("values")
def a_call_within_a_call(mine):
    """A call loses what was on the stack before: the new node comes on top of it."""
    same(moved(mine, 2, (7, (8, None))), [(5, (3, (7, (8, None))))])


@check("values")
def the_end_of_a_rule(mine):
    """The end of a rule does not lead to the node on top of the stack, with the rest of the stack."""
    kept = "Returns and leaves the node on the stack: the next end would return to it once more."
    same(moved(mine, 6, (3, None)), [(3, None)], mistakes={kept: [(3, (3, None))]})
    same(moved(mine, 3, (7, (8, None))), [(7, (8, None))])


@check("values")
def the_end_of_all(mine):
    """Finds a way on at the end of a rule that nobody called: there the text is over."""
    same(moved(mine, 3), [])


@check("values")
def nothing_left_to_do(mine):
    """A call with nothing left behind it (None) changes the stack: whoever called this rule is returned to at once."""
    pushed = "Puts None on the stack: nothing is to be done there, and a rule that calls itself so would pile it up without end."
    same(moved(mine, 4, (7, None)), [(0, (7, None))], mistakes={pushed: [(0, (None, (7, None)))]})
    same(moved(mine, 4), [(0, None)])


CALLED = "found.append((starts[rule], stack if after is None else (after, stack)))"

EXERCISE = Exercise(
    slot="inference.decoding.stack_moves",
    title="Brackets need a stack",
    task="""
    JSON has lists in lists. Its grammar is a set of small graphs, the rules, and a node may call a rule: also the one it stands in. A place is a node
    and a stack, which is None or a pair (node to return to, stack below). Give all places that are reached from one place without
    reading a byte: behind its free steps with the same stack; if the node calls a rule, the rule's start, with the node to return to on top of the
    stack (with the same stack where that node is None); if it is the end of a rule and the stack is not empty, the node on top with the
    stack below.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("inference.decoding",),
    hints=(
        "Three questions to one node: free[node], node in calls, node in ends. More than one may be yes.",
        "calls[node] is (rule, after): go to starts[rule] with the stack (after, stack).",
        "The stack (after, below) is itself the place that the end of a rule returns to.",
    ),
    run="groundup --mine my learn lesson inference.decoding.constrained.pushdown --run",
    checks=(
        places_are_pairs,
        free_steps,
        a_call_remembers_where_to_return,
        a_call_within_a_call,
        the_end_of_a_rule,
        the_end_of_all,
        nothing_left_to_do,
    ),
    mutants=(
        Mutant("nodes alone", "Gives something else", (("return found", "return [(one[0],) for one in found]"),)),
        Mutant("one free step", "Does not follow every", (("in free[node]]", "in free[node][:1]]"),)),
        Mutant("lost on a free step", "Loses the stack", (("[(target, stack)", "[(target, None)"),)),
        Mutant("never back", "forgets to come back", ((CALLED, "found.append((starts[rule], stack))"),)),
        Mutant("the calling node", "Puts the calling node", ((CALLED, CALLED.replace("else (after,", "else (node,")),)),
        Mutant("skipped", "Skips the rule", ((CALLED, "found.append((after, stack))"),)),
        Mutant("one call at a time", "loses what was on the stack", ((CALLED, CALLED.replace("(after, stack)))", "(after, None)))")),)),
        Mutant("left on the stack", "leaves the node on the stack", (("found.append(stack)", "found.append((stack[0], stack))"),)),
        Mutant("no return", "does not lead to the node on top", (("found.append(stack)", "pass"),)),
        Mutant("None on the stack", "Puts None on the stack", ((CALLED, "found.append((starts[rule], (after, stack)))"),)),
    ),
)  # fmt: skip
