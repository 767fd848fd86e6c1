"""Lesson: a model that can write nothing but what was asked for."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Constrained output: only what can still match", width="medium")

with app.setup:
    import json

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.inference.decoding.config import OFF, SamplingConfig
    from groundup.inference.decoding.constrained.automaton import automaton_of
    from groundup.inference.decoding.constrained.json_schema import JsonConstraint
    from groundup.inference.decoding.constrained.masks import RegexConstraint, Vocabulary, constrained, token_mask
    from groundup.inference.decoding.constrained.pushdown import stack_moves
    from groundup.inference.engine.batching import generate_batch
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Constrained output: only what can still match

    A program wants a date, a number, JSON. Asking nicely works most of the time. A constraint works always: before every draw, the tokens
    that cannot become what was asked for get the logit $-\infty$. Afterwards you know how a pattern becomes a table, how a table becomes a mask
    over tokens, and why JSON needs a stack as well.
    """)
    return


@app.cell
def _():
    pieces = (b"", *(bytes([byte]) for byte in range(256)), b"12", b'{"', b'":', b'","', b"true", b"ab")
    words = Vocabulary(pieces, frozenset({0}))
    _untrained = build(
        Qwen3Config(
            vocab_size=len(pieces), hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, max_position_embeddings=128, tie_word_embeddings=True,
        ),
        seed=0,
    ).eval()  # fmt: skip

    def written(constraint, seeds):
        """Answers of the untrained model under a constraint."""
        found = []
        for seed in seeds:
            sampling = SamplingConfig(max_new_tokens=60, seed=seed, order=(constrained(constraint), *OFF))
            *ids, end = generate_batch(_untrained, [[5]], sampling, {0})[0].ids
            found.append((b"".join(pieces[id] for id in ids).decode(), end == 0))
        return found

    dates = written(RegexConstraint(r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", words), range(6))
    mo.md(
        f"A model with random weights was asked for six dates: **{', '.join(text for text, _ in dates)}**. Not one typing error."
    )
    return dates, pieces, words, written


@app.cell
def _(dates):
    assert all(
        ended and len(text) == 10 and 1900 <= int(text[:4]) < 2100 and 1 <= int(text[5:7]) <= 12
        for text, ended in dates
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A pattern is a table

    An automaton stands in one state at a time. The table says for a state and a byte which state is next, or that there is none ($-1$). Here is
    the table of `-?\d+(\.\d+)?` with the bytes that matter. A row that allows the end is a number already.
    """)
    return


@app.cell
def _():
    number = automaton_of(r"-?\d+(\.\d+)?")
    _bytes = [ord(sign) for sign in "-.05x"]
    plots.heat_map(
        number.next_state[:, _bytes],
        rows=[f"state {state}" + (" (may end)" if final else "") for state, final in enumerate(number.final)],
        columns=list("-.05x"),
        title="Next state by byte; -1 goes nowhere",
        text=True,
    )
    return (number,)


@app.cell
def _(number):
    assert number.matches("-12.50") and not number.matches("1.") and not number.matches("--1")
    assert (number.next_state[:, ord("x")] == -1).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A token is several bytes

    A token may come next if each of its bytes leads on from the state that the byte before it led to. Type a beginning: the mask changes with
    the state, and tokens that would run out of the pattern are gone.
    """)
    return


@app.cell
def _():
    beginning = mo.ui.dropdown(["(nothing)", "-", "12", "12.", "12.5"], value="12", label="written so far")
    beginning
    return (beginning,)


@app.cell
def _(beginning, number):
    tokens = [b"1", b"12", b"-1", b".5", b"..", b"1.5", b"5.", b"a"]
    _state = number.run(b"" if beginning.value == "(nothing)" else beginning.value.encode())
    allowed = token_mask(number.next_state, _state, tokens)
    plots.value_bars(
        {"allowed": {token.decode(): float(may) for token, may in zip(tokens, allowed, strict=True)}},
        title=f"Behind '{beginning.value}', state {_state}",
    )
    return allowed, tokens


@app.cell
def _(allowed, beginning, number, tokens):
    _before = b"" if beginning.value == "(nothing)" else beginning.value.encode()
    _whole = [number.run(_before + token) != -1 for token in tokens]
    assert allowed.tolist() == _whole, "token by token is byte by byte"
    assert not allowed[tokens.index(b"a")] and not allowed[tokens.index(b"..")]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Brackets need a stack

    No table counts brackets: with 20 states it cannot tell 21 open lists from 22. So a schema becomes small graphs that **call** one another, and a
    place in the text is a node together with a stack of nodes to return to. A list of lists is one rule that calls itself:

    node 0 reads `[`, node 1 calls the rule again or goes on, node 2 reads `]`, node 3 is the end.
    """)
    return


@app.cell
def _():
    _free, _calls, _starts, _ends = [[], [2], [], []], {1: (0, 2)}, [0], {3}
    depths, place = [], (1, None)
    for _ in range(6):
        _called = [one for one in stack_moves(place, _free, _calls, _starts, _ends) if one[0] == 0]
        place = (1, _called[0][1])  # behind the bracket that the called rule begins with
        depths.append(str(place[1]).count("(2"))
    mo.md(
        f"Six opening brackets, and the nodes waiting on the stack: **{', '.join(map(str, depths))}**. Each wants its `]`."
    )
    return depths, place


@app.cell
def _(depths, place):
    assert depths == [1, 2, 3, 4, 5, 6]
    _left = place[1]
    for _ in range(6):
        _left = _left[1]
    assert _left is None, "six returns empty it"
    return


@app.cell
def _(words, written):
    _tree = {
        "type": "object",
        "properties": {
            "name": {"enum": ["leaf", "twig"]},
            "under": {"type": "array", "items": {"$ref": "#"}, "maxItems": 2},
        },
        "required": ["name", "under"],
        "additionalProperties": False,
    }
    constraint = JsonConstraint(_tree, words)
    answers = [text for text, ended in written(constraint, range(8)) if ended]
    mo.md(
        "The same untrained model under a schema that names itself. "
        + " ".join(f"`{text}`" for text in answers[:3])
        + f" ... {len(answers)} of 8 ended within 60 tokens, all of them valid."
    )
    return answers, constraint


@app.cell
def _(answers, constraint):
    def valid(node):
        """What the schema says, by hand."""
        return (
            set(node) == {"name", "under"}
            and node["name"] in ("leaf", "twig")
            and len(node["under"]) <= 2
            and all(map(valid, node["under"]))
        )

    assert len(answers) >= 3 and all(valid(json.loads(text)) for text in answers)
    assert np.flatnonzero(constraint.mask(constraint.start)).tolist() == [1 + ord("{"), 258], (
        "a text begins with one of two tokens"
    )
    return (valid,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose `12.`: the token `5.` is gone, as a number has one point; behind `12` it may come.
    - A constraint knows nothing of sense: it removes what is impossible, and the model chooses among the rest. Give it room to say "none".
    - Ask for `{"properties": {"a": {"$ref": "#"}}, "required": ["a"]}`: no finite text satisfies it, and it is refused before the first token.

    Write it yourself: `groundup learn start token_mask`, then `groundup learn start stack_moves`
    """)
    return


if __name__ == "__main__":
    app.run()
