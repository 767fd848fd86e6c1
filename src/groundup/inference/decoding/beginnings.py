"""Prompts that ask for a certain kind of continuation: an answer that has begun, and the middle between two texts.

    continued     the chat up to a last message of the assistant, which stays open: the model goes on where it ends
    fill-in       <prefix> before <suffix> after <middle>    or, with order "spm",    <prefix> <suffix> after <middle> before

A started answer holds the model to a form (`{"`, "Yes, because") without any constraint. Filling in needs a model that was trained on texts whose
middle was moved to the end (`training.objectives.fill_in_middle`), and the control tokens of its tokenizer, which each family names otherwise.
Bavarian et al. 2022, arXiv:2207.14255, section 3 and appendix D (SPM in the form of their variant 2).
Left out: token healing. A beginning that ends within a word is continued from its own cut of tokens, which the model may not be used to.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from groundup.errors import InputError

FILL_IN = (  # prefix, suffix, middle: the tokens with which families ask for a middle
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),  # Qwen, OpenAI's code models, groundup's own runs
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),  # StarCoder, SmolLM
    ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),  # SantaCoder
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),  # DeepSeek Coder
    ("▁<PRE>", "▁<SUF>", "▁<MID>"),  # Code Llama
    ("<|prefix|>", "<|suffix|>", "<|middle|>"),
)


def continued(tokenizer: Any, messages: Sequence[Mapping[str, Any]], **variables: Any) -> list[int]:
    """The ids of a chat whose last message, the assistant's, is not finished; what the model writes is its rest. variables: of the template."""
    if not messages or messages[-1].get("role") != "assistant":
        role = messages[-1].get("role") if messages else "nothing"
        raise InputError(
            f"the last message is that of {role}, so there is no answer to continue; end with a message of the assistant"
        )
    *before, last = messages
    if not before:
        raise InputError("the answer to continue answers nothing; put a message of the user before it")
    if not isinstance(last.get("content"), str):
        raise InputError("the answer to continue has no text; give its beginning as content")
    ids = tokenizer.apply_chat_template(before, add_generation_prompt=True, **variables)
    return [*ids, *tokenizer.encode(last["content"])]


def fill_in_marks(tokenizer: Any) -> tuple[int, int, int]:
    """The ids of a tokenizer's tokens for prefix, suffix and middle."""
    known = tokenizer.special_tokens
    for names in FILL_IN:
        if all(name in known for name in names):
            prefix, suffix, middle = (known[name] for name in names)
            return prefix, suffix, middle
    raise InputError(
        f"this tokenizer has no tokens for filling in a middle, such as {', '.join(FILL_IN[0])}; use a model that was trained to fill in, "
        "or train one with train.objective = 'fill_in_middle'"
    )


def fill_in(tokenizer: Any, before: str, after: str, order: str = "psm") -> list[int]:
    """The ids of a prompt that asks for the text between two others; the answer ends with the token that ends a text."""
    if order not in ("psm", "spm"):
        raise InputError(f"order={order!r} is none of the two; use 'psm', or 'spm', where the beginning comes last")
    prefix, suffix, middle = fill_in_marks(tokenizer)
    start = tokenizer.encode_prompt("")
    head, tail = tokenizer.encode(before), tokenizer.encode(after)
    if order == "psm":
        return [*start, prefix, *head, suffix, *tail, middle]
    return [*start, prefix, suffix, *tail, middle, *head]
