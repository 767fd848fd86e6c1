"""Lesson: arc-eager parsing, and an oracle that knows what each move costs."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A tree in ten moves, and the price of a wrong one", width="medium")

with app.setup:
    import marimo as mo

    from groundup import plots
    from groundup.classical.structure.parsing.arc_eager import (
        MOVES,
        apply_move,
        first_state,
        is_projective,
        legal_moves,
        oracle_cost,
        static_moves,
    )
    from groundup.classical.structure.parsing.drawn import arcs_text


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A tree in ten moves, and the price of a wrong one

    A dependency tree gives each word one head: the word that it belongs to. An arc-eager parser builds it in one pass, with four moves
    and a stack. Afterwards you can play the parser, and you know how it is told, after any mistake, what is still to be won.
    """)
    return


@app.cell
def _():
    words = "He wrote her a letter".split()
    gold = [2, 6, 2, 5, 2]  # the root is a sixth word, at the end
    _moves = static_moves(gold)
    assert len(_moves) == 2 * len(words)
    mo.md(f"Five words take **{len(_moves)}** moves: each word comes onto the stack once and leaves it once.")
    return gold, words


@app.cell
def _(gold, words):
    _labels = ["nsubj", "root", "iobj", "det", "obj"]
    plots.dependency_arcs(words, [head % 6 for head in gold], _labels, title="Who belongs to whom")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four moves

    With *s* on top of the stack and *b* first in the buffer:

    - **SHIFT**: b goes onto the stack.
    - **LEFT**: b becomes the head of s, and s leaves.
    - **RIGHT**: s becomes the head of b, and b goes onto the stack.
    - **REDUCE**: s leaves; it must have its head.

    LEFT is for a word without a head, REDUCE for one with. So every word ends with exactly one.
    """)
    return


@app.cell
def _(gold, words):
    def _run():
        found = [first_state(len(words))]
        for move in static_moves(gold):
            found.append(apply_move(found[-1], move))
        return found

    states = _run()
    _names = [*words, "ROOT"]
    _rows = [
        f"| {MOVES[move]} | {' '.join(_names[word - 1] for word in state.stack)} | {' '.join(_names[word - 1] for word in state.buffer)} |"
        for move, state in zip(static_moves(gold), states[1:], strict=True)
    ]
    mo.md("| move | stack | buffer |\n|---|---|---|\n" + "\n".join(_rows))
    return (states,)


@app.cell
def _(gold, states):
    assert list(states[-1].heads) == gold and states[-1].stack == () and legal_moves(states[-1]) == []
    assert [MOVES[move] for move in static_moves(gold)][:4] == ["SHIFT", "LEFT", "SHIFT", "RIGHT"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a move costs

    Arcs are made between s and b alone. Who leaves the stack meets nobody of the buffer any more; who goes onto it has met the
    stack for the last time. So the arcs that a move puts out of reach can be counted by looking. Choose a place on the way.
    """)
    return


@app.cell
def _():
    place = mo.ui.slider(0, 9, value=5, label="moves made", show_value=True)
    place
    return (place,)


@app.cell
def _(gold, place, states, words):
    _state, _names = states[place.value], [*words, "ROOT"]
    costs = {MOVES[move]: oracle_cost(_state, move, gold) for move in legal_moves(_state)}
    _stack = " ".join(_names[word - 1] for word in _state.stack) or "(empty)"
    plots.value_bars(
        {"arcs lost": costs}, y="arcs lost", title=f"stack: {_stack}; next: {_names[_state.buffer[0] - 1]}"
    )
    return (costs,)


@app.cell
def _(costs):
    assert min(costs.values()) == 0, "on the right way there is always a move that costs nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## After a mistake

    An oracle that knows one right sequence has nothing to say once the parser left it. This one is asked about any configuration. Here the
    parser said LEFT too early, at *wrote*: three arcs are gone. What can still be had?
    """)
    return


@app.cell
def _(gold, states):
    _state = states[3]
    _wrong = next(move for move in legal_moves(_state) if MOVES[move] == "LEFT")
    lost = oracle_cost(_state, _wrong, gold)
    _state = apply_move(_state, _wrong)
    _more = 0
    while legal_moves(_state):
        _move = min(legal_moves(_state), key=lambda move: oracle_cost(_state, move, gold))
        _more += oracle_cost(_state, _move, gold)
        _state = apply_move(_state, _move)
    _missed = sum(a != b for a, b in zip(_state.heads, gold, strict=True))
    assert _missed == lost == 3 and _more == 0, "no further arc was lost on the way"
    mo.md(f"The mistake cost {lost} arcs; the oracle saved the other {len(gold) - _missed}.")
    return (lost,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A parser that is trained with such an oracle follows its own mistakes while it learns. On UD English EWT that is worth about one head in a
    hundred: 83.1 % of the heads were right with it, 82.0 % without (the same parser, sentences and rounds).

    ## Arcs that cross

    Nothing crosses in what these moves build. English rarely needs it: in 31 of the 2,001 sentences of EWT's dev part.
    """)
    return


@app.cell
def _():
    _words = "Somebody came today who is nice too".split()
    _crossing = [2, 0, 2, 6, 6, 1, 6]
    assert is_projective([2, 0, 2, 5, 2]) and not is_projective(_crossing)
    _gold = [head or 8 for head in _crossing]
    _state = first_state(7)
    for _move in static_moves(_gold):
        _state = apply_move(_state, _move)
    _wrong = [word for word, (a, b) in enumerate(zip(_state.heads, _gold, strict=True), 1) if a != b]
    assert _wrong, "at least one arc of a crossing tree is out of reach"
    plots.dependency_arcs(_words, _crossing, wrong=_wrong, title="Coloured: what arc-eager cannot build")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    In a terminal the same picture is text:
    """)
    return


@app.cell
def _(gold, words):
    picture = arcs_text(words, [head % 6 for head in gold])
    assert picture.count("▼") == len(words)
    mo.md("```\n" + picture + "\n```")
    return (picture,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Go through the places: at which are two moves free? Both lead to the same tree, and a static oracle knows only one.
    - Make *letter* the head of *her* (`gold[2] = 5`): which moves change?
    - Let the parser REDUCE *her* before *a* comes, or after: why is it the same to the oracle?

    Write it yourself: `groundup learn start legal_moves`, then `apply_move` and `oracle_cost`
    """)
    return


if __name__ == "__main__":
    app.run()
