"""Lesson: contrastive losses, SimCSE and CLIP: vectors learned from pairs alone, without a label."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Contrastive losses: find your partner", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.bert import BertConfig
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train
    from groundup.training.objectives.contrastive import (
        Temperature,
        clip_loss,
        contrastive_loss,
        sentence_vectors,
        simcse_loss,
        two_views,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Contrastive losses: find your partner

    Nobody said what the sentences mean. It was only said which two belong together, and everything else in the batch is a wrong answer. Afterwards you
    can write that loss, know what its temperature does, and have trained sentence vectors (SimCSE) and matched pictures with words (CLIP).
    """)
    return


@app.cell
def _():
    guessing = {size: math.log(size) for size in (2, 32, 1024, 32768)}
    mo.md(
        "Vectors that know nothing lose the logarithm of the batch: "
        + ", ".join(f"{loss:.1f} nats among {size:,}" for size, loss in guessing.items())
        + f". CLIP used 32,768: **{guessing[32768] / math.log(2):.0f} bits** to tell its partner from all others."
    )
    return (guessing,)


@app.cell
def _(guessing):
    _alike = torch.ones(32, 8)
    assert abs(contrastive_loss(_alike, _alike, 0.05).item() / 32 - guessing[32]) < 1e-4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two pairs by hand

    The cosine of each first with each second, divided by the temperature, is a score; the partner stands on the diagonal. The loss is the surprise at
    it: what a language model does with its vocabulary, with the batch in the place of the vocabulary.
    """)
    return


@app.cell
def _():
    first, second = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.6, 0.8]])
    by_hand = sum(
        -math.log(math.exp(own / 0.5) / (math.exp(own / 0.5) + math.exp(other / 0.5)))
        for own, other in ((1, 0.6), (0.8, 0))
    )
    loss = contrastive_loss(first, second, 0.5).item()
    mo.md(
        f"By hand {by_hand:.4f} nats, by the library **{loss:.4f}**. The vector (2, 0) counts as (1, 0): only directions matter."
    )
    return by_hand, first, loss, second


@app.cell
def _(by_hand, first, loss, second):
    assert abs(by_hand - loss) < 1e-4
    torch.testing.assert_close(contrastive_loss(first * 9, second, 0.5), contrastive_loss(first, second, 0.5))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The temperature

    A partner at cosine 0.8, eight strangers between 0.7 and -0.4. Divided by a small temperature, the nearest stranger is the only one that
    still counts, so learning works on the hardest; by a large one, all are pushed alike.
    """)
    return


@app.cell
def _():
    temperature = mo.ui.slider(0.05, 1.0, step=0.05, value=0.2, label="temperature", show_value=True)
    temperature
    return (temperature,)


@app.cell
def _(temperature):
    _cosines = torch.tensor([0.8, 0.7, 0.5, 0.3, 0.2, 0.1, 0.0, -0.2, -0.4])
    shares = torch.softmax(_cosines / temperature.value, dim=0).tolist()
    _names = ["partner", *(f"{value:.1f}" for value in _cosines[1:].tolist())]
    plots.value_bars(
        {"probability": dict(zip(_names, shares, strict=True))},
        title=f"Temperature {temperature.value:g}: {-math.log(shares[0]):.2f} nats",
    )
    return (shares,)


@app.cell
def _(shares, temperature):
    _hardest = shares[1] / sum(shares[1:])
    assert (_hardest > 0.9) == (temperature.value < 0.1), "the push goes to the nearest stranger alone"
    assert shares == sorted(shares, reverse=True)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## SimCSE: a text and itself

    Where do pairs come from, if there are only sentences? From the same sentence seen twice. SimCSE lets dropout make the difference; here each view
    hides a quarter of the words from attention. The sentences are of three topics, and nobody tells the model so.
    """)
    return


@app.cell
def _():
    _topics = {
        "sea": "wave ship fish salt sail gull".split(),
        "wood": "tree deer moss fern owl bark".split(),
        "town": "road tram shop roof lamp clock".split(),
    }
    words = ["[PAD]", "[CLS]", *(word for topic in _topics.values() for word in topic)]

    def sentences(number, rows=32):
        """Sentences of six words of one topic, and the topic of each, for a number."""
        source = torch.Generator().manual_seed(number)
        topic = torch.randint(3, (rows,), generator=source)
        ids = 2 + 6 * topic[:, None] + torch.randint(6, (rows, 6), generator=source)
        return torch.cat([torch.ones(rows, 1).long(), ids], dim=1), topic

    def views(number):
        """The same, twice seen."""
        ids, _ = sentences(number)
        return two_views(ids, ids > 0, torch.Generator().manual_seed(number), 0.25)

    _seen = views(0)
    _lines = [
        " ".join(words[one] if real else "·" for one, real in zip(_seen.input_ids[0].tolist(), which[0], strict=True))
        for which in (_seen.first, _seen.second)
    ]
    mo.md("\n\n".join(f"`{line}`" for line in _lines))
    return sentences, views, words


@app.cell
def _(views, words):
    _config = BertConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=8, head="none",
    )  # fmt: skip
    untrained, encoder, losses = build(_config, seed=0).eval(), build(_config, seed=0), []
    _told = TrainConfig(steps=60, batch_size=32, seq_len=7)
    train(encoder, views, _told, objective=simcse_loss, listeners=[lambda event: losses.append(event.loss)])
    plots.lines(
        range(len(losses)),
        {"loss": losses},
        x="step",
        y="nats a text",
        levels={"knowing nothing": math.log(32)},
        title="SimCSE",
    )
    return encoder, losses, untrained


@app.cell
def _(losses):
    assert losses[0] > 1.3 * losses[-1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it learned

    Cosines of sentences that it has not seen, sorted by topic. Before training all look alike (they share `[CLS]` and the places). Afterwards
    a sentence is near to what shares its words, and far from the other topics, which were never named.
    """)
    return


@app.cell
def _(encoder, sentences, untrained):
    _ids, _topic = sentences(10_000, 24)
    _order = _topic.argsort(stable=True)
    same = (_topic[_order][:, None] == _topic[_order][None]) & ~torch.eye(24).bool()
    cosines = {}
    for _name, _module in {"before": untrained, "after": encoder}.items():
        with torch.no_grad():
            _vectors = torch.nn.functional.normalize(sentence_vectors(_module, _ids[_order], _ids[_order] > 0), dim=1)
        cosines[_name] = _vectors @ _vectors.T
    plots.heat_map(
        cosines["after"], x="sentence", y="sentence", low=-1, high=1, title="Cosines after training, sorted by topic"
    )
    return cosines, same


@app.cell
def _(cosines, same):
    _others = ~same & ~torch.eye(24).bool()
    _gap = {name: (one[same].mean() - one[_others].mean()).item() for name, one in cosines.items()}
    assert _gap["after"] > 0.2 > 0.1 > _gap["before"]
    assert cosines["after"][_others].mean() < 0.6 < cosines["before"][_others].mean(), "what looked alike is spread out"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## CLIP: pictures and words

    Two encoders that know nothing of each other, and a loss in both directions: each picture finds its word, each word its picture. The pictures are
    five by five dots: a row or a column of light, in noise; the words say which. The temperature is learned as well.
    """)
    return


@app.cell
def _():
    def pictures(number, noise=0.3):
        """One picture for each of ten words (row 1 to 5, column 1 to 5), with noise, for a number."""
        clean = torch.zeros(10, 5, 5)
        for place in range(5):
            clean[place, place] = 1
            clean[5 + place, :, place] = 1
        return (clean + noise * torch.randn(10, 5, 5, generator=torch.Generator().manual_seed(number))).flatten(1)

    with torch.random.fork_rng():
        torch.manual_seed(0)
        sees, reads, warmth = torch.nn.Linear(25, 8), torch.nn.Embedding(10, 8), Temperature()
    _optimizer = torch.optim.AdamW([*sees.parameters(), *reads.parameters(), *warmth.parameters()], lr=0.03)
    began = (
        torch.nn.functional.normalize(sees(pictures(-1)), dim=1) @ torch.nn.functional.normalize(reads.weight, dim=1).T
    )
    began = began.detach()
    for _step in range(150):
        _loss, _count = clip_loss(sees(pictures(_step)), reads.weight, warmth())
        _optimizer.zero_grad()
        (_loss / _count).backward()
        _optimizer.step()
    mo.md(
        f"The loss has come from about {math.log(10):.1f} to **{_loss.item() / 10:.3f}** nats, the temperature from 0.07 to {warmth().item():.3f}."
    )
    return began, pictures, reads, sees, warmth


@app.cell
def _():
    noise = mo.ui.slider(0.0, 1.2, step=0.3, value=0.3, label="noise in the pictures", show_value=True)
    noise
    return (noise,)


@app.cell
def _(noise, pictures, reads, sees):
    with torch.no_grad():
        _normal = torch.nn.functional.normalize
        matched = _normal(sees(pictures(9999, noise.value)), dim=1) @ _normal(reads.weight, dim=1).T
    right = int((matched.argmax(dim=1) == torch.arange(10)).sum())
    _words = [f"{kind} {place}" for kind in ("row", "column") for place in range(1, 6)]
    plots.heat_map(
        matched,
        rows=_words,
        columns=_words,
        x="word",
        y="picture",
        low=-1,
        high=1,
        title=f"{right} of 10 pictures find their word",
    )
    return matched, right


@app.cell
def _(began, matched, noise, right):
    assert right == 10 or noise.value > 0.5
    assert matched.diagonal().mean() > began.diagonal().mean() + 0.2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the temperature to 0.05, SimCSE's: the partner has most, and of the strangers only the nearest still counts.
    - Raise the noise to 1.2: the diagonal pales, and eight of ten pictures find another word.
    - Train SimCSE with a cutoff of 0: both views are the same, the loss falls to 0.03, and the topics are not found: a task that is too easy.

    Write it yourself: `groundup learn start contrastive_loss`
    """)
    return


if __name__ == "__main__":
    app.run()
