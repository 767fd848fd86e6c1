"""A conversation to the ids of a prompt.

A template that has no place for tools is told of them in the system message, as Hermes' models are (`tool_formats`). The last message may be
an answer that was begun (`continue_final_message`, Anthropic's prefill): then the prompt ends with its words, and the model goes on.

Control tokens come from the template alone; one that stands in a message is text (`text/tokenizers/special_tokens.py`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from groundup.inference.decoding.beginnings import continued
from groundup.serving.api.conversation import ROLES, template_messages
from groundup.serving.api.errors import bad
from groundup.serving.api.models import THINKING, Served
from groundup.serving.api.tool_formats.calls import Call, describe

OURS = {"self", "tokenizer", "messages", "add_generation_prompt", "tokenize", "return_assistant_mask"}  # no template's


def chat_prompt(
    served: Served,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[dict[str, Any]] = (),
    *,
    go_on: bool = False,
    generation_prompt: bool = True,
    variables: Mapping[str, Any] | None = None,
) -> list[int]:
    """The ids of a conversation; go_on: the last message is an answer that was begun."""
    if not served.template:
        raise bad(
            f"the model '{served.name}' has no chat template, so it only continues text; use /v1/completions, or tune it with `groundup tune`",
            "messages",
        )
    written = template_messages(
        messages, [role for role in ROLES if f"'{role}'" in served.template or f'"{role}"' in served.template]
    )
    names = dict(variables or {})
    if tools and "tools" in served.template:
        names["tools"] = list(tools)
    elif tools:
        written = told_of_tools(served, written, tools)
    if taken := names.keys() & OURS:
        raise bad(f"chat_template_kwargs may not set {', '.join(sorted(taken))}; leave it out", "chat_template_kwargs")
    if go_on:
        return continued(served.tokenizer, written, **names)
    ids: list[int] = served.tokenizer.apply_chat_template(written, add_generation_prompt=generation_prompt, **names)
    return ids


def told_of_tools(
    served: Served, written: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The conversation for a template that knows no tools: the system message describes them, calls and results are text."""
    first = written[0]["content"] + "\n\n" if written and written[0]["role"] == "system" else ""
    told = [{"role": "system", "content": first + describe(tools)}]
    for message in written[1:] if first or (written and written[0]["role"] == "system") else written:
        content = message["content"]
        if calls := message.get("tool_calls"):
            functions = [call["function"] for call in calls]
            texts = [
                one["arguments"] if isinstance(one["arguments"], str) else json.dumps(one["arguments"])
                for one in functions
            ]
            content += served.tool_format.write(
                [Call(one["name"], text) for one, text in zip(functions, texts, strict=True)]
            )
        if message["role"] == "tool":
            content = f"<tool_response>\n{content}\n</tool_response>"
        told.append({"role": "user" if message["role"] == "tool" else message["role"], "content": content})
    return told


def opened_thinking(served: Served, ids: Sequence[int]) -> bool:
    """Whether the prompt ends inside thinking that the template has opened."""
    if not served.thinks:
        return False
    end = served.tokenizer.decode(list(ids[-16:])).rstrip()
    return bool(end.endswith(THINKING[0]))


def text_prompt(served: Served, prompt: str | Sequence[int], add_special_tokens: bool = True) -> list[int]:
    """The ids of a completion's prompt, given as text or as ids."""
    if not isinstance(prompt, str):
        vocab = served.handle.config.vocab_size
        wrong = next((id for id in prompt if not 0 <= id < vocab), None)
        if wrong is not None:
            raise bad(
                f"the prompt holds the id {wrong} but the vocabulary has {vocab} tokens; use ids from 0 to {vocab - 1}",
                "prompt",
            )
        return list(prompt)
    ids: list[int] = served.tokenizer.encode_prompt(prompt) if add_special_tokens else served.tokenizer.encode(prompt)
    return ids
