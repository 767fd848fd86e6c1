"""Lesson: what a tiktoken file holds, how a piece is cut by ranks, and where that differs from a list of merges."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Ranks: a vocabulary that is its own list of merges", width="medium")

with app.setup:
    import base64
    import tempfile
    from itertools import pairwise
    from pathlib import Path

    import marimo as mo

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.errors import InputError
    from groundup.text.tokenizers.bpe import encode_piece
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.text.tokenizers.splitting import split
    from groundup.text.tokenizers.tiktoken_ranks import PUBLISHED, encode_by_rank, read_ranks, write_ranks


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Ranks: a vocabulary that is its own list of merges

    GPT-4's vocabulary is published as a file of 100,256 lines, each a token and a number. No merges, no rule for cutting text. Afterwards
    you know why the numbers are enough, what must be known beside the file, and in which words the two ways of merging differ.
    """)
    return


@app.cell
def _():
    stories = [document.text for document in tinyworld.sample(0, 300)]
    trained = train_tokenizer(stories, TokenizerConfig(vocab_size=800, pattern="cl100k", special_tokens=()))
    count = len(trained.encode(stories[0]))
    folder = Path(tempfile.mkdtemp())
    write_ranks(folder / "mine.tiktoken", trained.vocabulary)
    lines = (folder / "mine.tiktoken").read_bytes().splitlines()
    mo.md(
        f"A tokenizer of our own as a rank file: **{len(lines)}** lines, the last is `{lines[-1].decode()}`; the first story is {count} of them."
    )
    return count, folder, lines, stories, trained


@app.cell
def _(lines, trained):
    assert len(lines) == len(trained.vocabulary) == 800
    assert {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)} == trained.vocabulary
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a line says

    A token is written in base64, since it may be any bytes, then comes its rank. The rank is the token's id, and it is the order of merging
    too: a token that training made early has a low rank.
    """)
    return


@app.cell
def _(lines):
    _rows = [
        f"| `{lines[place].decode()}` | `{base64.b64decode(lines[place].split()[0])!r}` |"
        for place in (33, 97, 256, 257, 300, 799)
    ]
    mo.md("| line | token |\n|---|---|\n" + "\n".join(_rows))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Joining by rank

    A piece begins as bytes. Look at all neighbours: where the two joined are a token, that token's rank says how soon. Join the
    lowest, look again, stop when nothing fits. Move the control through the steps.
    """)
    return


@app.cell
def _():
    steps = mo.ui.slider(0, 6, value=0, label="joined so far", show_value=True)
    steps
    return (steps,)


@app.cell
def _(trained):
    def joined_once(tokens: list, ranks: dict) -> list:
        """The tokens after the best pair of neighbours was joined; the same when none is a token."""
        places = [k for k, (left, right) in enumerate(pairwise(tokens)) if left + right in ranks]
        if not places:
            return tokens
        best = min(places, key=lambda k: ranks[tokens[k] + tokens[k + 1]])
        return [*tokens[:best], tokens[best] + tokens[best + 1], *tokens[best + 2 :]]

    word = b" gardener"
    history = [[bytes([byte]) for byte in word]]
    for _ in range(6):
        history = [*history, joined_once(history[-1], trained.vocabulary)]
    return history, joined_once, word


@app.cell
def _(history, steps, trained):
    _tokens = history[steps.value]
    _joined = {f"{left.decode()!r} + {right.decode()!r}": left + right for left, right in pairwise(_tokens)}
    plots.value_bars(
        {"rank": {pair: trained.vocabulary.get(token, 0) for pair, token in _joined.items()}},
        y="rank of the joined token (0: none)",
        title=f"{len(_tokens)} tokens: the lowest bar above 0 is joined next",
    )
    return


@app.cell
def _(history, steps, trained, word):
    assert b"".join(history[steps.value]) == word
    assert all(token in trained.vocabulary for token in history[steps.value])
    assert history[-1] == encode_by_rank(word, trained.vocabulary) or len(history[-1]) > len(
        encode_by_rank(word, trained.vocabulary)
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Merges and ranks are not the same

    A list of merges joins `ab` + `c` only if training did just that. Ranks join any two tokens whose bytes together are one. And a piece that is
    a token is never cut at all. Three words, both ways:
    """)
    return


@app.cell
def _():
    _ranks = {bytes([byte]): byte for byte in range(256)} | {b"bc": 256, b"ab": 257, b"abc": 258, b"xyz": 259}
    _merges = {(b"b", b"c"): 0, (b"a", b"b"): 1, (b"ab", b"c"): 2}
    both = {word: (encode_piece(word, _merges), encode_by_rank(word, _ranks)) for word in (b"abcd", b"xyz", b"abab")}
    mo.md(
        "| piece | by the merges bc, ab, ab+c | by rank |\n|---|---|---|\n"
        + "\n".join(f"| `{word.decode()}` | {by_merge} | {by_rank} |" for word, (by_merge, by_rank) in both.items())
    )
    return (both,)


@app.cell
def _(both):
    assert both[b"abcd"] == ([b"a", b"bc", b"d"], [b"abc", b"d"]), "a + bc is abc too, but no merge says so"
    assert both[b"xyz"] == ([b"x", b"y", b"z"], [b"xyz"]), "no pair of its bytes is a token: it is only found whole"
    assert both[b"abab"][0] == both[b"abab"][1] == [b"ab", b"ab"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In a trained vocabulary they agree

    Training makes a token from the pair that occurs most, and what was joined first is joined first again. So both ways give the same ids on the
    stories: a tokenizer trained here can be handed to tiktoken as a rank file.
    """)
    return


@app.cell
def _(folder, stories, trained):
    by_rank = read_ranks(folder / "mine.tiktoken", pattern="cl100k")
    same = sum(by_rank.encode(story) == trained.encode(story) for story in stories)
    mo.md(f"{same} of {len(stories)} stories have the same ids by merges and by ranks.")
    return by_rank, same


@app.cell
def _(by_rank, same, stories, trained):
    assert same == len(stories)
    assert by_rank.decode(by_rank.encode(stories[0])) == stories[0]
    _pieces = {piece for story in stories for piece in split(story, "cl100k")}
    assert all(
        [trained.vocabulary[token] for token in encode_by_rank(piece.encode(), trained.vocabulary)]
        == by_rank.encode(piece)
        for piece in sorted(_pieces)[:300]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the file does not say

    How text is cut before, and the control tokens, stand in no line. For the published files the name tells; any other file needs its pattern
    named, for a wrong guess would change ids without a word.
    """)
    return


@app.cell
def _(folder):
    try:
        read_ranks(folder / "mine.tiktoken")
        refused = ""
    except InputError as error:
        refused = str(error)
    mo.md(
        "\n".join(
            f"- `{name}`: pattern {rule}, {len(special)} control tokens" for name, (rule, special) in PUBLISHED.items()
        )
        + f"\n\n`{refused}`"
    )
    return (refused,)


@app.cell
def _(refused):
    assert "give pattern=" in refused
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose another `word`: how many steps does it take, and where is a joined token worth more than two?
    - Give `_ranks` the token `abcd` and look at the table again.
    - Read the file with `pattern="gpt2"` and count the stories whose ids change.

    Write it yourself: `groundup learn start encode_by_rank`
    """)
    return


if __name__ == "__main__":
    app.run()
