"""From one tokenizer file to another: tokenizer.json, tiktoken's ranks, SentencePiece's .model, GPT-2's and BERT's files.

tokenizer.json holds everything and is the way out for all. The others hold a vocabulary alone: what they cannot say (how texts are cut, special
tokens, a normaliser) their readers must know, so a tokenizer is written only where nothing would silently be another: byte-level BPE whose
ids rise with the order of the merges as ranks, byte-level BPE as vocab.json and merges.txt, WordPiece as vocab.txt, what has SentencePiece's
normaliser and pieces as .model. All else is refused with the reason.
"""

import json
from collections.abc import Callable
from pathlib import Path

from groundup import files
from groundup.errors import InputError
from groundup.text.tokenizers import sentencepiece_model, tiktoken_ranks
from groundup.text.tokenizers.byte_characters import byte_characters
from groundup.text.tokenizers.byte_level import ByteLevelTokenizer
from groundup.text.tokenizers.tokenizer import Tokenizer
from groundup.text.tokenizers.wordpiece import WordPiece


def _refusal(tokenizer: Tokenizer, path: Path, why: str) -> InputError:
    return InputError(
        f"{tokenizer!r} cannot be written as {path.name}: {why}; write a tokenizer.json (a folder as target)"
    )


def _byte_level(tokenizer: Tokenizer, path: Path) -> ByteLevelTokenizer:
    if not isinstance(tokenizer, ByteLevelTokenizer):
        raise _refusal(tokenizer, path, "it is not byte-level BPE")
    if tokenizer.normalizer is not None:
        raise _refusal(tokenizer, path, "it has a normaliser, which this form cannot say")
    return tokenizer


def write_ranks(tokenizer: Tokenizer, path: Path) -> str:
    """tiktoken's form: a line for each token, its bytes in base 64 and its id, which is also the order of merging.

    Returns what a reader must be told besides: the pattern and the special tokens.
    """
    plain = _byte_level(tokenizer, path)
    if not isinstance(plain, tiktoken_ranks.RankTokenizer):
        merged = [plain.vocabulary[left + right] for left, right in plain.merges]
        if merged != sorted(merged) or len(merged) != len(plain.vocabulary) - 256:
            raise _refusal(tokenizer, path, "its ids do not rise in the order of its merges")
    tiktoken_ranks.write_ranks(path, plain.vocabulary)
    return f"a reader needs pattern={plain.pattern!r} and special_tokens={json.dumps(plain.special_tokens)}"


def write_merges(tokenizer: Tokenizer, path: Path) -> str:
    """GPT-2's form: vocab.json with every token's id, and merges.txt beside it with a merge a line."""
    plain = _byte_level(tokenizer, path)
    if isinstance(plain, tiktoken_ranks.RankTokenizer):
        raise _refusal(tokenizer, path, "it has ranks and no list of merges")
    letters = byte_characters()

    def spell(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    vocabulary = {spell(token): id for token, id in plain.vocabulary.items()} | plain.special_tokens
    lines = "".join(f"{spell(left)} {spell(right)}\n" for left, right in plain.merges)
    files.write_json(path.with_name("vocab.json"), dict(sorted(vocabulary.items(), key=lambda item: item[1])))
    files.write_text(path.with_name("merges.txt"), "#version: 0.2\n" + lines)
    return "" if plain.pattern == "gpt2" else f"a reader needs pattern={plain.pattern!r}, which this form does not say"


def write_vocabulary(tokenizer: Tokenizer, path: Path) -> str:
    """BERT's form: a token a line, its id the line's number."""
    model = getattr(tokenizer, "model", None)
    if not isinstance(model, WordPiece) or model.continuing_subword_prefix != "##":
        raise _refusal(tokenizer, path, "it is no WordPiece with the prefix ##")
    whole = model.vocabulary | tokenizer.special_tokens
    in_order = sorted(whole, key=whole.__getitem__)
    if sorted(whole.values()) != list(range(len(whole))) or any("\n" in token or "\r" in token for token in in_order):
        raise _refusal(tokenizer, path, "its ids have gaps, or a token holds a line's end")
    files.write_text(path, "".join(token + "\n" for token in in_order))
    lower = getattr(tokenizer.normalizer, "lowercase", None)
    return f"a reader needs do_lower_case={lower}" if lower is not None else ""


def write_sentencepiece(tokenizer: Tokenizer, path: Path) -> str:
    """SentencePiece's form, for what came from it or was trained in its way."""
    sentencepiece_model.write_model(tokenizer, path)
    return ""


def write_folder(tokenizer: Tokenizer, path: Path) -> str:
    """tokenizer.json and tokenizer_config.json, in a folder."""
    tokenizer.save(path.parent if path.name == "tokenizer.json" else path)
    return ""


WRITERS: dict[str, Callable[[Tokenizer, Path], str]] = {
    "tokenizer.json": write_folder,
    "vocab.json": write_merges,
    "merges.txt": write_merges,
    "vocab.txt": write_vocabulary,
    ".tiktoken": write_ranks,
    ".model": write_sentencepiece,
}


def convert(tokenizer: Tokenizer, path: str | Path) -> str:
    """Write a tokenizer in the form that the target's name says; a name without an ending is a folder with tokenizer.json.

    Returns what the form cannot hold and a reader must be told; "" where it holds everything.
    """
    path = Path(path)
    writer = WRITERS.get(path.name) or WRITERS.get(path.suffix)
    if writer is None and path.suffix:
        raise InputError(
            f"{path.name} is no form that a tokenizer can be written in; name a folder, NAME.tiktoken, NAME.model, vocab.json (with merges.txt) or vocab.txt"
        )
    return (writer or write_folder)(tokenizer, path)
