"""Encoders and encoder-decoders: operations against torch's counter, memory against the real modules."""

from dataclasses import replace

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
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import loss_of_targets
from groundup.training.optimizers import build_optimizer

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


@pytest.mark.parametrize("source, answer", [(17, 5), (3, 30)])
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
    assert fewer == {
        "scores",
        "values",
    }  # the decoder's own, and neither the encoder's nor those of the cross-attention


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
    answering = memory(pair, use).moments["while it answers"]
    assert answering["cache"] == held + own
    assert answering["weights"] == 4 * sum(parameter.numel() for parameter in module.parameters())


def kept_by_autograd(module, hidden, targets):
    """Bytes of all tensors that the way forward leaves, weights themselves left out."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    found: dict[int, int] = {}
    held = []  # so that no address is used twice

    def pack(tensor):
        held.append(tensor)
        found[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss_of_targets(module.lm_head, hidden().flatten(0, 1), targets.flatten())
    return sum(size for address, size in found.items() if address not in weights)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("source, answer", [(30, 20), (20, 32)])
def test_activations_of_an_encoder_decoder_are_what_autograd_keeps(pair, ids, dtype, source, answer):
    module, asked, said = build(pair, seed=0, scheme="normal"), ids(4, source), ids(4, answer)
    module.compute_dtype = getattr(torch, dtype)
    real = kept_by_autograd(module, lambda: module.hidden(said, module.read(asked)), said)
    use = Training(batch=4, seq_len=answer, source=source, dtype=dtype)
    assert sum(kept(pair, use).values()) == pytest.approx(real, rel=0.03)
    assert sum(kept(pair, replace(use, checkpointing=True)).values()) < 0.7 * real


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["masked", "roberta"])
def test_activations_of_an_encoder_are_what_autograd_keeps(name, ids, dtype):
    config = made(*ENCODERS[name])
    module, text = build(config, seed=0, scheme="normal"), ids(4, 32)
    module.compute_dtype = getattr(torch, dtype)
    real = kept_by_autograd(module, lambda: module.hidden(text), text)
    assert sum(kept(config, Training(batch=4, seq_len=32, dtype=dtype)).values()) == pytest.approx(real, rel=0.03)


WIDE = dict(vocab_size=4096, hidden_size=256, num_hidden_layers=3, num_attention_heads=4, intermediate_size=1024)
STEPS = {
    "bert": ("bert", WIDE, 128, 0),
    "t5": ("t5", WIDE | dict(head_dim=64), 128, 64),
    "2017": ("groundup-original", WIDE, 48, 96),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_training_step_within_a_tenth_of_what_the_allocator_gives_out(name, ids, allocated):
    family, sizes, source, answer = STEPS[name]
    module = build(config := made(family, sizes), seed=0)
    asked, said = ids(4, source), ids(4, answer or source)
    optimizer = build_optimizer(module, TrainConfig(optimizer="adamw"))

    def run():
        hidden = module.hidden(said, module.read(asked)) if answer else module.hidden(asked)
        loss_of_targets(module.lm_head, hidden.flatten(0, 1), said.flatten()).div(said.numel()).backward()
        optimizer.step()
        module.zero_grad(set_to_none=True)

    run()
    found = memory(config, Training(batch=4, seq_len=answer or source, source=source))
    before = found.parts["weights"] + found.parts["optimiser state"]
    assert before + allocated(run) == pytest.approx(found.total, rel=0.1), found


@torch.no_grad()
@pytest.mark.parametrize("name", STEPS)
def test_reading_within_a_tenth_of_what_the_allocator_gives_out(name, ids, allocated):
    family, sizes, source, answer = STEPS[name]
    module = build(config := made(family, sizes), seed=0)
    asked, said = ids(8, source), ids(8, 1)

    def run():
        if not answer:
            return module(asked)
        answering = Answering(module, module.read(asked))
        return answering(said, cache=KVCache.of(answering, 8, answer))

    run()
    found = memory(config, Inference(batch=8, context=answer or source, source=source))
    assert found.parts["weights"] + allocated(run) == pytest.approx(found.total, rel=0.1), found
