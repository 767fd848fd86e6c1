"""What the tests of tokenizer parts share: strings that are hard to cut, and the same parts in Hugging Face's hands."""

import json
import os
import random

import pytest

HARD = [
    "", " ", "   ", "\n", "\t\n \r\n", "\x00", "a\x00b", "\ufeffx", "\u200b", "\u00a0", "\u3000", "\u2581", "▁▁a ▁b",
    "Hello, world!", "  two  blanks  ", "don't won't I'M", "naïve café", "e\u0301a\u0323\u0307", "ﬁ ① Å ½ ²", "İstanbul ΑΣ ß",
    "한국어 각", "ᄀ\u1161\u11a8", "日本語とEnglish", "नमस्ते", "ไทย", "العربية ١٢٣", "👩‍👩‍👧‍👦👍🏽🇩🇪", "Ǆ ǅ", "𝒳𐐀",
    "x" * 300, "ab" * 120, "1234567 3.14", "def f(x):\n    return x**2  # ok\n", "<s>[INST] a</s>", "<|endoftext|>", "[CLS] [MASK]",
    "a--b__c", "``quoted''", "\u0301", "a\u093eb", "\ud7ff\ue000", "\U0010ffff", "don't do n't ' x",
]  # fmt: skip


@pytest.fixture(scope="session")
def hard_strings(strings):
    """A function that gives the hard strings and n random ones: marks, emoji, controls, code, many scripts, runs."""

    def make(n: int, seed: int = 0) -> list[str]:
        choose = random.Random(seed)
        alphabet = "aAbeé\u0301\u0323 \u00a0\t\n\x00\x7f\u200d👍🏽猫漢한\u1161ßſİΣ½１Ａ_-'\".,▁<>[]sS12"
        mixed = ["".join(choose.choice(alphabet) for _ in range(choose.randint(0, 30))) for _ in range(n // 3)]
        joined = [" ".join(choose.sample(HARD, 3)) for _ in range(n // 3)]
        return [*HARD, *mixed, *joined, *strings(n - 2 * (n // 3), seed=seed)]

    return make


@pytest.fixture(scope="session")
def theirs():
    """A function that gives Hugging Face's tokenizer of a tokenizer.json (a dict); missing parts are None."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    tokenizers = pytest.importorskip("tokenizers")
    empty = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}

    def build(**parts):
        raw = {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
            "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": empty,
        }  # fmt: skip
        return tokenizers.Tokenizer.from_str(json.dumps(raw | parts))

    return build
