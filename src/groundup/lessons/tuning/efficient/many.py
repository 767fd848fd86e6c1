"""Lesson: many adapters on one base: switched, one for each row of a batch, added up exactly, and merged."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Many adapters on one base", width="medium")

with app.setup:
    import copy

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.tuning.efficient.combining import combine, joined
    from groundup.tuning.efficient.config import LoraConfig
    from groundup.tuning.efficient.many import add, apply, merge


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Many adapters on one base

    A model is large, an adapter is small, and a base is not changed by the adapters on it. So one base serves many tasks. Afterwards
    you can switch between
    adapters, give each row of a batch its own, add two up without loss, and say when merging pays.
    """)
    return


@app.cell
def _():
    config = LlamaConfig(
        vocab_size=400, hidden_size=64, intermediate_size=160, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=64,
    )  # fmt: skip

    def base():
        """A model whose every weight is drawn, as if it had learned something."""
        module, draw = build(config, seed=0), torch.Generator().manual_seed(7)
        with torch.no_grad():
            for one in module.parameters():
                one.add_(0.1 * torch.randn(one.shape, generator=draw))
        return module

    adapted = apply(base(), LoraConfig(r=4), "french")
    add(adapted, "poem", LoraConfig(r=8))
    _draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _one in adapted.parameters():
            _one.add_(0.2 * torch.randn(_one.shape, generator=_draw))
    whole = count(config).parameters
    sizes = {name: sum(one.numel() for one in adapted.adapters[name].parameters()) for name in adapted.names}
    mo.md(
        f"A hundred models of {whole:,} weights, or one and a hundred adapters of {sizes['french']:,}: "
        f"**{100 * whole / (whole + 100 * sizes['french']):.0f} times** less."
    )
    return adapted, base, config, sizes, whole


@app.cell
def _(adapted, sizes, whole):
    assert adapted.names == ("french", "poem") and sizes["poem"] == 2 * sizes["french"]
    assert sizes["french"] < whole / 20
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Switched, and off

    `activate` says which adapters speak. None: the base alone, to the last bit, since none of its numbers was ever changed. Two at
    once: what both add is added.
    """)
    return


@app.cell
def _(adapted, base):
    ids = torch.randint(0, 400, (3, 12), generator=torch.Generator().manual_seed(2))
    said = {}
    with torch.no_grad():
        for _names in ((), ("french",), ("poem",), ("french", "poem")):
            said[" and ".join(_names) or "base"] = adapted.activate(*_names)(ids)
        alone = base()(ids)
    distances = {name: float((one - said["base"]).square().mean().sqrt()) for name, one in said.items()}
    plots.value_bars({"distance from the base": distances}, y="of the scores", title="One base, four models")
    return alone, distances, ids, said


@app.cell
def _(alone, distances, said):
    assert torch.equal(said["base"], alone), "to the last bit"
    assert 0 == distances["base"] < distances["french"] and not torch.equal(said["french"], said["poem"])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Each row its own

    A server gets requests for different adapters at the same time. The base's products are the same for all rows; only the thin ones
    differ. Choose which adapter
    the middle row asks for.
    """)
    return


@app.cell
def _():
    middle = mo.ui.dropdown(["base", "french", "poem"], value="poem", label="the middle row")
    middle
    return (middle,)


@app.cell
def _(adapted, ids, middle, said):
    wanted = ["french", None if middle.value == "base" else middle.value, None]
    with adapted.for_rows(wanted), torch.no_grad():
        together = adapted(ids)
    rows = [float((together[row] - said[name or "base"][row]).abs().max()) for row, name in enumerate(wanted)]
    _moved = {f"row {row}": float((together[row] - said["base"][row]).square().mean().sqrt()) for row in range(3)}
    plots.value_bars(
        {"distance from the base": _moved},
        title=f"{', '.join(name or 'base' for name in wanted)}: off from each alone by at most {max(rows):.0e}",
    )
    return rows, together, wanted


@app.cell
def _(rows, together):
    assert max(rows) < 1e-3 and together.shape[0] == 3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Added up, exactly

    Half French, half poem: the change wanted is $\tfrac12 s_1 B_1 A_1 + \tfrac12 s_2 B_2 A_2$. The mean of the A's times the mean of
    the B's is something else: it has
    $B_1 A_2$ in it, products of two adapters that never met. Side by side the thin matrices give the sum itself, and the ranks add up.
    """)
    return


@app.cell
def _():
    _draw = torch.Generator().manual_seed(5)
    pairs = [(0.5, torch.randn(4, 20, generator=_draw), torch.randn(16, 4, generator=_draw)) for _ in range(2)]
    right = sum(weight * b @ a for weight, a, b in pairs)
    made_a, made_b = joined(pairs)
    mean = sum(0.5 * b for _, _, b in pairs) @ sum(0.5 * a for _, a, _ in pairs)
    errors = {
        "side by side": float((made_b @ made_a - right).norm() / right.norm()),
        "mean of both": float((mean - right).norm() / right.norm()),
    }
    plots.value_bars({"error": errors}, y="share of the change", title="Half of each")
    return errors, made_a, made_b, mean, pairs, right


@app.cell
def _(errors, made_a, made_b):
    assert made_a.shape[0] == made_b.shape[1] == 8 and errors["side by side"] < 1e-5 < 0.3 < errors["mean of both"]
    return


@app.cell
def _(adapted, ids, said):
    mixed = copy.deepcopy(adapted)
    combine(mixed, "both", {"french": 1.0, "poem": 1.0})
    with torch.no_grad():
        _one = mixed.activate("both")(ids)
    combined = float((_one - said["french and poem"]).abs().max())
    mo.md(
        f"Combined with weights 1 and 1 the new adapter of rank {mixed.configs['both'].r} says what both together said, to **{combined:.1e}**."
    )
    return combined, mixed


@app.cell
def _(combined, mixed):
    assert combined < 1e-2 and mixed.configs["both"].r == 12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Merged

    When one adapter is all a model will ever speak with, it goes into the matrices: as fast as before, and nothing to switch any
    more. Once merged the base is
    gone; keep the adapter's folder beside it.
    """)
    return


@app.cell
def _(base, ids):
    _fresh = apply(base(), LoraConfig(r=4))
    with torch.no_grad():
        for _one in _fresh.parameters():
            _one.add_(0.05)
        _before = _fresh(ids)
        _plain = merge(_fresh)
        merged = float((_plain(ids) - _before).abs().max())
    mo.md(f"Merged and not merged differ by **{merged:.1e}** at most.")
    return (merged,)


@app.cell
def _(merged):
    assert merged < 1e-3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Give the middle row the base: a row without an adapter costs nothing more.
    - An adapter for another base is refused with the names of the shapes; a rank larger than its matrix too.

    Write it yourself: `groundup learn start joined`. A real server: `groundup serve MODEL --adapter french=runs/french/model
    --adapter poem=runs/poem/model`
    """)
    return


if __name__ == "__main__":
    app.run()
