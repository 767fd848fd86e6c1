"""The compiled step says what torch says with the packed weights' worth: one text and several, every codec, on more threads than cores."""

import numpy as np
import pytest
import torch

from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.inference.cache.paged import PagePool
from groundup.inference.compiled import checks, kernels, step
from groundup.inference.compiled.checks import off, worth_logits
from groundup.inference.compiled.layout import refused
from groundup.inference.compiled.records import CODECS
from groundup.inference.compiled.step import lower
from groundup.model.architectures import build
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.architectures.llama import LlamaConfig

ROUNDED = {
    "f32": 1e-4,
    "bf16": 0.02,
    "q8_0": 0.03,
    "q4_0": 0.03,
}  # vectors, keys and values are rounded; the weights' own rounding is in both


def llama(head_dim=16):
    """Rows that do not fill sixteen, columns that do not fill 32; head_dim 8: shorter than a register."""
    module = build(LlamaConfig(
        vocab_size=70, hidden_size=6 * head_dim, intermediate_size=88, num_hidden_layers=2, num_attention_heads=6,
        num_key_value_heads=3, max_position_embeddings=80, tie_word_embeddings=False,
    ), seed=0)  # fmt: skip
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise * 0.1 if parameter.dim() > 1 else 1 + noise * 0.2)
    return module.eval()


@pytest.fixture(scope="module")
def module():
    return llama()


# a codec's first compilation takes 5 seconds; q8_0's product is in q4_0's step too, for the head
PARAMS = [pytest.param(codec, marks=pytest.mark.slow) if codec == "q8_0" else codec for codec in CODECS]


@pytest.fixture(scope="module", params=PARAMS)
def lowered(request, module):
    return lower(module, request.param, threads=1)


def ids_of(count, seed=0):
    return np.random.default_rng(seed).integers(0, 70, count).tolist()


def test_a_text_step_by_step_has_torchs_logits(lowered):
    text, ids = lowered.text(), ids_of(45)  # over the end of a page
    found = [text.step(token) for token in ids]
    for count in (1, 2, 31, 32, 33, 45):
        expected = worth_logits(lowered.module, lowered.codec, [ids[:count]])[0]
        assert off(found[count - 1], expected) < ROUNDED[lowered.codec]


@pytest.mark.parametrize("kind", ["qwen3", "short heads"])
def test_norms_of_heads_and_heads_shorter_than_a_register(tiny, kind):
    module = tiny().eval() if kind == "qwen3" else llama(8)
    text, ids = lower(module, threads=1).text(), ids_of(40)
    found = [text.step(token) for token in ids]
    for count in (1, 33, 40):
        assert off(found[count - 1], worth_logits(module, "bf16", [ids[:count]])[0]) < 0.02


def test_greedy_texts_are_torchs(lowered):
    text, ids = lowered.text(), [5, 17, 3]
    logits = text.prefill(ids)
    for _ in range(12):
        ids.append(int(logits.argmax()))
        logits = text.step(ids[-1])
        expected = worth_logits(lowered.module, lowered.codec, [ids])[0]
        best = np.sort(expected)[-2:]
        if best[1] - best[0] > 0.2 * np.sqrt(np.mean(expected**2)):  # nearer than rounding is no order
            assert logits.argmax() == expected.argmax()


@pytest.mark.parametrize("threads", [2, 7])  # 7: more than there are cores here
def test_threads_do_not_change_a_number(module, threads):
    one, many = lower(module, threads=1), lower(module, threads=1)
    many.work_on(threads)
    texts = one.text(), many.text()
    assert all(np.array_equal(*(text.step(token) for text in texts)) for token in ids_of(10))


@pytest.mark.slow
def test_more_threads_than_cores_come_to_an_end(module):
    lowered = lower(module, "q4_0", threads=1)
    alone = [lowered.text().step(token) for token in range(3)]
    lowered.work_on(64)
    text = lowered.text()
    for _ in range(70):
        text.step(3)
    for token in range(3):
        np.testing.assert_array_equal(lowered.text().step(token), alone[token])


def pool_of(lowered, rows, dtype=torch.bfloat16, seed=3):
    """A pool with texts of different lengths, and the ids of each; its pages lie in any order."""
    pool = PagePool.of(lowered.module, pages=60, rows=rows, dtype=dtype)
    texts = [ids_of(3 + 7 * row, seed + row) for row in range(rows)]
    for _ in texts:
        pool.open()
    return pool, texts


def read(lowered, pool, texts, together):
    """The last logits of every text, read token by token, all rows that have a token left in one step."""
    last = {}
    for at in range(max(map(len, texts))):
        rows = [row for row, text in enumerate(texts) if at < len(text)]
        for part in [rows[i : i + together] for i in range(0, len(rows), together)]:
            for row in part:
                assert pool.allocate(row, 1)
            logits = lowered.step(
                [texts[row][at] for row in part], pool.tables[part], pool.lengths[part], pool.keys, pool.values
            )
            pool.lengths[part] += 1
            last.update(zip(part, logits, strict=True))
    return last


def test_rows_in_pages_have_the_numbers_that_each_has_alone(lowered):
    found = [read(lowered, *pool_of(lowered, 11), together) for together in (1, 3, 11)]
    for row in range(11):
        assert np.array_equal(found[0][row], found[1][row])
        assert np.array_equal(found[0][row], found[2][row])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_rows_in_pages_have_torchs_logits(module, dtype):
    lowered = lower(module, threads=1)
    pool, texts = pool_of(lowered, 5, dtype)
    for row, logits in read(lowered, pool, texts, 5).items():
        assert off(logits, worth_logits(module, "bf16", [texts[row]])[0]) < 0.02


def test_a_second_prompt_forgets_the_first(module):
    text = lower(module, threads=1).text()
    text.prefill([1, 2, 3])
    first = text.step(4)
    text.prefill([9] * 40)
    text.prefill([1, 2, 3])
    assert np.array_equal(text.step(4), first)


def test_what_has_no_kernel_is_named(module):
    sizes = dict(vocab_size=70, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=32)
    with pytest.raises(UnsupportedModel, match="positions that are not rotary"):
        lower(build(GPT2Config(**sizes), seed=0))
    other = llama()
    other.windows[0] = 8
    assert "window" in refused(other)


@pytest.mark.parametrize("place", ["input_layernorm", "norm", "q_norm"])
def test_norms_that_add_different_numbers_are_refused(tiny, place):
    module = tiny()
    last = module.model.layers[-1]
    norm = {"input_layernorm": last.input_layernorm, "norm": module.model.norm, "q_norm": last.self_attn.q_norm}[place]
    assert refused(module) is None
    norm.eps = 0.1
    with pytest.raises(UnsupportedModel, match="norms that add different numbers"):
        lower(module)


def test_wrong_code_is_not_used(module, monkeypatch):
    monkeypatch.setattr(kernels, "step", lambda *arguments: arguments[-1].fill(1.0))
    with pytest.raises(UnsupportedModel, match="is off by"):
        lower(module, threads=1)


def test_the_check_is_made_where_a_module_is_lowered(module, monkeypatch):
    checked = []
    monkeypatch.setattr(checks, "check", checked.append)
    assert checked == [lower(module, threads=1)] != []


def test_bad_input_is_answered(module):
    lowered = lower(module, threads=1)
    text = lowered.text(4)
    with pytest.raises(InputError, match="token 70"):
        text.step(70)
    with pytest.raises(InputError, match="0 tokens"):
        text.prefill([])
    with pytest.raises(InputError, match="5 tokens"):
        text.prefill([1] * 5)
    for ids in ([1, 70], [-1, 2]):
        with pytest.raises(InputError, match=r"token (70|-1) is not in the vocabulary of 70; use 0 or more"):
            text.prefill(ids)
    text.prefill([1] * 4)
    with pytest.raises(InputError, match="larger context"):
        text.step(1)
    with pytest.raises(ConfigError, match="context=81 is not possible; use 1 to 80"):
        lowered.text(81)
    with pytest.raises(ConfigError, match="q3"):
        lower(module, "q3")


@pytest.mark.parametrize(
    "asked", [{"threads": 0}, {"threads": -2}, {"context": 0}, {"context": -1}, {"rows": 0}], ids=str
)
def test_no_threads_and_no_room_are_refused(module, asked):
    (name, number), *_ = asked.items()
    with pytest.raises(ConfigError, match=f"{name}={number} is not possible; use 1 or more, or leave it out"):
        lower(module, **asked)


def test_pages_that_do_not_fit_are_refused(module):
    lowered = lower(module, threads=1)
    pool = PagePool.of(module, pages=2, rows=2, dtype=torch.bfloat16)
    pages = (pool.keys, pool.values)
    fits = ([1], [[0, -1]], [3], *pages)
    lowered.step(*fits)
    for wrong, words in (
        (([1] * 17, [[0, 1]] * 17, [0] * 17, *pages), "1 to 16 rows"),
        (([70], *fits[1:]), "token 70"),
        (([1], [[0, -1]], [32], *pages), "names a page that is not there"),
        (([1], [[2, 1]], [3], *pages), "names a page that is not there"),
        (([1], [[0, 1]], [64], *pages), "is full"),
        (([1], [[0, 1]], [3], pages[0][:1], pages[1]), "do not fit a module"),
        (([1], [[0, 1]], [3], pages[0].half(), pages[1].half()), "float16"),
    ):
        with pytest.raises(InputError, match=words):
            lowered.step(*wrong)


def test_cores_are_counted_where_the_system_has_no_affinity(monkeypatch, module):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr(step, "SMALL", 0)
    monkeypatch.setattr(checks, "check", lambda lowered: None)
    assert 1 <= lower(module).threads <= 64
