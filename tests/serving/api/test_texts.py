"""Tokens, vectors and numbers about texts."""

import base64

import numpy as np
import pytest

from groundup.inference.handle import Handle
from groundup.model.architectures.heads import with_head

HELLO = [{"role": "user", "content": "the cat"}]


def test_tokens_go_there_and_back(client, handle):
    told = client.ok("/tokenize", {"prompt": "the cat 😀", "add_special_tokens": False, "return_token_strs": True})
    assert told["tokens"] == handle.tokenizer.encode("the cat 😀") and told["count"] == len(told["tokens"]) == len(
        told["token_strs"]
    )
    assert client.ok("/detokenize", {"tokens": told["tokens"]})["prompt"] == "the cat 😀"
    assert client.ok("/tokenize", {"prompt": "the"})["tokens"] == handle.tokenizer.encode_prompt("the")


def test_a_template_is_applied(client, handle):
    text = handle.tokenizer.apply_chat_template(HELLO, add_generation_prompt=True, tokenize=False)
    assert client.ok("/apply-template", {"messages": HELLO})["prompt"] == text
    assert client.ok("/tokenize", {"messages": HELLO})["tokens"] == handle.tokenizer.apply_chat_template(
        HELLO, add_generation_prompt=True
    )


@pytest.mark.parametrize("body", [{}, {"prompt": "a", "messages": HELLO}, {"prompt": 3}])
def test_tokenize_wants_a_text_or_a_conversation(client, body):
    client.refused("/tokenize", body)


@pytest.mark.parametrize("tokens", [[-1], [10**6], ["a"], "a"])
def test_ids_that_are_none_are_refused(client, tokens):
    client.refused("/detokenize", {"tokens": tokens})


def test_vectors_have_length_one_in_both_encodings(client, handle):
    plain = client.ok("/v1/embeddings", {"input": ["the cat", "a dog"]})
    rows = np.array([one["embedding"] for one in plain["data"]])
    assert rows.shape == (2, handle.config.hidden_size) and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    coded = client.ok("/v1/embeddings", {"input": "the cat", "encoding_format": "base64"})["data"][0]["embedding"]
    assert np.allclose(np.frombuffer(base64.b64decode(coded), "<f4"), rows[0], atol=1e-5)
    short = client.ok("/v1/embeddings", {"input": ["the cat"], "dimensions": 4})["data"][0]["embedding"]
    assert len(short) == 4 and np.isclose(np.linalg.norm(short), 1, atol=1e-5)
    ids = handle.tokenizer.encode_prompt("the cat")
    assert np.allclose(client.ok("/v1/embeddings", {"input": ids})["data"][0]["embedding"], rows[0], atol=1e-5)


@pytest.mark.parametrize(
    "body",
    [
        {"input": ""},
        {"input": []},
        {"input": ["a", ""]},
        {"input": "cat " * 3000},
        {"input": "a", "dimensions": 99},
        {"input": [[]]},
    ],
)
def test_what_has_no_vector_is_refused(client, body):
    client.refused("/v1/embeddings", body)


def test_documents_are_ranked_by_nearness(client):
    told = client.ok("/rerank", {"query": "the cat", "documents": ["a frog", "the cat", "the dog"], "top_n": 2})
    assert told["results"][0]["index"] == 1 and told["results"][0]["relevance_score"] == pytest.approx(1, abs=1e-5)
    assert len(told["results"]) == 2 and told["results"][0]["document"] == {"text": "the cat"}
    pairs = client.ok("/score", {"text_1": "the cat", "text_2": ["the cat", "a dog"]})["data"]
    assert pairs[0]["score"] == pytest.approx(1, abs=1e-5) and pairs[1]["score"] < 1
    client.refused("/score", {"text_1": ["a", "b"], "text_2": ["a"]})


def test_a_model_without_a_head_says_what_to_do(client):
    for path in ("/classify", "/reward"):
        assert "head" in client.refused(path, {"input": "a"})["message"]


def test_a_model_with_labels_classifies(handle, make_client):
    import copy

    module = with_head(copy.deepcopy(handle.module), "classification", ("good", "bad"), seed=1)
    client = make_client(Handle(module.eval(), handle.tokenizer))
    told = client.ok("/classify", {"input": ["the cat", "a dog"]})["data"]
    assert [one["num_classes"] for one in told] == [2, 2] and all(one["label"] in ("good", "bad") for one in told)
    assert all(sum(one["probs"]) == pytest.approx(1) for one in told)
    assert "writes no text" in client.refused("/v1/completions", {"prompt": "a"})["message"]
