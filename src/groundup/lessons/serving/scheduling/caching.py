"""Lesson: answers that are kept, how often they are asked for again, and which of them may be given to whom."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Answers that are kept", width="medium")

with app.setup:
    from dataclasses import replace

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.inference.cache.paged import PagePool
    from groundup.inference.cache.prefix import PrefixCache
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine import Request
    from groundup.inference.engine.batching import generate_batch
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.serving.scheduling.caching import Answer, ResponseCache, fingerprint
    from groundup.training.scaling.why import unseen_share, zipf


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Answers that are kept

    The cheapest token is one that is not computed. Users ask the same things, some of them again and again; so a server can keep whole answers
    and give them a second time. Afterwards you know how often that succeeds, which answers may be kept at all, and why one user must not be
    given what another one asked for.
    """)
    return


@app.cell
def _():
    def ask(cache, questions, tokens=50):
        """Send questions, numbered by how common they are, past a cache; its hit rate."""
        before = cache.hits
        for number in questions:
            request = Request(prompt_ids=[int(number)], sampling=SamplingConfig(temperature=0))
            key = fingerprint(request, model="m", seeded=False)
            if cache.get(key) is None:
                cache.put(key, Answer((7,) * tokens, "stop"))  # a model would write it
        return (cache.hits - before) / len(questions)

    chances = zipf(1000, 0.1)
    stream = np.random.default_rng(0).choice(1000, 2000, p=chances)
    _large = ResponseCache(10**9)
    rate = ask(_large, stream)
    told = _large.stats()
    mo.md(
        f"2000 questions of 1000 kinds, the first kind the most common. **{rate:.0%}** were asked before, so {told['saved_tokens']:,} tokens are "
        f"given again; {told['entries']} answers take {told['size_bytes'] / 1e6:.1f} MB."
    )
    return ask, chances, rate, stream, told


@app.cell
def _(chances, rate, stream, told):
    expected = 1 - sum(unseen_share(chances, count) for count in range(len(stream))) / len(stream)
    assert abs(rate - expected) < 0.03, "the chance that a question was asked before, over all 2000"
    assert told["entries"] == len(set(stream.tolist())) == told["misses"]
    return (expected,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Zipf's law, and memory that ends

    Questions are like words: the most common one is about twice as common as the second, three times as the third. Their chances are
    $p_i \propto i^{-s}$ with $s$ near 1. A few are asked all the time, and behind them comes a long tail of questions that nobody asks twice.

    Memory ends, so what was not asked for longest goes. How often will it be missed? A kind is still there if it was asked within the
    time $T$ in which the cache fills with other things (Che, Tung and Wang 2002):

    $$\sum_i \left(1 - e^{-p_i T}\right) = C \qquad \text{hit rate} = \sum_i p_i \left(1 - e^{-p_i T}\right)$$
    """)
    return


@app.cell
def _():
    steepness = mo.ui.slider(1.1, 2.0, step=0.1, value=1.1, label="s, how unequal the questions are", show_value=True)
    steepness
    return (steepness,)


@app.cell
def _(ask, steepness):
    def by_formula(chances, entries):
        """Che's approximation of the hit rate where `entries` answers have room."""
        low, high = 0.0, 1e9
        for _ in range(80):
            time = (low + high) / 2
            low, high = (time, high) if (1 - np.exp(-chances * time)).sum() < entries else (low, time)
        return float((chances * (1 - np.exp(-chances * low))).sum())

    _chances, _size = zipf(1000, steepness.value - 1), Answer((7,) * 50, "stop").size_bytes
    _stream = np.random.default_rng(1).choice(1000, 3000, p=_chances)
    rooms, measured, formula = (4, 16, 64, 256), [], []
    for _room in rooms:
        _cache = ResponseCache(_room * _size)
        ask(_cache, _stream[:1000])  # until it is full
        measured.append(ask(_cache, _stream[1000:]))
        formula.append(by_formula(_chances, _room))
    plots.lines(
        rooms, {"measured": measured, "Che's formula": formula}, x="answers that have room", y="hit rate", log_x=True, marked=True,
        title=f"64 of 1000 answers: {measured[2]:.0%} of the questions are answered from memory",
    )  # fmt: skip
    return by_formula, formula, measured, rooms


@app.cell
def _(by_formula, chances, formula, measured, rooms):
    assert all(abs(one - other) < 0.06 for one, other in zip(measured, formula, strict=True))
    assert measured == sorted(measured) and measured[1] > 5 * rooms[1] / 1000, "a little memory is worth much: the common ones"
    assert abs(by_formula(np.full(100, 0.01), 25) - 0.25) < 1e-6, "where all are alike, it is the share that has room"
    assert by_formula(chances, 64) < by_formula(zipf(1000, 0.5), 64)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Only what chance does not decide

    Whoever asks at temperature 1 asks for a draw. Twenty people who ask for a story want twenty stories; from a cache they all get the first one.
    A small model is asked 300 times for the one token after the same prompt.
    """)
    return


@app.cell
def _():
    _model = build(
        LlamaConfig(vocab_size=12, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                    max_position_embeddings=64, initializer_range=0.2), seed=0, scheme="normal",
    )  # fmt: skip

    def _answers(temperature, times=300):
        """The answers to one prompt, each with a stream of its own."""
        made = generate_batch(_model, [[5, 6]] * times, SamplingConfig(max_new_tokens=1, temperature=temperature))
        return [one.ids[0] for one in made]

    asked_anew = {temperature: _answers(temperature) for temperature in (0.0, 1.0)}
    _shares = {
        "asked anew each time": {token: asked_anew[1.0].count(token) / 300 for token in range(12)},
        "kept from the first time": {token: float(asked_anew[1.0][0] == token) for token in range(12)},
    }
    plots.value_bars(
        _shares, x="token", y="share of 300 answers",
        title=f"At temperature 1 there are {len(set(asked_anew[1.0]))} answers, at 0 there is {len(set(asked_anew[0.0]))}",
    )  # fmt: skip
    return (asked_anew,)


@app.cell
def _(asked_anew):
    assert len(set(asked_anew[0.0])) == 1 and len(set(asked_anew[1.0])) > 4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So an answer is kept where asking again could give no other: at temperature 0, or where the client named the seed. And the
    key of an answer must hold all that it depends on. What is left out of the key is given to somebody who asked for something else. A request,
    changed in one place at a time:
    """)
    return


@app.cell
def _():
    _base = Request(prompt_ids=[3, 1, 4], sampling=SamplingConfig(temperature=0), key="anna")
    _drawn = replace(_base, sampling=SamplingConfig(seed=1))
    _keys = {
        "as it was": fingerprint(_base, model="m", seeded=False),
        "the same once more": fingerprint(replace(_base), model="m", seeded=False),
        "another seed, where nothing is drawn": fingerprint(replace(_base, sampling=replace(_base.sampling, seed=9)), model="m", seeded=False),
        "another token in the prompt": fingerprint(replace(_base, prompt_ids=[3, 1, 5]), model="m", seeded=False),
        "a longer answer": fingerprint(replace(_base, sampling=replace(_base.sampling, max_new_tokens=9)), model="m", seeded=False),
        "an adapter": fingerprint(replace(_base, adapter="poet"), model="m", seeded=False),
        "another model": fingerprint(_base, model="n", seeded=False),
        "another user": fingerprint(replace(_base, key="bob"), model="m", seeded=False),
        "temperature 1, seed 1 named by the client": fingerprint(_drawn, model="m", seeded=True),
        "temperature 1, a seed that the server drew": fingerprint(_drawn, model="m", seeded=False),
    }
    verdicts = {
        name: "is not kept" if key is None else "the same answer" if key == _keys["as it was"] else "an answer of its own"
        for name, key in _keys.items()
    }
    mo.md("| request | |\n|---|---|\n" + "\n".join(f"| {name} | {verdict} |" for name, verdict in verdicts.items()))
    return (verdicts,)


@app.cell
def _(verdicts):
    _names = list(verdicts)
    assert all(verdicts[name] == "the same answer" for name in _names[:3])
    assert all(verdicts[name] == "an answer of its own" for name in _names[3:9])
    assert verdicts[_names[9]] == "is not kept"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A key's answers are its own

    Anna's and Bob's question is the same, and so is the answer; why not share it? Because an answer from memory comes at once, and Bob has a
    watch. Anna has asked about ten of a hundred illnesses. Bob asks about all hundred and notes which answers came without a wait.
    """)
    return


@app.cell
def _():
    def _spy(shared):
        """What Bob learns: the illnesses for which his answer was there already."""
        cache = ResponseCache(10**6)

        def waits(who, illness):
            request = Request(prompt_ids=[1, illness], sampling=SamplingConfig(temperature=0), key="" if shared else who)
            key = fingerprint(request, model="m", seeded=False)
            was_there = cache.get(key) is not None
            cache.put(key, Answer((7,) * 30, "stop"))
            return not was_there

        for illness in annas:
            waits("anna", illness)
        return [illness for illness in range(100) if not waits("bob", illness)]

    annas = sorted(np.random.default_rng(2).choice(100, 10, replace=False).tolist())
    learned = {"one cache for all": _spy(True), "the user is part of the key": _spy(False)}
    mo.md(
        f"With one cache for all Bob knows **{len(learned['one cache for all'])}** of her 10 questions, and is wrong about none. With the user in the key "
        f"he knows {len(learned['the user is part of the key'])}."
    )
    return annas, learned


@app.cell
def _(annas, learned):
    assert learned["one cache for all"] == annas and learned["the user is part of the key"] == []
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Privacy has a price: what Anna asked spares Bob nothing. The more users send the same stream of questions, the fewer of them are each one's
    second time.
    """)
    return


@app.cell
def _(stream):
    def _rate(users):
        cache, of = ResponseCache(10**9), np.random.default_rng(3).integers(0, users, len(stream))
        for number, user in zip(stream, of, strict=True):
            request = Request(prompt_ids=[int(number)], sampling=SamplingConfig(temperature=0), key=f"user {user}")
            key = fingerprint(request, model="m", seeded=False)
            if cache.get(key) is None:
                cache.put(key, Answer((7,) * 50, "stop"))
        return cache.stats()["hit_rate"]

    users = (1, 2, 5, 20, 100)
    of_their_own = [_rate(count) for count in users]
    plots.lines(
        users, {"answers of their own": of_their_own}, x="users", y="hit rate", log_x=True, marked=True,
        levels={"one cache for all": of_their_own[0]},
        title=f"The same 2000 questions: {of_their_own[0]:.0%} again if one user asks them, {of_their_own[-1]:.0%} if a hundred do",
    )  # fmt: skip
    return of_their_own, users


@app.cell
def _(chances, of_their_own, rate, stream, users):
    assert of_their_own[0] == rate and of_their_own == sorted(of_their_own, reverse=True)
    for _users, _rate in zip(users, of_their_own, strict=True):
        _each = len(stream) // _users
        assert abs(_rate - 1 + sum(unseen_share(chances, count) for count in range(_each)) / _each) < 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Beginnings or answers

    A prefix cache keeps what a model has read, an answer cache what it has written. The first works for any question that begins as another did,
    drawn or not, and spares reading only. The second needs the very same question without chance, and spares all. 300 requests, each with the same 64
    tokens of instructions, a question of 16 and an answer of 40; half of them are drawn.
    """)
    return


@app.cell
def _(chances):
    def _work(beginnings, kept):
        prefixes, cache = PrefixCache(PagePool(1, 1, 1, pages=2000, rows=1, page_size=16)), ResponseCache(10**9)
        draws, read, wrote = np.random.default_rng(4), 0, 0
        for number, greedy in zip(draws.choice(1000, 300, p=chances), draws.random(300) < 0.5, strict=True):
            ids = [0] * 64 + [int(number)] * 16
            key = fingerprint(Request(prompt_ids=ids, sampling=SamplingConfig(temperature=0.0 if greedy else 1.0)), model="m", seeded=False)
            if kept and cache.get(key) is not None:
                continue
            cache.put(key, Answer((7,) * 40, "stop"))
            row = prefixes.pool.open()
            known = prefixes.begin(row, ids) if beginnings else 0
            assert prefixes.allocate(row, len(ids) - known)
            prefixes.pool.grow(row, len(ids) - known)
            prefixes.keep(row, ids)
            prefixes.pool.free(row)
            read, wrote = read + len(ids) - known, wrote + 40
        return {"read": read, "written": wrote}

    work = {
        "nothing is kept": _work(False, False), "answers": _work(False, True),
        "beginnings": _work(True, False), "both": _work(True, True),
    }  # fmt: skip
    plots.value_bars(
        work, y="tokens that are computed",
        title=f"Of {work['nothing is kept']['read']:,} tokens, {work['both']['read']:,} are read; of {work['nothing is kept']['written']:,}, "
        f"{work['both']['written']:,} are written",
    )  # fmt: skip
    return (work,)


@app.cell
def _(work):
    assert work["beginnings"]["written"] == work["nothing is kept"]["written"] == 300 * 40, "a beginning spares no writing"
    assert work["beginnings"]["read"] < work["answers"]["read"] < work["nothing is kept"]["read"] == 300 * 80
    assert work["both"]["written"] == work["answers"]["written"] > 150 * 40 * 0.9, "what is drawn is written each time"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - $s = 2$: sixteen answers serve nearly everybody. At 1.1 the long tail is most of the questions.
    - Ask in other words: the prompt has other tokens and the key is another. An exact cache knows no meaning, and so is never wrong about it.
    - Your own server: `groundup serve MODEL --response-cache-mb 64`, ask it twice at temperature 0, and see its figures.

    How a beginning is found: `groundup learn start longest_prefix`
    """)
    return


if __name__ == "__main__":
    app.run()
