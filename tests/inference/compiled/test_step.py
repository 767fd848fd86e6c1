"""The compiled step says what torch says: logits, greedy texts, long and short, on more threads than there are cores."""

import numpy as np
import pytest
import torch

from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.inference.compiled import kernels, step
from groundup.inference.compiled.layout import refused, words
from groundup.inference.compiled.step import lower
from groundup.model.architectures import build
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.architectures.llama import LlamaConfig


def rounded(module):
    """The same module with every matrix rounded to bf16, in float32: what the packed weights are worth."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() > 1:
                parameter.copy_(parameter.bfloat16().float())
    return module.eval()


def llama():
    module = build(LlamaConfig(
        vocab_size=70, hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=6,
        num_key_value_heads=3, max_position_embeddings=64, tie_word_embeddings=False,
    ), seed=0)  # fmt: skip
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape)
            parameter.copy_(noise * 0.3 if parameter.dim() > 1 else 1 + noise * 0.2)
    return rounded(module)


def logits_of(module, ids):
    with torch.inference_mode():
        return module(torch.tensor([ids]))[0, -1].numpy()


def off(found, expected):
    return np.sqrt(np.mean((found - expected) ** 2)) / np.sqrt(np.mean(expected**2))


@pytest.mark.parametrize("kind", ["qwen3", "llama"])
def test_a_text_step_by_step_has_torchs_logits(tiny, kind):
    module = rounded(tiny()) if kind == "qwen3" else llama()
    decoder, ids = lower(module), torch.randint(0, 70, (40,)).tolist()
    for count, token in enumerate(ids, 1):
        assert off(decoder.step(token), logits_of(module, ids[:count])) < 0.02  # keys and values are rounded to bf16


@pytest.mark.parametrize("threads", [1, 2, 7])  # 7: more than there are cores, and than divide the rows
def test_greedy_texts_are_torchs(tiny, threads):
    module = rounded(tiny(seed=1))
    decoder = lower(module, threads=threads)
    text = [5, 17, 3]
    logits = decoder.prefill(text)
    for _ in range(30):
        expected = logits_of(module, text)
        best = np.sort(expected)[-2:]
        if best[1] - best[0] > 0.1 * np.sqrt(np.mean(expected**2)):  # nearer than rounding is no order
            assert logits.argmax() == expected.argmax()
        text.append(int(expected.argmax()))
        logits = decoder.step(text[-1])


def test_threads_do_not_change_a_number(tiny):
    module = rounded(tiny())
    one, many = lower(module, threads=1), lower(module, threads=5)
    assert all(np.array_equal(one.step(token), many.step(token)) for token in range(10))


def test_a_second_prompt_forgets_the_first(tiny):
    decoder = lower(rounded(tiny()))
    decoder.prefill([1, 2, 3])
    first = decoder.step(4)
    decoder.prefill([9] * 20)
    decoder.prefill([1, 2, 3])
    assert np.array_equal(decoder.step(4), first)


def test_words_are_torchs_bf16_and_back():
    numbers = torch.cat(
        [torch.randn(500) * 10.0**k for k in (-20, -3, 0, 15)] + [torch.tensor([1 + 2**-8, 1 + 3 * 2**-8])]
    )
    assert [kernels.narrow(np.float32(number)) for number in numbers.numpy()] == words(numbers).tolist()
    assert [kernels.wide(word) for word in words(numbers)] == numbers.bfloat16().float().tolist()


def test_product_of_any_rows_and_threads():
    matrix, x = torch.randn(13, 37), torch.randn(37)
    for threads in (1, 3, 20):
        y = np.empty(13, np.float32)
        kernels.times(words(matrix), x.numpy(), y, threads)
        np.testing.assert_allclose(y, (matrix.bfloat16().float() @ x).numpy(), rtol=1e-4, atol=1e-5)


def test_what_has_no_kernel_is_named():
    module = build(
        GPT2Config(
            vocab_size=70, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=32
        ),
        seed=0,
    )
    with pytest.raises(UnsupportedModel, match="positions that are not rotary"):
        lower(module)
    assert "window" in refused_with_window()


def refused_with_window():
    module = llama()
    module.windows[0] = 8
    return refused(module)


def test_wrong_code_is_not_used(tiny, monkeypatch):
    monkeypatch.setattr(step.kernels, "step", lambda *arguments: arguments[-1].fill(1.0))
    with pytest.raises(UnsupportedModel, match="is off by"):
        lower(rounded(tiny()))


def test_bad_input_is_answered(tiny):
    decoder = lower(rounded(tiny()), context=4)
    with pytest.raises(InputError, match="token 70"):
        decoder.step(70)
    with pytest.raises(InputError, match="0 tokens"):
        decoder.prefill([])
    with pytest.raises(InputError, match="5 tokens"):
        decoder.prefill([1] * 5)
    decoder.prefill([1] * 4)
    with pytest.raises(InputError, match="larger context"):
        decoder.step(1)
    with pytest.raises(ConfigError, match="q3"):
        lower(decoder.module, "q3")


@pytest.mark.parametrize("asked", [{"threads": 0}, {"threads": -2}, {"context": 0}, {"context": -1}], ids=str)
def test_no_threads_and_no_room_are_refused(asked):
    (name, number), *_ = asked.items()
    with pytest.raises(ConfigError, match=f"{name}={number} is not possible; use 1 or more, or leave it out"):
        lower(llama(), **asked)


@pytest.mark.parametrize("ids", [[1, 70], [-1, 2]])
def test_a_prompt_of_ids_beyond_the_vocabulary_is_refused_before_it_is_read(ids):
    decoder = lower(llama(), threads=1)
    decoder.prefill([1, 2])
    with pytest.raises(InputError, match=r"token (70|-1) is not in the vocabulary of 70; use 0 or more"):
        decoder.prefill(ids)
    assert decoder.length == 2


def test_cores_are_counted_where_the_system_has_no_affinity(monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    assert 1 <= lower(llama()).threads <= 64


@pytest.mark.parametrize("place", ["input_layernorm", "norm", "q_norm"])
def test_norms_that_add_different_numbers_are_refused(tiny, place):
    module = tiny()
    last = module.model.layers[-1]
    norm = {"input_layernorm": last.input_layernorm, "norm": module.model.norm, "q_norm": last.self_attn.q_norm}[place]
    assert refused(module) is None
    norm.eps = 0.1
    with pytest.raises(UnsupportedModel, match="norms that add different numbers"):
        lower(module)


def test_the_check_is_made_where_a_module_is_lowered(monkeypatch):
    checked = []
    monkeypatch.setattr(step, "_check", checked.append)
    decoder = lower(llama(), threads=1)
    assert checked == [decoder]
    decoder.step(1)
    assert checked == [decoder]
