"""Lesson: what a streamed answer looks like on the wire."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A streamed answer: what goes over the wire", width="medium")

with app.setup:
    import json

    import marimo as mo

    from groundup import plots
    from groundup.inference.streaming import TextStream
    from groundup.serving.api.sse import event, sse_events, sse_frame
    from groundup.serving.api.tool_formats.calls import Begin, Reader, joined
    from groundup.serving.api.tool_formats.hermes import hermes_calls
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A streamed answer: what goes over the wire

    A chat client shows an answer word by word. What reaches it is plain text over HTTP, in a form from 2009 that browsers read too.
    Afterwards you can read such a stream by eye, and know the three places where servers get it wrong: half a character, half a stop
    string, half a call of a tool.
    """)
    return


@app.cell
def _():
    def chunk(text):
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0, "delta": {"content": text}}],
        }

    share = len(b"cat") / len(event(chunk("cat")))
    mo.md(
        f"A token of three letters is sent in **{len(event(chunk('cat')))}** bytes: {share:.1%} of them are the answer, the rest is the envelope."
    )
    return chunk, share


@app.cell
def _(share):
    assert share < 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One event

    An event is a few lines: a field, a colon, a value. `data` holds what is meant, `event` may name it. **An empty line ends it.** So a
    reader needs no length and no end of the connection: what stands before an empty line is whole.
    """)
    return


@app.cell
def _(chunk):
    wire = "".join(event(chunk(text)).decode() for text in ("The", " cat", " sat")) + "data: [DONE]\n\n"
    mo.md("```\n" + wire + "```")
    return (wire,)


@app.cell
def _(wire):
    read = sse_events(wire)
    said = "".join(json.loads(data)["choices"][0]["delta"]["content"] for _, data in read[:-1])
    assert said == "The cat sat" and read[-1] == ("message", "[DONE]")
    assert sse_events(wire[:-1]) == read[:-1], "without its empty line the last event is none"
    said
    return (read, said)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A line end inside the data would cut it, so each of its lines gets a `data:` of its own, and the reader joins them. JSON has no
    line ends of its own, so APIs rarely meet this.
    """)
    return


@app.cell
def _():
    two_lines = sse_frame("first\nsecond", "note")
    assert sse_events(two_lines) == [("note", "first\nsecond")]
    mo.md("```\n" + two_lines + "```")
    return (two_lines,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Half a character

    A tokenizer of bytes writes 😀 as up to four tokens. Sent one by one, each is no character, and a careless server sends four times
    the replacement character. The stream here holds bytes back until the character is whole. Move the control: so many tokens came.
    """)
    return


@app.cell
def _():
    tokenizer = train_tokenizer(["the cat sat on the mat and the dog sat on the log"], TokenizerConfig(vocab_size=270))
    answer = "a cat 😀 sat"
    ids = tokenizer.encode(answer)
    return answer, ids, tokenizer


@app.cell
def _(ids):
    came = mo.ui.slider(1, len(ids), value=5, label="tokens that came", show_value=True)
    came
    return (came,)


@app.cell
def _(came, ids, tokenizer):
    _stream = TextStream(tokenizer)
    careful = "".join(_stream.push(id) for id in ids[: came.value])
    careless = "".join(tokenizer.decode([id]) for id in ids[: came.value])
    mo.md(f"careless: `{careless}`\n\ncareful: `{careful}`")
    return careful, careless


@app.cell
def _(came, careful, careless):
    plots.value_bars(
        {
            "characters": {"careless": len(careless), "careful": len(careful)},
            "of them replacement characters": {
                name: text.count("\ufffd") for name, text in (("careless", careless), ("careful", careful))
            },
        },
        y="characters on the screen",
        title=f"After {came.value} tokens",
    )
    return


@app.cell
def _(answer, careful):
    assert answer.startswith(careful) and "\ufffd" not in careful, "what was sent is never taken back"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Half a call

    A model calls a tool by writing text: `<tool_call>{"name": ..., "arguments": ...}</tool_call>`. The client must get the words as words
    and the call as a call, while both come. `hermes_calls` says what is **certain** of the text so far; the rest waits. A shorter text's
    certainty is always the beginning of a longer one's, so the server sends differences.
    """)
    return


@app.cell
def _():
    written = 'I add. <tool_call>\n{"name": "add", "arguments": {"a": 12, "b": 30}}\n</tool_call>'
    return (written,)


@app.cell
def _():
    so_far = mo.ui.slider(0, 84, value=30, label="characters that came", show_value=True)
    so_far
    return (so_far,)


@app.cell
def _(so_far, written):
    certain = hermes_calls(written[: so_far.value], False)
    mo.md(
        f"came: `{written[: so_far.value]!r}`\n\ncertain: words `{certain.words!r}`, calls `{[tuple(call) for call in certain.calls]}`"
    )
    return (certain,)


@app.cell
def _(certain, written):
    _whole = hermes_calls(written)
    assert _whole.words.startswith(certain.words)
    assert all(
        after.arguments.startswith(before.arguments) for before, after in zip(certain.calls, _whole.calls, strict=False)
    )
    return


@app.cell
def _(written):
    _words, _arguments = [], []
    for _cut in range(len(written) + 1):
        _now = hermes_calls(written[:_cut], False)
        _words.append(len(_now.words))
        _arguments.append(sum(len(call.arguments) for call in _now.calls))
    plots.lines(
        list(range(len(written) + 1)),
        {"words": _words, "arguments": _arguments},
        x="characters that came",
        y="characters sent on",
        title="Certain of the text so far",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The words stop growing at `<`: it may become the mark. Nothing is sent while the name is not known; then the arguments follow character by
    character. A `Reader` turns this into parts; however the text is cut, they say the same.
    """)
    return


@app.cell
def _(written):
    _reader = Reader(hermes_calls)
    parts = [part for character in written for part in _reader.push(character)] + _reader.finish()
    assert joined(parts) == hermes_calls(written)
    assert [part.index for part in parts if isinstance(part, Begin)] == [0], "calls are numbered from 0"
    mo.md(f"{len(written)} characters came one by one, **{len(parts)}** parts were sent on.")
    return (parts,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - move *tokens that came* over the emoji: the careless text shows a replacement character for each byte, and never loses it again
    - move *characters that came* to 15: the beginning of the mark is held back; to 45: the name is out and the arguments begin
    - serve a model with `groundup serve runs/demo/model` and watch a stream: `curl -N localhost:8000/v1/completions -H 'content-type:
      application/json' -d '{"prompt": "Anna", "stream": true}'`

    Write it yourself: `groundup learn start sse_events`, and then `hermes_calls` and `template_messages`
    """)
    return


if __name__ == "__main__":
    app.run()
