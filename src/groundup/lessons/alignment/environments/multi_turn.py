"""Lesson: tools in several turns: the model writes, the world answers, and only what it wrote is its own."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Tools in several turns: who wrote this token?", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.answers import side_by_side
    from groundup.alignment.environments.multi_turn import CALCULATOR, demonstrations, own_tokens, read_call, used
    from groundup.alignment.grpo import group_advantages


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Tools in several turns: who wrote this token?

    A small model adds two numbers of two digits wrongly and can call a calculator that does not. The episode then has three authors: the user, the
    model, the tool. Reinforcement
    may push only what the model wrote. Afterwards you know how an environment plays such an episode, why a tool's words stand in the context and not
    under the loss, and what happens when they do.
    """)
    return


@app.cell
def _():
    talk = next(one for one in demonstrations(1, 3) if len(one) == 4)
    call = read_call(talk[1]["content"])
    gave = used(CALCULATOR, call)
    mo.md(
        f"One question, two messages of the model: **{talk[0]['content']}** It calls `{call[0]}` with {call[1]}, reads **{gave}**, "
        f"and says **{talk[3]['content']}**."
    )
    return call, gave, talk


@app.cell
def _(gave, talk):
    assert gave == talk[3]["content"]
    mo.md("\n".join(f"- **{one['role']}** `{' '.join(one['content'].split())}`" for one in talk))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The environment owns the loop

    It lets the model write until its turn ends. Is the message a call, the tool is used and its words are put behind, as a message of their own;
    is it anything else, the episode is over
    and the reward looks at it. A call that cannot be carried out is answered with a sentence, which the model may read.
    """)
    return


@app.cell
def _():
    _tried = {
        "a call": '<tool_call>{"name": "add", "arguments": {"a": 14, "b": 47}}</tool_call>',
        "no such tool": '<tool_call>{"name": "divide", "arguments": {"a": 14, "b": 47}}</tool_call>',
        "a word too much": 'Sure! <tool_call>{"name": "add", "arguments": {"a": 14, "b": 47}}</tool_call>',
        "broken": '<tool_call>{"name": "add", "arguments": </tool_call>',
    }
    read = {name: read_call(text) for name, text in _tried.items()}
    _rows = "\n".join(f"| {name} | {'an answer' if found is None else used(CALCULATOR, found)} |" for name, found in read.items())
    mo.md(f"| message | what comes back |\n|---|---|\n{_rows}")
    return (read,)


@app.cell
def _(read):
    assert used(CALCULATOR, read["a call"]) == "61"
    assert used(CALCULATOR, read["no such tool"]).startswith("error: there is no tool divide")
    assert read["a word too much"] is None and read["broken"] is None, "judged as answers, and wrong ones"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One row, two kinds of tokens

    All parts become one row, so that the trainer sees what the model saw. `own_tokens` keeps who wrote what, and the batch has targets for the
    model's tokens alone.
    """)
    return


@app.cell
def _():
    question, _parts = [1, 2, 3], [([40, 41, 9], True), ([50, 51, 52, 53, 9], False), ([60, 61, 9], True)]
    ids, own = own_tokens(_parts)
    with_mask = side_by_side([question], [[ids]], own=[[own]])
    without = side_by_side([question], [[ids]])
    mo.md(
        f"{len(ids)} tokens stand behind the question; **{len(with_mask.targets)}** of them are learned. Without the mask it would be {len(without.targets)}: "
        f"the tool's {len(without.targets) - len(with_mask.targets)} as well."
    )
    return ids, own, question, with_mask, without


@app.cell
def _(ids, own, question, with_mask, without):
    assert with_mask.targets.tolist() == [token for token, mine in zip(ids, own, strict=True) if mine]
    assert torch.equal(with_mask.input_ids, without.input_ids), "the context is the same"
    _row = with_mask.input_ids[0].tolist()
    assert [_row[place] for place in with_mask.predictors.tolist()][:1] == question[-1:], "the question's last token predicts the first"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the mask is worth

    A model in small: it asks or guesses, a tool says one of five words, and it repeats what it heard. Asking is right, a guess in one of five
    cases. With the tool's words under
    the loss every rewarded episode also makes them likelier to the model: it learns to *write* results, which no tool gave. Choose whether they
    are masked.
    """)
    return


@app.cell
def _():
    masked = mo.ui.checkbox(value=True, label="the tool's words are masked")
    masked
    return (masked,)


@app.cell
def _():
    rounds = mo.ui.slider(steps=[10, 30, 60], value=30, label="rounds", show_value=True)
    rounds
    return (rounds,)


@app.cell
def _(masked, rounds):
    def _learned(mask):
        """After each round: how likely the model is to ask, and how sure it is of the result before the tool has spoken."""
        source = torch.Generator().manual_seed(0)
        ask, result = torch.zeros(2), torch.zeros(5)  # 0: asks, 1: guesses; what it would write in the tool's place
        told = []
        for _ in range(rounds.value):
            ask, result = ask.detach().requires_grad_(), result.detach().requires_grad_()
            asked = torch.multinomial(ask.detach().softmax(0).expand(64, 2), 1, generator=source)[:, 0]
            heard = torch.where(torch.rand(64, generator=source) < 0.6, 0, torch.randint(5, (64,), generator=source))
            right = torch.where(asked == 0, 1.0, (torch.rand(64, generator=source) < 0.2).float())
            advantages = group_advantages(right.reshape(8, 8)).flatten()
            log_p = ask.log_softmax(0)[asked]
            if not mask:
                log_p = log_p + torch.where(asked == 0, result.log_softmax(0)[heard], torch.zeros(64))
            _slopes = torch.autograd.grad(-(advantages * log_p).mean(), [ask, result], allow_unused=True)
            ask = ask.detach() - 0.5 * _slopes[0]
            result = result.detach() - (0.5 * _slopes[1] if _slopes[1] is not None else 0)
            told.append((float(ask.softmax(0)[0]), float(result.softmax(0).max())))
        return told

    ways = {True: _learned(True), False: _learned(False)}
    plots.lines(
        range(1, rounds.value + 1),
        {"asks": [one for one, _ in ways[masked.value]], "invents a result of its own": [two for _, two in ways[masked.value]]},
        x="round",
        y="probability",
        title="masked: it learns to ask" if masked.value else "not masked: it also learns what the tool usually says",
    )
    return (ways,)


@app.cell
def _(rounds, ways):
    assert abs(ways[True][-1][1] - 0.2) < 1e-6, "masked, nothing was learned of what the tool says"
    assert ways[False][-1][1] > 0.25 or rounds.value < 30
    assert ways[True][-1][0] > 0.55
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Turns and room

    An episode has a last turn and a context that ends. A call in the last turn is judged as an answer and is wrong; a result that leaves no room
    for an answer cuts the episode, and a cut one is worth no more than the worst of its round, as everywhere here. So a model that calls for ever is
    not rewarded for it.

    Every method that tries works in this environment unchanged: ratios, pulls and advantages are sums over the model's own tokens. PPO puts the
    reward on the last of them.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Take the mask off and 60 rounds: the model is nearly sure of a result before any tool has spoken.
    - 10 rounds: it has begun to ask; the reward alone taught it, nobody showed it which questions need a tool.

    Write it yourself: `groundup learn start own_tokens`. A real run: `groundup align MODEL --environment tools`
    """)
    return


if __name__ == "__main__":
    app.run()
