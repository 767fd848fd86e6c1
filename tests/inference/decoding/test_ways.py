"""Beams and drafts behind the handle and the command line: what comes out, and what does not go together."""

import json

import pytest

from groundup.cli import generate
from groundup.cli.options import Drawing
from groundup.errors import ConfigError
from groundup.inference.decoding.beam import BeamConfig
from groundup.inference.decoding.cached_beam import beam_answers
from groundup.inference.decoding.drafts import NGramDraft
from groundup.inference.decoding.ways import way_of
from groundup.inference.handle import Handle
from groundup.model.architectures import build
from groundup.model.architectures.t5 import T5Config
from groundup.model.formats.huggingface import save_model
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

GREEDY = dict(max_new_tokens=8, temperature=0.0)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["the cat sat on the mat and the dog sat on the log"], TokenizerConfig(vocab_size=275))


@pytest.fixture
def handle(tiny, tokenizer):
    return Handle(tiny(vocab_size=280), tokenizer)


@pytest.fixture
def folder(tiny, tokenizer, tmp_path):
    save_model(tmp_path / "model", tiny(vocab_size=280), tokenizer)
    return tmp_path / "model"


def test_a_beam_gives_its_best_answer(handle, tokenizer):
    best = beam_answers(handle.module, tokenizer.encode_prompt("the cat"), 8, handle.stop_ids(), BeamConfig(beams=3))[0]
    assert handle.generate("the cat", beams=3, max_new_tokens=8) == tokenizer.decode(list(best.ids))
    assert handle.generate("the cat", beams=1, max_new_tokens=8) == handle.generate("the cat", **GREEDY)


@pytest.mark.parametrize(
    "asked", [{"temperature": 0.0}, {"seed": 4}, {"seed": 1, "top_k": 5, "repetition_penalty": 1.3}]
)
def test_guesses_leave_the_text_as_it_is_and_are_counted(handle, asked):
    plain = handle.generate("the cat the cat", max_new_tokens=12, **asked)
    assert handle.acceptance is None
    for draft in ("ngram", NGramDraft(longest=3)):
        assert handle.generate("the cat the cat", max_new_tokens=12, draft=draft, **asked) == plain
        assert handle.acceptance.tokens == 12 and handle.acceptance.rounds <= 12


def test_a_folder_is_a_draft_if_its_tokenizer_is_the_models(handle, folder, tiny, tmp_path):
    plain = handle.generate("the dog", **GREEDY)
    assert handle.generate("the dog", draft=str(folder), **GREEDY) == plain
    assert handle.acceptance.rate > 0.9  # the model itself
    other = train_tokenizer(["some other words altogether"], TokenizerConfig(vocab_size=262))
    save_model(tmp_path / "other", tiny(vocab_size=280), other)
    with pytest.raises(ConfigError, match="another tokenizer"):
        handle.generate("the dog", draft=str(tmp_path / "other"))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (dict(beams=0), "beams=0 keeps nothing"),
        (dict(beams=2, draft="ngram"), "leave one of them out"),
        (dict(beams=2, top_p=0.9), "leave top_p or beams out"),
        (dict(beams=2, regex="a+"), "leave regex or beams out"),
        (dict(beams=2, temperature=0.7), "leave temperature or beams out"),
    ],
)
def test_what_does_not_go_together_is_refused(handle, asked, words):
    with pytest.raises(ConfigError, match=words):
        handle.generate("the cat", **asked)


def test_a_way_without_either_is_plain():
    assert way_of().plain and not way_of(beams=1).plain and not way_of(draft=NGramDraft()).plain


def test_the_command_says_how_good_the_guesses_were(folder, capsys):
    options = generate.GenerateOptions(
        model=folder, prompt="the cat", draft="ngram", json=True, sampling=Drawing(**GREEDY)
    )
    generate.run(options)
    told = json.loads(capsys.readouterr().out)
    assert (
        told["acceptance"]["tokens"] == 8
        and 0 <= told["acceptance"]["rate"] <= 1
        and told["sampling"]["draft"] == "ngram"
    )
    generate.run(
        generate.GenerateOptions(model=folder, prompt="the cat", beams=2, json=True, sampling=Drawing(max_new_tokens=4))
    )
    assert "acceptance" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("flag", [{"beams": 2}, {"draft": "ngram"}])
def test_neither_is_for_a_file_of_prompts(folder, tmp_path, flag):
    with pytest.raises(ConfigError, match=f"--{next(iter(flag))} is not for --file"):
        generate.run(generate.GenerateOptions(model=folder, file=tmp_path / "prompts.jsonl", **flag))


def test_an_encoder_decoder_has_beams_and_no_draft(tokenizer):
    sizes = dict(hidden_size=32, head_dim=8, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4)
    handle = Handle(build(T5Config(vocab_size=280, **sizes), seed=0), tokenizer)
    plain = handle.generate("the cat", max_new_tokens=5, temperature=0.0)
    assert handle.generate("the cat", beams=1, max_new_tokens=5) == plain
    assert isinstance(handle.generate("the cat", beams=3, max_new_tokens=5), str)
    with pytest.raises(ConfigError, match="guesses for decoders"):
        handle.generate("the cat", draft="ngram")
