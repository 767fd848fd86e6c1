"""What the tests of this room share: a corpus in several scripts, a tokenizer trained on it, a maker of strings."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import groundup

SENTENCES = [
    "The cat sat on the mat, and the dog didn't mind.",
    "She's counted 1234 stars; he'll count 99 more!",
    "def train(words, merges):\n    for word in words:\n        yield merge(word, merges)\n",
    "Müller hört schöne Musik — täglich.",
    "Кошка сидит на окне и смотрит на снег.",
    "猫は窓の外を見ています。",
    "القط ينظر من النافذة",
    "नमस्ते दुनिया ١٢٣ ②½",
    "   \n\n\t  spaces   and\r\nlines  \n",
]


@pytest.fixture(scope="session")
def corpus() -> list[str]:
    """Some hundred short documents, the same each time."""
    choose = random.Random(7)
    words = "small large red green runs sleeps house garden happily three forty the a of in under".split()
    made = [" ".join(choose.choice(words) for _ in range(30)) + "." for _ in range(100)]
    return made + SENTENCES * 3


@pytest.fixture(scope="session")
def tokenizer(corpus):
    """A byte-level tokenizer of 500 ids."""
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

    return train_tokenizer(corpus, TokenizerConfig(vocab_size=500))


@pytest.fixture(scope="session")
def strings():
    """A function that gives n random strings: ASCII, edges of the patterns, any code points, prose in many scripts."""

    def make(n: int, seed: int = 0) -> list[str]:
        choose = random.Random(seed)
        edges = " \n\r\t'sſStdmrelvRVEL12½٣.,!-\u3000\u00a0\u0085\u2028é猫\u0301"
        kinds = [
            lambda size: "".join(chr(choose.randint(32, 126)) for _ in range(size)),
            lambda size: "".join(choose.choice(edges) for _ in range(size)),
            lambda size: "".join(
                chr(choose.choice([choose.randint(0, 0xD7FF), choose.randint(0xE000, 0xFFFF)])) for _ in range(size)
            ),
            lambda size: "".join(chr(choose.randint(0xE000, 0x10FFFF)) for _ in range(size)),
            lambda size: "".join(chr(choose.randint(0x20, 0x2FFF)) for _ in range(size)),
            lambda size: " ".join(choose.choice(SENTENCES)[choose.randint(0, 20) :] for _ in range(1 + size // 20)),
        ]
        return [choose.choice(kinds)(choose.randint(0, 40)) for _ in range(n)]

    return make


@pytest.fixture(scope="session")
def child():
    """A function that runs Python code in a fresh process and gives what it prints."""

    def run(code: str, **variables: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(Path(groundup.__file__).parents[1]), **variables}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
