"""Lesson: one answer in three dialects: Anthropic's Messages and OpenAI's Responses over the same request, and routes that give numbers."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One answer, three dialects", width="medium")

with app.setup:
    import json
    from collections import Counter

    import marimo as mo

    from groundup import plots
    from groundup.inference.engine import EngineConfig
    from groundup.inference.handle import Handle
    from groundup.lessons import drawn_model
    from groundup.serving.api.inside import in_process
    from groundup.serving.api.models import Models
    from groundup.serving.api.more import ROUTES
    from groundup.serving.api.service import Service
    from groundup.serving.api.sse import sse_events
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One answer, three dialects

    A conversation can be asked for in OpenAI's chat, in Anthropic's Messages or in OpenAI's Responses. The words differ, the request to the
    engine does not. Afterwards you can translate between them, and know the routes that give numbers in place of text. How the chat
    itself works is a lesson of its own: `groundup learn lesson serving.api.openai`.
    """)
    return


@app.cell
def _():
    _text = ["the cat sat on the mat and the dog sat on the log", "a cat has a hat and a dog has a frog"]
    tokenizer = train_tokenizer(_text, TokenizerConfig(vocab_size=284))

    def _service():
        """A server's state with one tiny random model, always the same; nothing listens on a port."""
        handle = Handle(drawn_model(284), tokenizer)
        return Service(Models({"tiny": "tiny"}, loader=lambda _: handle, config=EngineConfig(compiled=None)))

    def asked(*wishes):
        """What one server answers to (path, body), one after another; of a stream its events."""

        async def work(client, _):
            return [await client.post(path, json=body) for path, body in wishes]

        def read(response):
            return sse_events(response.text) if response.text.startswith(("data:", "event:")) else response.json()

        return [read(response) for response in in_process(_service, work)]

    own = len({path.removeprefix("/v1") for path, *_ in ROUTES})
    mo.md(f"Beside OpenAI's own routes this server answers **{own}** more.")
    return asked, own, tokenizer


@app.cell
def _(own):
    assert own == 11 and sum(len(one) == 5 for one in ROUTES) == 2, "two of them in Anthropic's form"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same question three times

    The system's words are a message in the chat, a field `system` in Messages, `instructions` in Responses. Each
    translation ends at one prompt, so with temperature 0 the three must say the same and count the same. Only Messages
    counts what the cache knew apart, in `cache_read_input_tokens`; the others count it in.
    """)
    return


@app.cell
def _(asked):
    _user = [{"role": "user", "content": "the dog sat on"}]
    bodies = {
        "/v1/chat/completions": {"messages": [{"role": "system", "content": "a cat"}, *_user], "max_tokens": 16},
        "/v1/messages": {"system": "a cat", "messages": _user, "max_tokens": 16},
        "/v1/responses": {"instructions": "a cat", "input": "the dog sat on", "max_output_tokens": 16},
    }
    bodies = {path: body | {"model": "tiny", "temperature": 0} for path, body in bodies.items()}
    _chat, _messages, _responses = asked(*bodies.items())
    same = {
        "/v1/chat/completions": (
            _chat["choices"][0]["message"]["content"],
            *(_chat["usage"][name] for name in ("prompt_tokens", "completion_tokens")),
            _chat["choices"][0]["finish_reason"],
        ),
        "/v1/messages": (
            _messages["content"][0]["text"],
            _messages["usage"]["input_tokens"] + _messages["usage"]["cache_read_input_tokens"],
            _messages["usage"]["output_tokens"],
            _messages["stop_reason"],
        ),
        "/v1/responses": (
            _responses["output"][0]["content"][0]["text"],
            *(_responses["usage"][name] for name in ("input_tokens", "output_tokens")),
            _responses["incomplete_details"]["reason"],
        ),
    }
    mo.md(
        "| route | text | read | written | why it ended |\n|---|---|---:|---:|---|\n"
        + "\n".join(
            f"| {path} | `{text!r}` | {read} | {new} | {why} |" for path, (text, read, new, why) in same.items()
        )
    )
    return bodies, same


@app.cell
def _(same):
    assert len({told[:3] for told in same.values()}) == 1, "one text, one bill"
    assert [told[3] for told in same.values()] == ["length", "max_tokens", "max_output_tokens"]
    return


@app.cell
def _(asked, bodies, same):
    _asked = {name: bodies["/v1/messages"][name] for name in ("model", "system", "messages")}
    _counted, _shown = asked(
        ("/v1/messages/count_tokens", _asked),
        ("/tokenize", {"messages": bodies["/v1/chat/completions"]["messages"]}),
    )
    assert _counted["input_tokens"] == _shown["count"] == same["/v1/messages"][1]
    mo.md(
        f"Without an answer, and without its price: `count_tokens` and `tokenize` say **{_shown['count']}** tokens too."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In pieces

    Streamed, they differ more. The chat sends chunks of one kind. The other two name their events and say where each part begins
    and ends, so that a client may build an answer of several parts. Choose a dialect.
    """)
    return


@app.cell
def _(bodies):
    dialect = mo.ui.dropdown(list(bodies), value="/v1/messages", label="route")
    dialect
    return (dialect,)


@app.cell
def _(asked, bodies, dialect):
    (_events,) = asked((dialect.value, bodies[dialect.value] | {"stream": True}))
    kinds = dict(Counter(name for name, _ in _events))

    def _words(data):
        """The piece of the answer that an event brings, in any of the three."""
        told = {} if data == "[DONE]" else json.loads(data)
        delta = told.get("delta") or (told.get("choices") or [{}])[0].get("delta") or {}
        return delta if isinstance(delta, str) else delta.get("content") or delta.get("text") or ""

    heard = "".join(_words(data) for _, data in _events)
    plots.value_bars(
        {"events": kinds},
        y="events",
        title=f"{dialect.value}: {len(_events)} events of {len(kinds)} kinds for one answer",
    )
    return heard, kinds


@app.cell
def _(dialect, heard, kinds, same):
    assert heard == same[dialect.value][0], "joined, they are the whole"
    assert (len(kinds) == 1) == (dialect.value == "/v1/chat/completions")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same mistake

    An error too has each API's own form, for the client's library reads it. Each sentence names the field; what
    a field may be is each API's own too: Anthropic's temperature ends at 1, OpenAI's at 2.
    """)
    return


@app.cell
def _(asked, bodies):
    mistakes = dict(
        zip(bodies, asked(*((path, body | {"temperature": 9}) for path, body in bodies.items())), strict=True)
    )
    mo.md("\n\n".join(f"{path}: `{json.dumps(told)}`" for path, told in mistakes.items()))
    return (mistakes,)


@app.cell
def _(mistakes):
    assert all("'temperature'" in told["error"]["message"] for told in mistakes.values())
    assert [told.get("type") for told in mistakes.values()] == [None, "error", None]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Numbers in place of text

    `rerank` puts documents in the order of their nearness to a query, `score` gives nearness of pairs. A model without a head for
    it compares the vectors of the texts. Choose the query; a random model sees little but which tokens are alike.
    """)
    return


@app.cell
def _():
    query = mo.ui.dropdown(["the cat sat", "a frog", "the log"], value="the cat sat", label="query")
    query
    return (query,)


@app.cell
def _(asked, query):
    documents = ["a frog", "the cat sat", "a dog has a hat", "the log"]
    _reranked, _scored, _best = asked(
        ("/rerank", {"query": query.value, "documents": documents}),
        ("/score", {"text_1": query.value, "text_2": documents}),
        ("/rerank", {"query": query.value, "documents": documents, "top_n": 1}),
    )
    ranked = {one["document"]["text"]: one["relevance_score"] for one in _reranked["results"]}
    scored = {text: one["score"] for text, one in zip(documents, _scored["data"], strict=True)}
    best = [one["document"]["text"] for one in _best["results"]]
    plots.value_bars({"nearness": ranked}, y="cosine", title=f"Nearest to '{query.value}': {best[0]}")
    return best, documents, ranked, scored


@app.cell
def _(best, query, ranked, scored):
    assert best == [query.value] and abs(ranked[query.value] - 1) < 1e-4, "a text is nearest to itself"
    assert list(ranked.values()) == sorted(ranked.values(), reverse=True)
    assert all(abs(ranked[text] - number) < 1e-5 for text, number in scored.items())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Ask the same three in another order: in which answer do `cache_read_input_tokens` or `cached_tokens` stand at 0?
    - Put a beginning of an answer as the last message of `/v1/messages`, with role assistant: the model goes on with it.
    - Serve a model and let Anthropic's own client ask: `groundup serve runs/demo/model`.

    Write the pieces: `groundup learn start template_messages`, then `groundup learn start hermes_calls`
    """)
    return


if __name__ == "__main__":
    app.run()
