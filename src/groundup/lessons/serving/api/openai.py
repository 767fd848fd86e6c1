"""Lesson: a chat completion: JSON becomes one request to the engine, and what the engine writes becomes JSON, or the same in pieces."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A chat completion: JSON in, JSON or events out", width="medium")

with app.setup:
    import json
    import math

    import marimo as mo

    from groundup import plots
    from groundup.inference.engine import EngineConfig
    from groundup.inference.handle import Handle
    from groundup.lessons import drawn_model
    from groundup.serving.api import chat
    from groundup.serving.api.body import checked
    from groundup.serving.api.chat_fields import ChatFields
    from groundup.serving.api.inside import in_process
    from groundup.serving.api.models import Models
    from groundup.serving.api.openai import ROUTES
    from groundup.serving.api.service import Caller, Service
    from groundup.serving.api.sse import sse_events
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A chat completion: JSON in, JSON or events out

    Thousands of programs speak one dialect: OpenAI's. A server that speaks it too can stand where theirs stood. Afterwards you can follow
    a conversation into the one request that the engine knows, put a stream together again, check the bill, and say why a good refusal
    names a field. The bytes of a stream are a lesson of their own: `groundup learn lesson sse`.
    """)
    return


@app.cell
def _():
    _text = ["the cat sat on the mat and the dog sat on the log", "a cat has a hat and a dog has a frog"]
    tokenizer = train_tokenizer(_text, TokenizerConfig(vocab_size=284))
    talk = [{"role": "system", "content": "a cat"}, {"role": "user", "content": "the dog sat on"}]
    said = sum(len(tokenizer.encode(message["content"])) for message in talk)
    prompt = tokenizer.apply_chat_template(talk, add_generation_prompt=True)
    mo.md(
        f"Two messages of {said} tokens become a prompt of **{len(prompt)}** tokens: a model reads one text, so the template "
        f"writes who speaks into it, and begins the answer.\n\n```\n{tokenizer.decode(prompt)}\n```"
    )
    return prompt, said, talk, tokenizer


@app.cell
def _(prompt, said, talk, tokenizer):
    assert len(prompt) > said and tokenizer.decode(prompt).rstrip().endswith("assistant")
    assert all(message["content"] in tokenizer.decode(prompt) for message in talk)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One request inside

    The routes differ in their words alone. Each reads its fields, checks them, and makes the engine's `Request`: ids,
    how to draw, which tokens end it, whose it is. Below the route's own function, `begin`, on a server in this process with a tiny random model.
    """)
    return


@app.cell
def _(tokenizer):
    def service():
        """A server's state with one tiny random model, always the same; nothing listens on a port."""
        handle = Handle(drawn_model(284), tokenizer)
        return Service(Models({"tiny": "tiny"}, loader=lambda _: handle, config=EngineConfig(compiled=None)))

    return (service,)


@app.cell
def _(service, talk):
    body = {"model": "tiny", "messages": talk, "max_tokens": 24, "temperature": 0.8, "seed": 3, "stop": ["zz"]}

    async def _begun(_client, server):
        return (await chat.begin(server, checked(body, ChatFields), Caller("anna"))).requests

    (inside,) = in_process(service, _begun)
    _shown = {
        "prompt_ids": f"{len(inside.prompt_ids)} of them",
        "sampling": f"temperature {inside.sampling.temperature:g}, seed {inside.sampling.seed}, at most {inside.sampling.max_new_tokens}",
        "stop_ids": sorted(inside.stop_ids),
        "key": inside.key,
    }
    mo.md("| the engine's field | value |\n|---|---|\n" + "\n".join(f"| {name} | {v} |" for name, v in _shown.items()))
    return body, inside


@app.cell
def _(body, inside, prompt):
    assert list(inside.prompt_ids) == prompt and inside.key == "anna"
    assert (inside.sampling.seed, inside.sampling.max_new_tokens) == (body["seed"], body["max_tokens"])
    assert [path for path, *_ in ROUTES][:2] == ["/v1/completions", "/v1/chat/completions"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whole, and in pieces

    The same body twice, once with `"stream": true`. What comes back differs in its form: one object, or an event for each piece
    with a `delta`. With one seed the pieces must join to the whole.
    """)
    return


@app.cell
def _(service):
    def asked(*bodies, path="/v1/chat/completions"):
        """What a fresh server answers these, one after another: (status, object), or (status, list of chunks) of a stream."""

        async def work(client, _):
            return [await client.post(path, json=one) for one in bodies]

        def plain(told):
            """An answer without what is another each time."""
            return {name: value for name, value in told.items() if name not in ("id", "created")}

        def read(response):
            if not response.headers["content-type"].startswith("text/event-stream"):
                return response.status_code, plain(response.json())
            *chunks, last = [data for _, data in sse_events(response.text)]
            told = [json.loads(chunk) for chunk in chunks]
            assert last == "[DONE]" and len({chunk["id"] for chunk in told}) == 1, "one answer has one id"
            return response.status_code, [plain(chunk) for chunk in told]

        return [read(response) for response in in_process(service, work)]

    return (asked,)


@app.cell
def _():
    longest = mo.ui.slider(steps=[4, 8, 16, 32, 64], value=32, label="max_tokens", show_value=True)
    longest
    return (longest,)


@app.cell
def _(asked, body, longest):
    _body = body | {"max_tokens": longest.value}
    _streamed = _body | {"stream": True, "stream_options": {"include_usage": True}}
    (_, whole), (_, chunks) = asked(_body, _streamed)
    text = whole["choices"][0]["message"]["content"]
    deltas = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]]
    _so_far = [len("".join(deltas[: number + 1])) for number in range(len(deltas))]
    plots.lines(
        list(range(1, len(deltas) + 1)),
        {"joined pieces": _so_far},
        levels={"whole answer": len(text)},
        x="event",
        y="characters",
        marked=True,
        title=f"{whole['usage']['completion_tokens']} tokens in {len(deltas)} events; finish_reason {whole['choices'][0]['finish_reason']}",
    )
    return chunks, deltas, text, whole


@app.cell
def _(chunks, deltas, text, whole):
    assert "".join(deltas) == text and len(text) > 0
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant" and deltas[0] == "", "the role comes first"
    _reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]
    assert _reasons == [None] * (len(_reasons) - 1) + [whole["choices"][0]["finish_reason"]]
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"] is not None
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The first event has no words, only the role; some tokens make none, for half a character waits for its rest; the
    last has the reason. Why it ended matters to a client: `length` means that there would have been more.

    ## The bill

    `usage` counts tokens. In a stream it comes once, in an event of its own without a choice, and only for who asked. With `n` answers the
    prompt is read once and counted once; what is written is counted for each. Move `n`.
    """)
    return


@app.cell
def _():
    answers = mo.ui.slider(1, 5, value=3, label="n", show_value=True)
    answers
    return (answers,)


@app.cell
def _(answers, asked, body):
    _body = body | {"n": answers.value, "max_tokens": 12, "ignore_eos": True}
    ((_, several),) = asked(_body)
    bill = {name: several["usage"][name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
    plots.value_bars({"usage": bill}, y="tokens", title=f"n = {answers.value}: the prompt is counted once")
    return bill, several


@app.cell
def _(answers, bill, chunks, prompt, several, whole):
    assert bill["prompt_tokens"] == len(prompt) and bill["completion_tokens"] == 12 * answers.value
    assert bill["total_tokens"] == bill["prompt_tokens"] + bill["completion_tokens"]
    assert len({choice["message"]["content"] for choice in several["choices"]}) == answers.value, "each drew its own"
    _counts = ("prompt_tokens", "completion_tokens")
    assert all(chunks[-1]["usage"][name] == whole["usage"][name] for name in _counts), "whole and streamed: one bill"
    assert not any(chunk.get("usage") for chunk in chunks[:-1])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is refused

    A field that a server overlooks is worse than an error: the client believes that it was heard. So every field is used, known to be
    without effect, or refused, and the refusal has the field's name in `param` for the program and a way out for its reader.
    """)
    return


@app.cell
def _(asked, body):
    _wrong = {
        "temperature 3": {"temperature": 3},
        'temperature "0.7", a text': {"temperature": "0.7"},
        "temprature, a slip": {"temprature": 0.7},
        "an unknown role": {"messages": [{"role": "wizard", "content": "a"}]},
        "top_logprobs alone": {"top_logprobs": 2},
        "another model": {"model": "huge"},
        "a sound": {"audio": {"voice": "x"}},
    }
    refusals = dict(zip(_wrong, asked(*(body | change for change in _wrong.values())), strict=True))
    mo.md(
        "| asked | status | param | message |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {name} | {status} | {told['error']['param']} | {told['error']['message']} |"
            for name, (status, told) in refusals.items()
        )
    )
    return (refusals,)


@app.cell
def _(refusals):
    assert [status for status, _ in refusals.values()] == [400, 400, 400, 400, 400, 404, 400]
    _named = [told["error"]["param"] for _, told in refusals.values()]
    assert _named[:3] == ["temperature", "temperature", "temprature"] and _named[4:] == [
        "top_logprobs",
        "model",
        "audio",
    ]
    assert (
        _named[3].startswith("messages")
        and "did you mean temperature?" in refusals["temprature, a slip"][1]["error"]["message"]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How sure it was, and what it may say

    `logprobs` gives the log-probability of every token that was written. A client can lay down the form of an answer too: with a schema
    in `response_format` even this model, which has learned nothing, writes JSON that a program can read, for only tokens that fit are drawn.
    """)
    return


@app.cell
def _(asked, body):
    _schema = {
        "type": "object", "properties": {"animal": {"enum": ["cat", "dog", "frog"]}, "sat": {"type": "boolean"}},
        "required": ["animal", "sat"], "additionalProperties": False,
    }  # fmt: skip
    _format = {"type": "json_schema", "json_schema": {"name": "seen", "schema": _schema}}
    (_, _free), (_, formed) = asked(
        body | {"temperature": 0, "logprobs": True, "top_logprobs": 3, "max_tokens": 8},
        body | {"response_format": _format, "max_tokens": 80},
    )
    written = _free["choices"][0]["logprobs"]["content"]
    answer = json.loads(formed["choices"][0]["message"]["content"])
    _likely = math.exp(sum(one["logprob"] for one in written))
    mo.md(f"The likeliest eight tokens in a row have a probability of {_likely:.1e}. In the form: **{answer}**.")
    return answer, formed, written


@app.cell
def _(answer, formed, written):
    assert all(one["logprob"] == max(top["logprob"] for top in one["top_logprobs"]) <= 0 for one in written)
    assert answer["animal"] in ("cat", "dog", "frog") and isinstance(answer["sat"], bool) and len(answer) == 2
    assert formed["choices"][0]["finish_reason"] == "stop"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Add `"stop": ["a"]` to `body`: nothing of a stop string is ever sent, in pieces neither.
    - Leave the seed out, and ask twice: why can the pieces no longer be held against the whole?
    - Let OpenAI's own client ask: `groundup serve runs/demo/model`, and `OpenAI(base_url="http://localhost:8000/v1", api_key="none")`.

    Write the pieces: `groundup learn start template_messages`, then `groundup learn start sse_events`
    """)
    return


if __name__ == "__main__":
    app.run()
