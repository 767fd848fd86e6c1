"""Pages: no page lost, none given twice, shared ones never written; one ragged call equals every row alone."""

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from groundup.errors import ConfigError, InputError
from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.cache.paged import PagePool, slot_mapping
from groundup.inference.cache.ragged import refused
from groundup.model.architectures import build
from groundup.model.architectures.bloom import BloomConfig


def test_where_tokens_are_written():
    assert slot_mapping(np.array([4, 1, 7]), 3, 3, 4).tolist() == [19, 4, 5]
    assert slot_mapping(np.array([4]), 0, 0, 4).tolist() == []
    with pytest.raises(AssertionError, match="allocate"):
        slot_mapping(np.array([4, -1]), 3, 2, 4)
    with pytest.raises(AssertionError, match="1 pages do not hold 5 tokens"):
        slot_mapping(np.array([4]), 3, 2, 4)


@pytest.mark.parametrize(
    "name", ["llama", "gpt2", "qwen3", "mistral", "gemma2", "gemma3_text", "falcon", "gpt_neox", "olmo2", "mixtral"]
)
def test_a_ragged_call_equals_every_row_alone_with_a_contiguous_cache(name, family, walk):
    module = family(name)
    _, ids, logits = walk(module, PagePool.of(module, pages=20, rows=3, page_size=4))
    for text in ids:
        cache = KVCache.of(module, 1, 64)
        with torch.inference_mode():
            for new, found in zip(ids[text], logits[text], strict=True):
                alone = module(new[None], cache=cache)[0]
                torch.testing.assert_close(found, alone, rtol=1e-4, atol=1e-4)


def test_pages_in_bf16_hold_what_a_contiguous_cache_in_bf16_holds(family, walk):
    module = family("llama")
    module.compute_dtype = torch.bfloat16
    _, ids, logits = walk(module, PagePool.of(module, pages=20, rows=3, page_size=4))
    for text in ids:
        cache = KVCache.of(module, 1, 64)
        with torch.inference_mode():
            alone = torch.cat([module(new[None], cache=cache)[0] for new in ids[text]])
        found = torch.cat(logits[text])
        assert (found - alone).norm() < 0.02 * alone.norm()


def test_what_the_ragged_form_cannot_serve_is_named(family):
    assert refused(family("llama")) is None
    bloom = build(BloomConfig(vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=4), seed=0)
    assert "ALiBi" in refused(bloom)
    with pytest.raises(InputError, match="KVCache"):
        PagePool.of(bloom, pages=2, rows=1)
    assert "Linear" in refused(torch.nn.Linear(2, 2))


def pool(**changes):
    sizes = dict(layers=1, kv_heads=1, head_dim=2, pages=6, rows=4, page_size=4)
    return PagePool(**(sizes | changes))


def extend(pages, row, new, mark):
    """Write `new` tokens with the number `mark` behind a row, as one step of a model with one layer does."""
    view = pages.view([row], [new])
    numbers = torch.full((1, new, 2), float(mark))
    pages.write(0, view.slots, numbers, numbers)
    pages.grow(row, new)


def test_a_page_is_copied_before_one_of_two_rows_writes_into_it():
    pages = pool()
    row = pages.open()
    pages.allocate(row, 6)
    extend(pages, row, 6, 1)
    other = pages.fork(row)
    assert pages.free_pages == 4 and pages.pages_of(other) == pages.pages_of(row)
    assert pages.needed(other, 1) == 1 and pages.needed(other, 4) == 2 and pages.needed(other, 0) == 0
    with pytest.raises(AssertionError, match="others hold"):
        pages.view([other], [1])
    assert pages.allocate(other, 1) and pages.needed(row, 1) == 0
    extend(pages, other, 1, 2)
    assert pages.pages_of(other)[0] == pages.pages_of(row)[0] and pages.free_pages == 3
    assert pages.gather(0, row, 6)[0][0, :, 0].tolist() == [1] * 6
    assert pages.gather(0, other, 7)[0][0, :, 0].tolist() == [1] * 6 + [2]


def test_too_few_pages_change_nothing_and_what_is_freed_comes_back_at_once():
    pages = pool()
    one, two = pages.open(), pages.open()
    assert pages.allocate(one, 20) and not pages.allocate(two, 5)
    assert pages.free_pages == 1 and pages.pages_of(two) == []
    pages.free(one)
    assert pages.allocate(two, 24) and pages.free_pages == 0
    assert [pages.open() for _ in range(4)].count(None) == 1


def test_a_row_longer_than_the_context_is_refused_in_words():
    pages = pool(context=8)
    with pytest.raises(InputError, match="holds 8 tokens, not 9"):
        pages.allocate(pages.open(), 9)


def test_pages_behind_a_window_go_back_but_for_one_that_a_step_back_may_need():
    pages = pool(windows=[5], pages=8)
    row = pages.open()
    for _ in range(22):
        assert pages.allocate(row, 1)
        extend(pages, row, 1, 0)
        assert len(pages.pages_of(row)) <= 4  # a window of 5, a page of 4 behind it, and what both do not fill
    pages.truncate(row, 18)
    assert pages.tables[row, :3].tolist() == [-1, -1, -1] and pages.tables[row, 3] >= 0
    with pytest.raises(AssertionError, match="given back"):
        pages.truncate(row, 9)
    pages.free(row)
    assert pages.free_pages == 8


def test_a_mixture_of_windows_keeps_all_pages():
    pages = pool(layers=2, windows=[5, None])
    row = pages.open()
    pages.allocate(row, 20)
    pages.grow(row, 20)
    assert len(pages.pages_of(row)) == 5


@pytest.mark.parametrize("name", ["pages", "rows", "page_size", "context"])
def test_sizes_that_cannot_be(name):
    with pytest.raises(ConfigError, match=f"{name}=0"):
        pool(**{name: 0})


class Rows(RuleBasedStateMachine):
    """Any order of beginning, growing, forking, cutting and ending rows, beside a plain list of each one's tokens."""

    @initialize(window=st.sampled_from([None, 5]))
    def begin(self, window):
        self.pages, self.texts, self.mark = pool(pages=9, windows=[window]), {}, 0
        self.window, self.cut = window, set()  # cut: rows that took steps back

    @rule(new=st.integers(1, 9), pick=st.integers(0, 3))
    def grow(self, new, pick):
        row = sorted(self.texts)[pick % len(self.texts)] if self.texts else self.pages.open()
        new = min(new, 36 - len(self.texts.get(row, [])))  # what all pages hold
        if new and self.pages.allocate(row, new):
            self.mark += 1
            extend(self.pages, row, new, self.mark)
            self.texts[row] = self.texts.get(row, []) + [self.mark] * new
        elif new:
            assert self.pages.needed(row, new) > self.pages.free_pages
        self.texts.setdefault(row, [])

    @rule()
    def open(self):
        if (row := self.pages.open()) is not None:
            self.texts[row] = []

    @precondition(lambda self: self.texts)
    @rule(pick=st.integers(0, 3))
    def fork(self, pick):
        row = sorted(self.texts)[pick % len(self.texts)]
        if (new := self.pages.fork(row)) is not None:
            self.texts[new] = list(self.texts[row])
            self.cut |= {new} if row in self.cut else set()

    @precondition(lambda self: self.texts)
    @rule(pick=st.integers(0, 3), back=st.integers(0, 4))
    def truncate(self, pick, back):
        row = sorted(self.texts)[pick % len(self.texts)]
        back = min(back, len(self.texts[row]))
        if self.window is None or back == 0 or row not in self.cut:
            self.pages.truncate(row, len(self.texts[row]) - back)
            self.texts[row] = self.texts[row][: len(self.texts[row]) - back]
            self.cut.add(row)

    @precondition(lambda self: self.texts)
    @rule(pick=st.integers(0, 3))
    def end(self, pick):
        row = sorted(self.texts)[pick % len(self.texts)]
        self.pages.free(row)
        del self.texts[row]
        self.cut.discard(row)

    @invariant()
    def no_page_is_lost_or_given_twice(self):
        held = [page for row in self.texts for page in self.pages.pages_of(row)]
        assert np.array_equal(np.bincount(held, minlength=9) if held else np.zeros(9), self.pages.holders)
        free = self.pages._free_pages
        assert len(set(free)) == len(free) and set(free).isdisjoint(held) and len(free) + len(set(held)) == 9

    @invariant()
    def every_row_holds_its_own_tokens(self):
        for row, text in self.texts.items():
            assert self.pages.lengths[row] == len(text)
            first = max(0, len(text) + 1 - self.window) if self.window else 0
            assert self.pages.gather(0, row, len(text))[0][0, first:, 0].tolist() == text[first:]


TestRows = Rows.TestCase
TestRows.settings = settings(max_examples=15, stateful_step_count=20, deadline=None, derandomize=True)
