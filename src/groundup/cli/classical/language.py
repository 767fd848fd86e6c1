"""Counts and recurrent networks that write: a text scored, what may follow, a continuation."""

from pathlib import Path
from typing import Any

from groundup.cli.classical.inspecting import Shown
from groundup.cli.classical.questions import Questions

NGRAM_FLAGS = ("max_new_tokens", "temperature", "seed")
TOKENS, CHARACTERS = 100, 300  # written, where nothing is said


def answer(model: Any, questions: Questions) -> Shown:
    """A text's score and, of n-grams, what may follow a sentence."""
    from groundup.cli import show

    found: dict[str, Any] = {}
    if questions.text is not None:
        found["score"] = {"text": str(questions.text), **scored(model, questions.text)}
    if questions.sentence is not None:
        found["expected"] = model.expected(questions.sentence)

    def print_it() -> None:
        if told := found.get("score"):
            rows = [[name.replace("_", " "), show.number(value)] for name, value in told.items() if name != "text"]
            show.table(told["text"], ["", ""], rows)
        if "expected" in found:
            rows = [[repr(token), f"{chance:.4f}"] for token, chance in found["expected"]]
            show.table(f"after {questions.sentence!r}", ["token", "probability"], rows)

    return found, print_it


def scored(model: Any, path: Path) -> dict[str, Any]:
    """Bits a byte of a file's or folder's text, and what else the model says."""
    from groundup.cli.train import ngram, recurrent
    from groundup.data.sources.files import documents

    texts = [one.text for one in documents(path)]
    return recurrent.measured(model, "\n\n".join(texts)) if hasattr(model, "module") else ngram.measured(model, texts)


def write(model: Any, path: Path, model_type: str, prompt: str, sampling: dict[str, Any]) -> str:
    """Go on with a prompt; the continuation alone. sampling: what the user asked for."""
    from groundup.errors import ConfigError

    known = NGRAM_FLAGS if model_type == "ngram" else (*NGRAM_FLAGS, "top_k", "top_p", "min_p", "repetition_penalty")
    for name in sampling:
        if name not in known:
            flags = ", ".join(f"--{one.replace('_', '-')}" for one in known)
            raise ConfigError(f"--{name.replace('_', '-')} is not for {path}, which takes {flags}; leave it out")
    amount = sampling.pop("max_new_tokens", TOKENS if model_type == "ngram" else CHARACTERS)
    if amount < 1:
        raise ConfigError(f"max_new_tokens={amount} is not possible; use 1 or more")
    if model_type != "ngram":
        return model.generate(prompt, amount, **sampling)
    written = model.generate(prompt, amount, **sampling)
    return written.removeprefix(model.tokenizer.decode(model.tokenizer.encode(prompt)))
