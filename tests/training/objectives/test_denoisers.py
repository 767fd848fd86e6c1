"""UL2's mixture against table 1 of the paper, and the text that comes back from every denoiser."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.training.objectives.denoisers import MIXTURE, Denoiser, denoised, draw_denoised
from groundup.training.objectives.span import restored

SENTINELS, MODES = range(1000, 1300), {"R": 1400, "S": 1401, "X": 1402}


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_mixture_is_table_1():
    assert [tuple(one) for one in MIXTURE] == [
        ("R", 3, 0.15), ("R", 8, 0.15), ("S", None, 0.25), ("X", 3, 0.5), ("X", 8, 0.5), ("X", 64, 0.15), ("X", 64, 0.5),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(some.integers(2, 120), some.integers(0, 9999))
def test_the_text_comes_back_from_every_denoiser(length, seed):
    ids = list(range(length))
    batch = denoised([ids], source(seed), modes=MODES, sentinels=SENTINELS)
    mode, *read = batch.input_ids[0].tolist()
    assert mode in MODES.values()
    assert restored(read, batch.targets[0].tolist(), SENTINELS) == ids


@pytest.mark.parametrize("denoiser", MIXTURE)
def test_each_hides_its_share_in_spans_of_its_length(denoiser):
    drawn = [draw_denoised(512, denoiser, source(seed)) for seed in range(200)]
    hidden = sum(last - first for spans in drawn for first, last in spans)
    assert abs(hidden / (200 * 512) - denoiser.rate) < 0.03
    if denoiser.mean_length is None:
        assert all(len(spans) == 1 and spans[0][1] == 512 for spans in drawn), "one span, and it is the end"
    else:
        assert abs(hidden / sum(map(len, drawn)) / denoiser.mean_length - 1) < 0.25


def test_all_are_drawn_alike_and_the_seed_decides():
    documents = [list(range(12))] * 1400
    batch = denoised(documents, source(), modes=MODES, sentinels=SENTINELS)
    share = {mode: (batch.input_ids[:, 0] == token).float().mean().item() for mode, token in MODES.items()}
    assert all(abs(share[mode] - part / 7) < 0.05 for mode, part in (("R", 2), ("S", 1), ("X", 4)))
    again = denoised(documents, source(), modes=MODES, sentinels=SENTINELS)
    assert torch.equal(batch.input_ids, again.input_ids) and torch.equal(batch.targets, again.targets)


def test_an_answer_ends_where_it_is_told_to():
    told = dict(documents=[list(range(12)), [5, 6]], modes=MODES, sentinels=SENTINELS)
    plain, ended = (denoised(**told, generator=source(), end_id=end) for end in (None, 999))
    for row in range(2):
        asked = plain.targets[row][plain.loss_mask[row]].tolist()
        assert ended.targets[row][ended.loss_mask[row]].tolist() == [*asked, 999]


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(modes={"R": 1400, "X": 1402}), "no token is named for mode S; give modes one for each of R, S, X"),
        (dict(mixture=()), "a mixture of no denoisers hides nothing; name at least one"),
        (
            dict(mixture=(Denoiser("S", None, 0.25),), documents=[[1]]),
            r"a text of 1 token\(s\) cannot lose one and keep",
        ),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    told = dict(documents=[[1, 2, 3]], generator=source(), modes=MODES, sentinels=SENTINELS) | changes
    with pytest.raises(InputError, match=message):
        denoised(**told)
