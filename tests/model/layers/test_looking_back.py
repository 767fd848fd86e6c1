import pytest
import torch

from groundup.errors import ConfigError
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config

SIZES = dict(
    vocab_size=512,
    hidden_size=128,
    intermediate_size=128,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=32,
    tie_word_embeddings=True,
    initializer_range=0.1,
)


def made(scheme, **changes):
    return build(Qwen3Config(**(SIZES | changes)), seed=1, scheme=scheme)


def repeated(rows=8, length=40):
    """Random tokens, and the same ones again."""
    ids = torch.randint(0, 512, (rows, length), generator=torch.Generator().manual_seed(0))
    return torch.cat([ids, ids], dim=1)


def losses(module, ids):
    """Mean loss of the first half, and of the half that repeats it."""
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(module(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="none")
    half = ids.shape[1] // 2
    return float(loss[:, : half - 1].mean()), float(loss[:, half:].mean())


def test_a_model_that_was_never_trained_expects_what_it_has_seen_before():
    new, again = losses(made("look_back"), repeated())
    assert again < new - 1.0
    new, again = losses(made("scaled"), repeated())
    assert abs(again - new) < 0.3


def test_of_two_places_behind_the_same_word_the_one_whose_word_before_is_the_same_too_is_found():
    draw = torch.Generator().manual_seed(0)
    nouns, names = (
        torch.stack([torch.randperm(250, generator=draw)[:2] + low for _ in range(128)]) for low in (10, 260)
    )
    asked = torch.randint(0, 2, (128,), generator=draw)
    be, dot = torch.full((128,), 1), torch.full((128,), 2)
    noun = nouns.gather(1, asked[:, None])[:, 0]
    ids = torch.stack([nouns[:, 0], be, names[:, 0], dot, nouns[:, 1], be, names[:, 1], dot, noun, be], 1)
    right = []
    for scheme in ("look_back", "scaled"):
        with torch.no_grad():
            logits = made(scheme)(ids)[:, -1].gather(1, names)
        right.append(float((logits.argmax(1) == asked).float().mean()))
    assert right[0] > 0.75 and right[1] < 0.65  # the toss of a coin without


def test_block_0_looks_at_the_token_before():
    module = made("look_back")
    ids, changed = repeated(1, 10), repeated(1, 10)
    changed[0, 6] = (changed[0, 6] + 1) % 512
    with torch.no_grad():
        before, after = (
            module.model.layers[0].self_attn(
                module.model.layers[0].input_layernorm(module.model.embed_tokens(x)),
                module.rotary.angles(torch.arange(20), torch.float32),
            )
            for x in (ids, changed)
        )
    moved = (before - after).norm(dim=-1)[0]
    assert moved.argmax() in (7, 8)  # distance 1 for one key head, 2 for the other
    assert moved[7] > 5 * moved[12:].max()
    assert (moved[:6] == 0).all()


def test_the_same_seed_gives_the_same_weights_and_they_are_finite():
    one, other = made("look_back"), made("look_back")
    assert all(
        torch.equal(a, b) and torch.isfinite(a).all() for a, b in zip(one.parameters(), other.parameters(), strict=True)
    )


LACKING = [
    ({"tie_word_embeddings": False}, "tie_word_embeddings=true"),
    ({"num_hidden_layers": 2}, "num_hidden_layers of at least 3"),
    ({"head_dim": 64, "num_key_value_heads": 2}, "below hidden_size"),
]


@pytest.mark.parametrize("changes, words", LACKING)
def test_a_model_without_what_it_takes_is_refused_with_the_way_out(changes, words):
    with pytest.raises(ConfigError, match=f"{words}.*use scaled"):
        made("look_back", **changes)
