"""Lesson: adapters behind a port: a name in the request chooses one, rows of several share a step, and no cache mistakes one for another."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One port, many models: an adapter a request", width="medium")

with app.setup:
    import asyncio
    import tempfile
    from pathlib import Path

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine import Engine, EngineConfig, Request
    from groundup.inference.handle import Handle
    from groundup.lessons import drawn_model
    from groundup.serving.api.adapters import divided, put_on
    from groundup.serving.api.errors import ApiError
    from groundup.serving.api.inside import in_process
    from groundup.serving.api.models import Models
    from groundup.serving.api.service import Service
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer
    from groundup.tuning.efficient.config import LoraConfig
    from groundup.tuning.efficient.many import Adapted, add, merge
    from groundup.tuning.efficient.peft_files import save_adapter


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One port, many models: an adapter a request

    A server holds one model, and each customer has tuned an adapter of it. Afterwards you can say how a name in a request becomes an
    adapter, why requests of different adapters need not wait for each other, and where such a server must **not** save work. What an
    adapter is, and how rows of a batch get one each, is a lesson of its own: `groundup learn lesson tuning.efficient.many`.
    """)
    return


@app.cell
def _():
    _text = ["the cat sat on the mat and the dog sat on the log", "a cat has a hat and a dog has a frog"]
    tokenizer = train_tokenizer(_text, TokenizerConfig(vocab_size=280))

    def adapter(seed):
        """The base under an adapter with numbers of its own."""
        adapted, draw = Adapted(drawn_model(280)), torch.Generator().manual_seed(seed)
        add(adapted, "default", LoraConfig(r=2))
        with torch.no_grad():
            for one in adapted.adapters["default"].parameters():
                one.add_(torch.randn(one.shape, generator=draw) * 0.4)
        return adapted.activate("default")

    seeds = {"poet": 1, "cook": 2, "judge": 3}
    _whole = sum(one.numel() for one in drawn_model(280).parameters())
    thin = sum(one.numel() for one in adapter(1).adapters["default"].parameters()) / _whole
    mo.md(
        f"Even of this tiny model an adapter has **{thin:.0%}** of the weights (of one of 7 billion, less than 1 %): four models behind "
        f"a port in the memory of {1 + 3 * thin:.1f}."
    )
    return adapter, seeds, thin, tokenizer


@app.cell
def _(seeds, thin):
    assert 0 < thin < 0.25 and len(seeds) == 3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A name

    A client says `"model": "poet"` and need not know that this is no model. The server looks up what the name means: a model, or an
    adapter with the model it belongs to. What it does not know it refuses with the names that there are, never with another model's answer.
    """)
    return


@app.cell
def _(seeds):
    def meant(name):
        """What a request's model means here; or the refusal."""
        try:
            return divided(name, {"demo": "runs/demo"}, {"demo": dict.fromkeys(seeds, "runs/some")})
        except ApiError as error:
            return error.message

    names = {name: meant(name) for name in ("demo", "poet", "demo:poet", "pote", "demo:pote")}
    mo.md("| model | means |\n|---|---|\n" + "\n".join(f"| `{name}` | {found} |" for name, found in names.items()))
    return meant, names


@app.cell
def _(names):
    assert names["demo"] == ("demo", None) and names["poet"] == names["demo:poet"] == ("demo", "poet")
    assert "does not exist; this server has demo, poet" in names["pote"]
    assert "has no adapter 'pote'" in names["demo:pote"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Neighbours in a batch

    The engine's request carries the adapter. A step reads one token of each text: the products with the base's weights are made for all rows at
    once, and only the thin ones differ. So four customers are answered in the steps of one. **Each must get what it would get alone**, and
    "alone" here is the strictest form: a model into which the adapter was merged, and which knows nothing of others.
    """)
    return


@app.cell
def _(adapter, seeds, tokenizer):
    def engine_of_all():
        """An engine on the base with all adapters put on from their folders."""
        engine = Engine(Handle(drawn_model(280), tokenizer), EngineConfig(compiled=None, page_size=8))
        with tempfile.TemporaryDirectory() as folder:
            for name, seed in seeds.items():
                save_adapter(Path(folder) / name, adapter(seed))
                put_on(engine, name, Path(folder) / name)
        return engine

    def written(engine, prompts_and_names, new=12):
        """What the engine writes for these, all at once: ids in the order of the requests, and the last usage of each."""
        sampling, ids, usage = SamplingConfig(max_new_tokens=new, temperature=0.0), {}, {}
        for prompt, name in prompts_and_names:
            ids[engine.add(Request(prompt_ids=tokenizer.encode_prompt(prompt), sampling=sampling, adapter=name))] = []
        while engine.has_work:
            for event in engine.step():
                ids[event.request_id] = ids[event.request_id] + event.ids
                usage[event.request_id] = event.usage
        return list(ids.values()), [usage[name] for name in ids]

    def alone(prompt, seed, new=12):
        """The same of a model into which the adapter was merged; None: of the base."""
        handle = Handle(drawn_model(280) if seed is None else merge(adapter(seed)), tokenizer)
        return written(Engine(handle, EngineConfig(compiled=None)), [(prompt, None)], new)[0][0]

    return alone, engine_of_all, written


@app.cell
def _(alone, engine_of_all, seeds, tokenizer, written):
    asked = [("the cat sat on", None), *(("the cat sat on", name) for name in seeds), ("a dog", "poet")]
    _engine = engine_of_all()
    together = written(_engine, asked)[0]
    steps_together = _engine.counted["steps"]
    by_itself = [alone(prompt, seeds.get(name)) for prompt, name in asked]
    mo.md(
        f"Five requests of four models in {steps_together} steps, in place of {len(asked) * steps_together}: as each alone? "
        f"**{together == by_itself}**.\n\n| adapter | prompt | answer |\n|---|---|---|\n"
        + "\n".join(
            f"| {name or 'none'} | {prompt} | `{tokenizer.decode(ids)!r}` |"
            for (prompt, name), ids in zip(asked, together, strict=True)
        )
    )
    return asked, by_itself, steps_together, together


@app.cell
def _(by_itself, steps_together, together):
    assert together == by_itself and steps_together == 12
    assert len({tuple(ids) for ids in together[:4]}) == 4, "one prompt, four models"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where nothing may be shared

    A server keeps keys and values of beginnings it has read (`groundup learn lesson prefix`). They were computed by the model **under
    an adapter**. If the poet took over the beginning that the base has read, each layer would ask keys that are not its own. Choose who asks,
    and see how far the scores of the next token go astray as soon as a part of the beginning is another's.
    """)
    return


@app.cell
def _(seeds):
    asks = mo.ui.dropdown(list(seeds), value="poet", label="who asks")
    asks
    return (asks,)


@app.cell
def _(adapter, asks, seeds, tokenizer):
    _ids = torch.tensor([tokenizer.encode_prompt("the cat sat on the mat and the dog")])
    _length, _adapted = _ids.shape[1], adapter(seeds[asks.value])

    def _scores(taken):
        """Next-token scores where the first `taken` tokens were read by the base; a packed row has a name a token."""
        with _adapted.for_rows([None] * taken + ["default"] * (_length - taken)), torch.no_grad():
            return _adapted(_ids)[0, -1].softmax(-1)

    taken = list(range(_length))
    astray = [float((_scores(number) - _scores(0)).abs().sum() / 2) for number in taken]
    plots.lines(
        taken,
        {"probability moved": astray},
        x="tokens of the beginning that the base had read",
        y="probability on wrong tokens",
        marked=True,
        title=f"{asks.value}, from another's cache: up to {max(astray):.0%} of the probability lies elsewhere",
    )
    return astray, taken


@app.cell
def _(astray):
    assert astray[0] == 0 and min(astray[1:]) > 1e-4 and max(astray) > 0.02
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So the name of the adapter is part of the number under which a page is kept. The same prompt, five times one after another:
    the second time it is known, under another adapter it is not.
    """)
    return


@app.cell
def _(engine_of_all, written):
    _prompt = "the cat sat on the mat and the dog sat on the log and a cat has a hat"
    _engine, known = engine_of_all(), {}
    for _turn, _name in enumerate((None, None, "poet", "poet", "cook"), 1):
        _usage = written(_engine, [(_prompt, _name)], 2)[1][0]
        known = {**known, f"{_turn}: {_name or 'base'}": _usage.cached}
        prompt_tokens = _usage.prompt
    plots.value_bars(
        {"read from the cache": known},
        y="tokens of the prompt",
        levels={"prompt": prompt_tokens},
        title="One prompt, five requests",
    )
    return known, prompt_tokens


@app.cell
def _(known, prompt_tokens):
    _found = list(known.values())
    assert _found[0] == _found[2] == _found[4] == 0 < _found[1] == _found[3] < prompt_tokens
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Over the port

    Now the whole server, in this process: adapters are listed as models, with the model they belong to as `parent`. They
    come and go while it answers, between two steps. Another adapter may later have a name that was used before; in the
    engine each gets a name that was never there, so nothing kept of the first is found under the second.
    """)
    return


@app.cell
def _():
    def at_server(models, work):
        """Do something with a client of a server of these models; nothing listens on a port."""
        return in_process(lambda: Service(models, adapter_loading=True), lambda client, _: work(client))

    return (at_server,)


@app.cell
def _(adapter, at_server, tokenizer):
    async def _visit(client):
        """A poet comes, answers, goes, and another comes under its name."""
        _told, _body = (
            [],
            {"prompt": "the cat sat on", "max_tokens": 12, "temperature": 0, "ignore_eos": True, "model": "poet"},
        )
        for _seed in (1, 2):
            with tempfile.TemporaryDirectory() as _folder:
                save_adapter(_folder, adapter(_seed))
                await client.post("/v1/load_lora_adapter", json={"lora_name": "poet", "lora_path": _folder})
            _listed = [(one["id"], one.get("parent")) for one in (await client.get("/v1/models")).json()["data"]]
            _answers = await asyncio.gather(*(client.post("/v1/completions", json=_body) for _ in range(2)))
            _told = [*_told, [one.json()["choices"][0]["text"] for one in _answers]]
            await client.post("/v1/unload_lora_adapter", json={"lora_name": "poet"})
        return _listed, _told, (await client.post("/v1/completions", json=_body)).status_code

    _models = Models({"demo": "demo"}, loader=lambda _: Handle(drawn_model(280), tokenizer), config=EngineConfig(compiled=None))
    listed, poets, gone = at_server(_models, _visit)
    mo.md(
        f"Listed: {listed}. The first poet `{poets[0][0]!r}`, the second `{poets[1][0]!r}`; when it has gone: **{gone}**."
    )
    return gone, listed, poets


@app.cell
def _(alone, gone, listed, poets, tokenizer):
    assert listed == [("demo", None), ("poet", "demo")] and gone == 404
    for _seed, _said in zip((1, 2), poets, strict=True):
        assert set(_said) == {tokenizer.decode(alone("the cat sat on", _seed), skip_special_tokens=True)}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Several models

    Models that share no base share no step, and not all of them fit at once. A name is a folder until somebody asks for it; when there is
    no room the model that was not asked for longest goes. Give the server room, and see what these nine requests cost in loads.
    """)
    return


@app.cell
def _():
    room = mo.ui.slider(1, 3, value=2, label="models that fit", show_value=True)
    room
    return (room,)


@app.cell
def _(at_server, room, tokenizer):
    _order = ["red", "blue", "red", "red", "green", "red", "blue", "red", "green"]
    _loads = []

    def _load(name):
        _loads.append(name)
        return Handle(drawn_model(280), tokenizer)

    async def _ask(client):
        _counts = []
        for _name in _order:
            await client.post("/v1/completions", json={"prompt": "a", "max_tokens": 1, "model": _name})
            await asyncio.sleep(0)  # the last answer's task lets its model go
            _counts = [*_counts, len(_loads)]
        return _counts

    _models = Models(
        {name: name for name in sorted(set(_order))},
        loader=_load, config=EngineConfig(compiled=None), most_loaded=room.value,
    )  # fmt: skip
    loaded = at_server(_models, _ask)
    plots.lines(
        list(range(1, len(loaded) + 1)), {"loads so far": loaded}, x="request", y="loads", marked=True,
        title=f"Room for {room.value}: {loaded[-1]} loads for {len(loaded)} requests of 3 models",
    )  # fmt: skip
    return (loaded,)


@app.cell
def _(loaded, room):
    assert loaded[-1] == {1: 8, 2: 5, 3: 3}[room.value]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose `cook` and `judge`: whose scores suffer most from another's cache?
    - In `adapter`, let `r` be 16: the adapter weighs eight times as much, and a batch takes as many steps as before.
    - Serve it: `groundup serve runs/demo/model --adapter poet=runs/poet/model`, and ask for `"model": "poet"`.

    Write the pieces: `groundup learn start lora_linear`, then `groundup learn start longest_prefix`
    """)
    return


if __name__ == "__main__":
    app.run()
