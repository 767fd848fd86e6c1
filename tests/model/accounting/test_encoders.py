"""Encoders and encoder-decoders: operations against torch's counter, memory against the real modules."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from groundup.inference.cache.kv_cache import KVCache
from groundup.model.accounting import Inference, Layout, Lora, Training, count, flops, kept, memory
from groundup.model.accounting.accounting import parameters
from groundup.model.accounting.budget import share, source_bytes
from groundup.model.accounting.operations import forward, lora_parameters, newton_schulz
from groundup.model.architectures import FAMILIES, build
from groundup.model.encoder_decoder import Answering

SIZES = dict(vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4)
PAIRS = {
    "t5": ("t5", SIZES | dict(head_dim=8)),
    "t5 gated, three blocks answer": (
        "t5",
        SIZES | dict(head_dim=12, num_decoder_layers=3, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
    ),
    "2017": ("groundup-original", SIZES),
}
ENCODERS = {
    "masked": ("bert", SIZES),
    "roberta": ("roberta", SIZES | dict(pad_token_id=1)),
    "text": ("bert", SIZES | dict(head="classification", labels=("good", "bad", "neither"))),
    "tokens": ("bert", SIZES | dict(head="tagging", labels=("name", "none"))),
}


def made(family, sizes):
    return FAMILIES[family][0](**sizes)


@pytest.fixture(params=PAIRS)
def pair(request):
    """An encoder-decoder."""
    return made(*PAIRS[request.param])


@pytest.fixture(params=ENCODERS)
def encoder(request):
    """An encoder under one of its heads."""
    return made(*ENCODERS[request.param])


def counted(run):
    """What torch counts while something runs; its counter does not know the fused kernel for the CPU."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


@pytest.mark.parametrize("source, answer", [(24, 24), (17, 5), (3, 30)])
def test_an_encoder_decoders_step_is_what_torch_counts(pair, ids, source, answer):
    module, asked, said = build(pair, seed=0, scheme="normal"), ids(2, source), ids(2, answer)
    ahead = counted(lambda: module(asked, said))
    both = counted(lambda: module(asked, said).sum().backward())
    found = flops(pair, Training(batch=2, seq_len=answer, source=source))
    assert sum(found.forward.values()) == ahead
    assert found.total == pytest.approx(both, rel=0.02)


@torch.no_grad()
def test_reading_a_source_and_answering_is_what_torch_counts(pair, ids):
    module, asked, said = build(pair, seed=0, scheme="normal"), ids(2, 11), ids(2, 9)

    def run():
        answering = Answering(module, module.read(asked))
        cache = KVCache.of(answering, 2, 9)
        for place in range(9):
            answering(said[:, place : place + 1], cache=cache)

    assert flops(pair, Inference(batch=2, context=9, source=11)).total == counted(run)


def test_a_source_as_long_as_the_answer_is_what_count_says(pair):
    for use in (Training(seq_len=20), Training(seq_len=20, source=20)):
        assert flops(pair, use).total == 20 * count(pair).training_flops_per_token(20)
    assert flops(pair, Training(seq_len=20, source=40)).total > 1.4 * flops(pair, Training(seq_len=20)).total
    assert sum(parameters(pair).values()) == count(pair).parameters
    assert parameters(pair)["cross-attention"] == parameters(pair)["attention"] * pair.decoder_layers // (
        pair.decoder_layers + pair.num_hidden_layers
    )


def test_an_encoders_step_is_what_torch_counts(encoder, ids):
    module, text = build(encoder, seed=0, scheme="normal"), ids(2, 24)
    ahead = counted(lambda: module(text))
    both = counted(lambda: module(text).sum().backward())
    found = flops(encoder, Training(batch=2, seq_len=24))
    assert sum(found.forward.values()) == ahead == flops(encoder, Inference(batch=2, context=24)).total
    assert found.total == pytest.approx(both, rel=0.02)


def test_an_encoder_hides_no_pair(encoder, pair):
    assert forward(encoder, 24, causal=True) == forward(encoder, 24)
    whole, seen = (forward(pair, 24, causal=causal) for causal in (False, True))
    fewer = {name for name in whole if seen[name] < whole[name]}
    assert fewer == {"scores", "values"}  # the decoder's own, and neither the encoder's nor those of the cross-attention


def test_muon_and_lora_reach_the_encoder_and_what_asks_it(pair):
    module = build(pair, seed=0, device="meta")
    inside = [one for name, one in module.named_parameters() if one.dim() == 2 and ".layers." in name]
    expected = sum(5 * 2 * (2 * min(one.shape) ** 2 * max(one.shape) + min(one.shape) ** 3) for one in inside)
    assert newton_schulz(pair) == expected
    queries = [one for name, one in module.named_parameters() if name.endswith("q_proj.weight")]
    assert lora_parameters(pair, Lora(rank=4, targets=("q_proj",))) == sum(4 * sum(one.shape) for one in queries)
    assert share(pair, Layout()).matrices == sum(one.numel() for one in inside)


def test_memory_of_answering_is_weights_and_both_caches(pair, ids):
    module, use = build(pair, seed=0), Inference(batch=3, context=9, source=300)
    with torch.no_grad():
        source = module.read(ids(3, 300))
    held = sum(part.untyped_storage().nbytes() for one in source.memories for part in one)
    assert source_bytes(pair, use) == held
    cache = KVCache.of(Answering(module, source), 3, 9)
    own = sum(tensor.nbytes for tensor in cache.keys + cache.values)
    assert memory(pair, use).parts["cache"] == held + own
    assert memory(pair, use).parts["weights"] == 4 * sum(parameter.numel() for parameter in module.parameters())
