"""Samples of held-out documents begin as documents began in training."""

import pytest

from groundup.inference.engine import batching
from groundup.inference.engine.batching import Completion
from groundup.runs.heldout import complete
from groundup.text.tokenizers import TokenizerConfig, train_sentencepiece, train_tokenizer

TEXTS = ["the cat sat on the mat and the dog sat on the log"]


class Asked:
    """A module of which only the context is read."""

    class config:
        max_position_embeddings = 64


@pytest.mark.parametrize("kind", ["byte level", "sentencepiece"])
def test_a_prompt_is_read_with_the_mark_of_its_tokenizer(kind, monkeypatch):
    seen = []

    def generate_batch(module, prompts, sampling, stop_ids, **_):
        seen.extend(prompts)
        return [Completion([3], [0.0], "length") for _ in prompts]

    monkeypatch.setattr(batching, "generate_batch", generate_batch)
    tokenizer = (
        train_sentencepiece(TEXTS, 30)
        if kind == "sentencepiece"
        else train_tokenizer(TEXTS, TokenizerConfig(vocab_size=270))
    )
    complete(Asked(), tokenizer, ["the cat"])
    assert seen == [[tokenizer.bos_token_id, *tokenizer.encode("the cat")]]
    plain = tokenizer.__class__.encode_prompt
    monkeypatch.setattr(tokenizer.__class__, "encode_prompt", lambda self, text: plain(self, text)[1:])
    complete(Asked(), tokenizer, [""])  # of a document of blanks, where no mark stands before a text
    assert seen[1] == [tokenizer.eos_token_id]
