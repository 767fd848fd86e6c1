"""Judges: the scores of transformers' heads on the same weights, for texts and for pairs, alone as in company."""

import numpy as np
import pytest
import torch

from groundup.errors import InputError, UnsupportedModel
from groundup.model.architectures import build
from groundup.model.architectures.bert import BertConfig
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats.huggingface import save_model
from groundup.serving.encoders.judging import Judge, load_judge
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

TEXTS = ["a cat", "the dog sat on the log and the cat on the mat", "frog", "the hat of the frog is on the dog"]
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 280,
    "initializer_range": 0.3,
}


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, TokenizerConfig(vocab_size=280))


def bert(labels, head):
    made = build(
        BertConfig(head=head, labels=labels, max_position_embeddings=40, **SIZES), seed=1, scheme="normal"
    ).eval()
    torch.nn.init.normal_(made.score.out_proj.weight, generator=torch.Generator().manual_seed(0))
    return made


@pytest.fixture(scope="module")
def classifier(tokenizer):
    return Judge(bert(("no", "yes", "maybe"), "classification"), tokenizer)


@pytest.fixture(scope="module")
def cross(tokenizer):
    return Judge(bert(("LABEL_0",), "reward"), tokenizer)


def test_scores_of_texts_are_those_of_transformers(classifier, tmp_path):
    transformers = pytest.importorskip("transformers")
    save_model(tmp_path / "m", classifier.module, classifier.tokenizer)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "m").eval()
    with torch.no_grad():
        expected = [
            theirs(torch.tensor([classifier.tokenizer.encode_prompt(text)])).logits[0].numpy() for text in TEXTS
        ]
    np.testing.assert_allclose(classifier.logits(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(load_judge(tmp_path / "m", device="cpu").logits(TEXTS), expected, atol=1e-5)
    probabilities = classifier.classify(TEXTS)
    np.testing.assert_allclose(probabilities, torch.tensor(np.array(expected)).softmax(1).numpy(), atol=1e-5)
    assert classifier.labels == ("no", "yes", "maybe")


def test_scores_of_pairs_are_those_of_transformers_with_types(cross, tmp_path):
    transformers = pytest.importorskip("transformers")
    save_model(tmp_path / "m", cross.module, cross.tokenizer)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "m").eval()
    pairs = [(TEXTS[0], one) for one in TEXTS]
    expected = []
    for pair in pairs:
        ids, types = cross.tokenizer.encode_pair(*pair)
        with torch.no_grad():
            expected.append(
                theirs(torch.tensor([ids]), token_type_ids=torch.tensor([types])).logits[0].sigmoid().numpy()
            )
    np.testing.assert_allclose(cross.score(pairs), np.concatenate(expected), atol=1e-5)


def test_ranking_is_by_score_and_ties_keep_their_order(cross):
    ranked = cross.rank("a cat", [*TEXTS, TEXTS[0]])
    assert [score for _, score in ranked] == sorted((score for _, score in ranked), reverse=True)
    places = [place for place, _ in ranked]
    assert places.index(0) + 1 == places.index(4) and sorted(places) == list(range(5))
    assert cross.rank("a cat", TEXTS, top=2) == [one for one in ranked if one[0] != 4][:2] and cross.rank("a", []) == []


def test_a_decoder_judges_by_its_last_real_token_alone_and_in_company(tokenizer):
    config = LlamaConfig(
        head="reward", labels=("LABEL_0",), num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, **SIZES
    )
    judge = Judge(build(config, seed=0).eval(), tokenizer)
    together = judge.reward(TEXTS)
    alone = [judge.module(torch.tensor([tokenizer.encode_prompt(text)])).item() for text in TEXTS]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    with pytest.raises(UnsupportedModel, match="reads one text at a time"):
        judge.score([("a", "b")])


def test_a_pair_that_is_too_long_loses_the_second_texts_end(cross):
    short, long = "a cat", "the dog sat on the log " * 20
    assert np.isfinite(cross.score([(short, long)])).all()
    with pytest.raises(InputError, match="leaves no room for the second"):
        cross.score([(long, short)])
    with pytest.raises(InputError, match="text 0 has"):
        cross.logits([long])


def test_what_a_model_cannot_do_is_said(classifier, tokenizer):
    with pytest.raises(UnsupportedModel, match="gives no single number; classify"):
        classifier.reward(TEXTS)
    with pytest.raises(UnsupportedModel, match="gives every token its hidden state and has no head"):
        Judge(build(BertConfig(head="none", **SIZES), seed=0), tokenizer)
