"""Small tokenizers in the shapes of published families, made by Hugging Face `tokenizers` from a corpus."""

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN.replace(r"\p{N}|", r"\p{N}{1,3}|", 1)


def _splits(pattern: str) -> Any:
    from tokenizers import Regex, pre_tokenizers

    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level])


def _train(tokenizer: Any, corpus: Iterable[str], trainer: str, **options: Any) -> Any:
    from tokenizers import trainers

    options = {"vocab_size": 600, "show_progress": False} | options
    tokenizer.train_from_iterator(corpus, getattr(trainers, trainer)(**options))
    return tokenizer


def bert(corpus: list[str]) -> Any:
    """BertNormalizer, BertPreTokenizer, WordPiece, [CLS] A [SEP] B [SEP]."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    _train(made, corpus, "WordPieceTrainer", special_tokens=special)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.decoder = decoders.WordPiece()
    return made


def gpt2(corpus: list[str]) -> Any:
    """Byte-level BPE by GPT-2's pattern."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder, made.post_processor = decoders.ByteLevel(), processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return _train(made, corpus, "BpeTrainer", special_tokens=["<|endoftext|>"], initial_alphabet=alphabet)


def roberta(corpus: list[str]) -> Any:
    """GPT-2's with <s> A </s></s> B </s> and a mask that swallows the blank before it."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _train(made, corpus, "BpeTrainer", special_tokens=special, initial_alphabet=alphabet)
    made.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    made.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=False, add_prefix_space=False
    )
    return made


def llama3(corpus: list[str]) -> Any:
    """Llama 3's pattern, pieces looked up whole, <|begin_of_text|> before a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    made = Tokenizer(models.BPE(ignore_merges=True))
    made.pre_tokenizer, made.decoder = _splits(LLAMA3), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _train(made, corpus, "BpeTrainer", initial_alphabet=alphabet)
    raw = json.loads(made.to_str())  # a token that no merge makes: only `ignore_merges` gives it
    raw["model"]["vocab"]["Ġzebra"] = len(raw["model"]["vocab"])
    made = Tokenizer.from_str(json.dumps(raw))
    made.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"])
    begin = ("<|begin_of_text|>", made.token_to_id("<|begin_of_text|>"))
    made.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single=f"{begin[0]} $A", pair=f"{begin[0]} $A {begin[0]}:1 $B:1", special_tokens=[begin]
            ),
        ]
    )
    return made


def qwen(corpus: list[str]) -> Any:
    """NFC, Qwen 2's pattern, and tokens that are no control tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.BPE())
    made.normalizer, made.pre_tokenizer, made.decoder = normalizers.NFC(), _splits(QWEN), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _train(made, corpus, "BpeTrainer", initial_alphabet=alphabet)
    made.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    made.add_tokens([AddedToken(token, normalized=False) for token in ("<think>", "</think>", "<tool_call>")])
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    return made


def llama2(corpus: list[str]) -> Any:
    """BPE over characters with bytes for the rest, ▁ for blanks and before the text, <s> A."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")  # for training only: words
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    _train(made, corpus, "BpeTrainer", special_tokens=special, vocab_size=700, limit_alphabet=60)
    raw = json.loads(made.to_str())
    raw["pre_tokenizer"], raw["model"]["byte_fallback"] = None, True
    raw["added_tokens"] = [token for token in raw["added_tokens"] if not token["content"].startswith("<0x")]
    made = Tokenizer.from_str(json.dumps(raw))
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)]
    )
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return made


def phi3(corpus: list[str]) -> Any:
    """Llama 2's with marks that swallow the white space behind them."""
    from tokenizers import AddedToken

    made = llama2(corpus)
    made.add_special_tokens([AddedToken(f"<|{name}|>", rstrip=True) for name in ("user", "assistant", "end", "system")])
    return made


def gemma(corpus: list[str]) -> Any:
    """Blanks to ▁ and nothing before the text; tokens of several blanks and line ends."""
    from tokenizers import AddedToken, Tokenizer, pre_tokenizers

    raw = json.loads(llama2(corpus).to_str())
    raw["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    raw["decoder"]["decoders"].pop()
    made = Tokenizer.from_str(json.dumps(raw))
    made.add_tokens([AddedToken(token, normalized=False) for token in ("\n\n", "▁▁▁", "\t")])
    made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    return made


def _unigram(corpus: list[str], specials: list[str], unk: str, normalizer: Any, splitter: Any) -> Any:
    from tokenizers import Tokenizer, models

    made = Tokenizer(models.Unigram())
    made.normalizer, made.pre_tokenizer = normalizer, splitter
    _train(made, corpus, "UnigramTrainer", special_tokens=specials, unk_token=unk, vocab_size=400)
    return made


def charsmap() -> str:
    """A few rules in SentencePiece's compiled form."""
    from groundup.text.tokenizers.charsmap import compile_rules

    rules = {"①": "1", "ﬁ": "fi", "\u00a0": " ", "\u3000": " ", "\t": " ", "\n": " ", "Ａ": "A", "½": "1⁄2"}
    return base64.b64encode(compile_rules(rules)).decode()


def _with_charsmap(made: Any, *around: dict[str, Any]) -> Any:
    from tokenizers import Tokenizer

    raw = json.loads(made.to_str())
    compiled = {"type": "Precompiled", "precompiled_charsmap": charsmap()}
    raw["normalizer"] = {"type": "Sequence", "normalizers": [*around, compiled, _RUNS]}
    return Tokenizer.from_str(json.dumps(raw))


_RUNS = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}


def t5(corpus: list[str]) -> Any:
    """Unigram over ▁ words, A </s>, and sentinels."""
    from tokenizers import decoders, pre_tokenizers, processors

    splitter = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    made = _with_charsmap(_unigram(corpus, ["<pad>", "</s>", "<unk>"], "<unk>", None, splitter))
    made.add_special_tokens(["<extra_id_0>", "<extra_id_1>"])
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", made.token_to_id("</s>"))]
    )
    made.decoder = decoders.Metaspace()
    return made


def xlm_roberta(corpus: list[str]) -> Any:
    """Unigram, <s> A </s> and a mask that swallows blanks."""
    from tokenizers import AddedToken, decoders, pre_tokenizers, processors

    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    made = _with_charsmap(_unigram(corpus, specials, "<unk>", None, pre_tokenizers.Metaspace()))
    made.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    ids = [(token, made.token_to_id(token)) for token in ("<s>", "</s>")]
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ids
    )
    made.decoder = decoders.Metaspace()
    return made


def albert(corpus: list[str]) -> Any:
    """Unigram after quotes are mended, accents removed and letters made small."""
    from tokenizers import decoders, pre_tokenizers

    made = _unigram(corpus, ["<pad>", "<unk>", "[CLS]", "[SEP]"], "<unk>", None, pre_tokenizers.Metaspace())
    quotes = [{"type": "Replace", "pattern": {"String": old}, "content": '"'} for old in ("``", "''")]
    made = _with_charsmap(made, *quotes, {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"})
    made.decoder = decoders.Metaspace()
    return made


def word_level(corpus: list[str]) -> Any:
    """Whole words, and tokens found in normalised text."""
    from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

    made = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    _train(made, corpus, "WordLevelTrainer", special_tokens=["[UNK]"])
    made.add_tokens([AddedToken("New York", single_word=True), AddedToken("éa", lstrip=True, rstrip=True)])
    return made


def clip(corpus: list[str]) -> Any:
    """BPE over characters with a mark at the end of a word."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    made = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    made.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    made.pre_tokenizer, made.decoder = pre_tokenizers.Whitespace(), decoders.BPEDecoder("</w>")
    return _train(made, corpus, "BpeTrainer", special_tokens=["<unk>"], end_of_word_suffix="</w>", limit_alphabet=80)


def digits(corpus: list[str]) -> Any:
    """StarCoder's: digits apart, then GPT-2's pattern, which no published name stands for."""
    from tokenizers import pre_tokenizers

    made = gpt2(corpus)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=True)]
    )
    return made


SHAPES: dict[str, Callable[[list[str]], Any]] = {
    shape.__name__: shape
    for shape in (
        bert, gpt2, roberta, llama3, qwen, llama2, phi3, gemma, t5, xlm_roberta, albert, word_level, clip, digits,
    )
}  # fmt: skip
BYTE_LEVEL = ("gpt2", "roberta", "llama3", "qwen")
