"""Pooling: by hand, against torch, and what a folder of sentence-transformers asks for."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import ConfigError, FormatError, UnsupportedModel
from groundup.serving.encoders.pooling import POOLINGS, Pooling, read_pooling, unit_length

HIDDEN = torch.tensor([[[1.0, 4.0], [3.0, 0.0], [9.0, 9.0]], [[2.0, -1.0], [9.0, 9.0], [9.0, 9.0]]])
REAL = torch.tensor([[True, True, False], [True, False, False]])


@pytest.mark.parametrize(
    "mode, expected",
    [
        ("mean", [[2.0, 2.0], [2.0, -1.0]]),
        ("first", [[1.0, 4.0], [2.0, -1.0]]),
        ("last", [[3.0, 0.0], [2.0, -1.0]]),
        ("max", [[3.0, 4.0], [2.0, -1.0]]),
        ("root", [[4 / 2**0.5, 4 / 2**0.5], [2.0, -1.0]]),
    ],
)
def test_each_mode_by_hand(mode, expected):
    torch.testing.assert_close(Pooling(mode=mode, normalize=False)(HIDDEN, REAL), torch.tensor(expected))


@given(
    st.sampled_from(sorted(POOLINGS)), st.integers(1, 5), st.integers(1, 6), st.integers(0, 4), st.integers(0, 2**31)
)
def test_padding_changes_no_vector(mode, batch, seq, more, seed):
    source = torch.Generator().manual_seed(seed)
    hidden = torch.randn(batch, seq + more, 3, generator=source)
    real = torch.arange(seq + more)[None].expand(batch, -1) < seq
    pooling = Pooling(mode=mode)
    torch.testing.assert_close(pooling(hidden, real), pooling(hidden[:, :seq], real[:, :seq]))
    torch.testing.assert_close(pooling(hidden, real).norm(dim=1), torch.ones(batch))


def test_unit_length_is_torchs_and_zero_stays():
    vectors = torch.randn(4, 7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(unit_length(vectors), torch.nn.functional.normalize(vectors))
    assert unit_length(torch.zeros(1, 3)).tolist() == [[0.0, 0.0, 0.0]]


def folder(path, modules, pooling=None, sentence=None, prompts=None):
    (path / "1_Pooling").mkdir(exist_ok=True)
    kinds = [
        {"idx": n, "path": f"{n}_{one}" if n else "", "type": f"sentence_transformers.models.{one}"}
        for n, one in enumerate(modules)
    ]
    (path / "modules.json").write_text(json.dumps(kinds))
    (path / "1_Pooling" / "config.json").write_text(json.dumps(pooling or {"pooling_mode_mean_tokens": True}))
    if sentence:
        (path / "sentence_bert_config.json").write_text(json.dumps(sentence))
    if prompts:
        (path / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return path


def test_what_a_folder_says_is_read(tmp_path):
    assert read_pooling(tmp_path) is None
    told = {"prompts": {"query": "query: "}, "default_prompt_name": "query", "similarity_fn_name": "cosine"}
    made = folder(
        tmp_path,
        ["Transformer", "Pooling", "Normalize"],
        {"pooling_mode_cls_token": True},
        {"max_seq_length": 128},
        told,
    )
    assert read_pooling(made) == Pooling(
        mode="first", max_tokens=128, prompts={"query": "query: "}, default_prompt="query"
    )
    assert read_pooling(folder(tmp_path, ["Transformer", "Pooling"])).normalize is False
    newer = folder(tmp_path, ["Transformer", "Pooling"], {"embedding_dimension": 3, "pooling_mode": "lasttoken"})
    assert read_pooling(newer).mode == "last"


@pytest.mark.parametrize(
    "modules, pooling, words",
    [
        (["Transformer", "Pooling", "Dense"], None, "has Dense, which is not implemented"),
        (["Transformer"], None, "has no Pooling"),
        (["Transformer", "Pooling"], {"pooling_mode_weightedmean_tokens": True}, "asks for weighted mean; one of mean"),
        (
            ["Transformer", "Pooling"],
            {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True},
            "first and max",
        ),
        (
            ["Transformer", "Pooling"],
            {"pooling_mode_mean_tokens": True, "sparse": 1},
            "sparse would change the vectors",
        ),
        (
            ["Transformer", "Pooling"],
            {"pooling_mode_mean_tokens": True, "include_prompt": False},
            "include_prompt=false",
        ),
    ],
)
def test_what_would_give_other_vectors_is_refused_by_name(tmp_path, modules, pooling, words):
    with pytest.raises(UnsupportedModel, match=words):
        read_pooling(folder(tmp_path, modules, pooling))


def test_damage_and_modes_that_are_none_are_named(tmp_path):
    (tmp_path / "modules.json").write_text("[1]")
    with pytest.raises(FormatError, match="lists no modules"):
        read_pooling(tmp_path)
    with pytest.raises(ConfigError, match="pooling 'avg' is not implemented; use mean"):
        Pooling(mode="avg")
    with pytest.raises(ConfigError, match="leaves nothing of a text"):
        Pooling(max_tokens=0)
