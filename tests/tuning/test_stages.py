"""What the stage `tune` takes of the model that it is given, and what it refuses before anything is made."""

from types import SimpleNamespace

import pytest
from tests.tuning.supervised.test_classification import TEXTS, bert

from groundup.errors import InputError, UnsupportedModel
from groundup.inference.handle import Handle
from groundup.model.architectures import build
from groundup.model.architectures.t5 import T5Config
from groundup.runs.stages.train import generation
from groundup.runs.stages.tune import check_model, sampled
from groundup.tuning.config import TuneConfig
from groundup.tuning.efficient.config import PromptConfig
from groundup.tuning.efficient.many import apply
from groundup.tuning.supervised.classification import headed

CHAT = TuneConfig(seq_len=32)
DOMAIN = TuneConfig(task="domain", data="x", seq_len=32)
CLASSES = TuneConfig(task="classify", data="x", seq_len=32)


@pytest.fixture
def t5(tokenizer):
    sizes = {
        "hidden_size": 32,
        "head_dim": 16,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    return build(T5Config(vocab_size=tokenizer.vocab_size, **sizes), seed=0)


def test_the_bases_sampling_and_its_stops_stay_and_what_closes_an_answer_joins_them(tiny, tokenizer):
    """All were lost, so that a Phi-3 wrote on behind its <|end|>."""
    end, last = tokenizer.special_tokens["<|im_end|>"], tokenizer.vocab_size - 1
    said = sampled(
        Handle(tiny(), tokenizer, generation={"eos_token_id": last, "temperature": 0.6, "do_sample": True}), chats=True
    )
    assert said == {"eos_token_id": sorted({tokenizer.eos_token_id, end, last}), "temperature": 0.6, "do_sample": True}
    bare = sampled(Handle(tiny(), tokenizer), chats=True)
    assert bare == generation(tokenizer, chats=True) | {"eos_token_id": sorted({tokenizer.eos_token_id, end})}
    assert sampled(Handle(tiny(), tokenizer, generation=generation(tokenizer)), chats=True)["do_sample"] is False, (
        "a base that was trained here"
    )


def test_a_tokenizer_without_an_end_names_none():
    words = SimpleNamespace(eos_token_id=None, pad_token_id=None, special_tokens={})
    assert generation(words)["eos_token_id"] is None, "[null] is no list of tokens"


def test_a_model_that_writes_no_text_is_refused_for_what_writes(tiny, tokenizer, tmp_path):
    for module in (headed(tiny(), "classify", TEXTS, 0), bert(tokenizer)):
        for config in (CHAT, DOMAIN):
            with pytest.raises(UnsupportedModel, match="which writes no text"):
                check_model(Handle(module, tokenizer, tmp_path), config)
        check_model(Handle(module, tokenizer, tmp_path), CLASSES)


def test_an_encoder_decoder_learns_answers_and_no_domain(t5, tokenizer, tmp_path):
    check_model(Handle(t5, tokenizer, tmp_path), CHAT)
    with pytest.raises(UnsupportedModel, match="encoder-decoder, which does not go on with text; give a decoder"):
        check_model(Handle(t5, tokenizer, tmp_path), DOMAIN)


def test_an_adapter_that_is_no_change_of_matrices_is_no_base(tiny, tokenizer, tmp_path):
    adapted = apply(tiny(), PromptConfig(num_virtual_tokens=3))
    for config in (CHAT, DOMAIN, CLASSES):
        with pytest.raises(InputError, match="cannot be put into its base, .* give the folder of the base"):
            check_model(Handle(adapted, tokenizer, tmp_path), config)


def test_rows_longer_than_the_context_are_refused_first(tiny, tokenizer, tmp_path):
    """For text of another kind they were not refused at all, for conversations after all of them were read and asked."""
    for config in (TuneConfig(seq_len=65), TuneConfig(task="domain", data="x", seq_len=65)):
        with pytest.raises(
            InputError, match=r"seq_len=65 is longer than the model's context; use --set tune\.seq_len=64"
        ):
            check_model(Handle(tiny(), tokenizer, tmp_path), config)
