"""A student learns from a teacher's probabilities, hidden states and texts."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.compression.quantization.test_ptq import qwen
from tests.compression.test_calibration import QWEN, TEXTS
from torch.nn import functional

from groundup.compression.distillation import distillation
from groundup.errors import ConfigError, InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.model.architectures import build, config_from_dict


def batch(length=24):
    ids = torch.tensor([text[: length + 1] for text in TEXTS if len(text) > length])
    mask = torch.ones(ids[:, 1:].shape, dtype=torch.bool)
    mask[0, :5] = False
    return SimpleNamespace(
        input_ids=ids[:, :-1],
        targets=ids[:, 1:],
        loss_mask=mask,
        document_ids=torch.zeros_like(ids[:, 1:]),
        positions=None,
    )


def student(**changed):
    return build(config_from_dict(QWEN | {"hidden_size": 16, "num_hidden_layers": 2} | changed), seed=5)


@given(st.floats(0.5, 8.0), st.integers(0, 2**31))
def test_the_loss_is_torchs_kl_times_the_temperature_squared(temperature, seed):
    ours, theirs = torch.randn(2, 6, 11, generator=torch.Generator().manual_seed(seed)) * 3
    expected = functional.kl_div(
        functional.log_softmax(ours / temperature, -1), functional.log_softmax(theirs / temperature, -1), reduction="none", log_target=True
    ).sum(-1) * temperature**2  # fmt: skip
    torch.testing.assert_close(
        distillation.distillation_loss(ours, theirs, temperature), expected, rtol=1e-4, atol=1e-5
    )


def test_at_a_high_temperature_it_is_half_the_squared_distance_of_centred_scores():
    ours, theirs = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    away = (ours - ours.mean(-1, keepdim=True)) - (theirs - theirs.mean(-1, keepdim=True))
    found = distillation.distillation_loss(ours, theirs, 3000.0)  # Hinton et al. 2015, eq. 4: mean squares over N
    torch.testing.assert_close(found, away.square().mean(-1) / 2, rtol=1e-2, atol=1e-4)


def test_the_objective_counts_the_kept_targets_and_weighs_both_parts():
    teacher, given = qwen(), batch()
    losses = {
        weight: distillation.Distillation(teacher, weight=weight)(student(), given) for weight in (0.0, 0.25, 1.0)
    }
    assert {count for _, count in losses.values()} == {int(given.loss_mask.sum())}
    sums = {weight: loss for weight, (loss, _) in losses.items()}
    torch.testing.assert_close(sums[0.25], 0.75 * sums[0.0] + 0.25 * sums[1.0])
    same = distillation.Distillation(teacher, weight=1.0)(qwen(), given)[0]
    assert abs(same.item()) < 1e-3
    assert not any(part.requires_grad for part in teacher.parameters())


def test_a_student_comes_nearer_to_its_teacher():
    teacher, module, given = qwen(), student(), batch()
    objective = distillation.Distillation(teacher, weight=1.0)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    first = None
    for _ in range(40):
        optimizer.zero_grad()
        loss, count = objective(module, given)
        (loss / count).backward()
        optimizer.step()
        first = first or float(loss)
    assert float(loss) < 0.5 * first


def test_features_reach_the_teachers_when_the_student_is_the_teacher():
    teacher, given = qwen(), batch()
    matching = distillation.FeatureMatching(qwen(), teacher, [(0, 0), (2, 2)])
    for part in matching.maps:
        part.weight.data = torch.eye(32)
    loss, count = matching(qwen(), given)
    assert float(loss) < 1e-6 and count == int(given.loss_mask.sum())
    module = student()
    loss, _ = distillation.FeatureMatching(module, teacher, [(1, 2)])(module, given)
    loss.backward()
    assert float(loss) > 0 and module.model.layers[0].mlp.up_proj.weight.grad is not None


def test_texts_of_the_teacher_go_on_from_their_prompts():
    made = distillation.written_by(qwen(), [[1, 2], [3]], SamplingConfig(temperature=0.0, max_new_tokens=4))
    assert [len(text) for text in made] == [6, 5] and made[0][:2] == [1, 2] and made[1][0] == 3


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="the student has 51 tokens and the teacher 50"):
        distillation.Distillation(qwen())(student(vocab_size=51), batch())
    with pytest.raises(ConfigError, match="temperature=0"):
        distillation.Distillation(qwen(), temperature=0.0)
    with pytest.raises(ConfigError, match="blocks"):
        distillation.FeatureMatching(student(), qwen(), [(2, 2)])
