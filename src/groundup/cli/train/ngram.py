"""`groundup train ngram`: count the tokens of a text and smooth the counts (`text.ngram`)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.cli.train.making import Making
from groundup.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class NgramOptions(Making):
    """count what follows what"""

    text: Path
    """your own text: a file, a folder or JSON lines with the key text"""
    heldout: Path | None = None
    """text to measure on; left out: about a twenty-fifth of --text, which is not counted"""
    order: int = 5
    """tokens that are looked at together"""
    smoothing: str = "modified_kneser_ney"
    """kneser_ney, katz, witten_bell, jelinek_mercer, good_turing, add_k, absolute ..."""
    k: float | None = None
    """add_k: what is added to each count"""
    tokenizer: Path | None = None
    """a tokenizer folder; left out: one of --vocab-size tokens is trained on the same text"""
    words: bool = False
    """count words in place of a tokenizer's tokens; those seen less than --min-count times are one unknown word"""
    vocab_size: int | None = None
    """how many tokens, or words, there are; left out: 4,096 tokens, or all words"""
    min_count: int | None = None
    """how often a word has to be seen; left out: 2"""


def train_ngram(options: NgramOptions) -> None:
    """Count, save, score the held-out text."""
    from groundup.cli.train import making
    from groundup.progress import progress
    from groundup.text.ngram import language

    making.free(options.out)
    config = _config(options)
    train, heldout = making.texts(options.text, options.heldout)

    def counted() -> Any:
        with progress(5, "n-grams", "steps") as bar:
            tokenizer = _tokenizer(options, train)
            bar.update(1)
            return language.train(train, config, tokenizer, progress=lambda step: bar.update(1, now=step))

    told = {"order": options.order, "smoothing": options.smoothing, "training_bytes": _bytes(train)}
    making.make(
        options, "ngram", counted, lambda model: measured(model, heldout), **told,
        vocabulary=lambda model: model.model.vocab_size, ngrams=lambda model: len(model.model.words) - 1,
    )  # fmt: skip


def measured(model: Any, texts: list[str]) -> dict[str, Any]:
    """Bits a byte, perplexity; of words the share that is unknown, with the note that bits of words compare with bits of words only."""
    found = {"bits_per_byte": model.bits_per_byte(texts), "perplexity": model.perplexity(texts), "bytes": _bytes(texts)}
    if (unknown := getattr(model.tokenizer, "unk_token_id", None)) is not None:
        ids = model.tokenizer.encode_packed(texts)[0]
        found["unknown_share"] = float((ids == unknown).mean()) if len(ids) else 0.0
        found["note"] = "of words alone: spaces, and how unknown words are spelled, cost nothing"
    return found


def _bytes(texts: list[str]) -> int:
    return sum(len(text.encode(errors="surrogatepass")) for text in texts)


def _config(options: NgramOptions) -> Any:
    """What counting is told, all checks made."""
    from groundup.cli.train import making
    from groundup.text.ngram.language import NgramConfig

    if options.words and options.tokenizer is not None:
        raise ConfigError("--words and --tokenizer both say what is counted; leave one of them out")
    if options.min_count is not None and not options.words:
        raise ConfigError("--min-count is about words; use it with --words, or leave it out")
    if options.vocab_size is not None and options.tokenizer is not None:
        raise ConfigError("--vocab-size is that of the tokenizer given; leave it out")
    if options.k is not None and options.smoothing != "add_k":
        raise ConfigError(f"--k is about --smoothing add_k, not {options.smoothing}; leave it out")
    flags = {name: getattr(options, name) for name in ("order", "smoothing", "k", "min_count")}
    return making.given(NgramConfig, flags | {"vocab_size": options.vocab_size if options.words else None}, "n-grams")


def _tokenizer(options: NgramOptions, texts: list[str]) -> Any:
    """The tokenizer given or trained; None for words."""
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer
    from groundup.text.tokenizers.formats import load_tokenizer

    if options.words:
        return None
    if options.tokenizer is not None:
        return load_tokenizer(options.tokenizer)
    return train_tokenizer(texts, TokenizerConfig(vocab_size=options.vocab_size or 4096))
