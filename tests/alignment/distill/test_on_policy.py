"""On-policy distillation: the divergence against torch's and its gradient in closed form; a student that becomes its teacher."""

import copy
from functools import partial

import pytest
import torch

from groundup import files
from groundup.alignment.answers import side_by_side
from groundup.alignment.distill.config import DistillConfig
from groundup.alignment.distill.on_policy import Taught, distill, forward_kl, next_token_logits, reverse_kl
from groundup.errors import ConfigError, InputError
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.training import loop
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.instruction import conversations_to_shards, fit

CONFIG = DistillConfig(
    steps=40, prompts_per_step=8, samples_per_prompt=2, max_new_tokens=4, learning_rate=0.01, checkpoint_every=0, warmup_steps=0
)


def two_sides():
    source = torch.Generator().manual_seed(3)
    return torch.randn(5, 7, generator=source, dtype=torch.float64), torch.randn(5, 7, generator=source, dtype=torch.float64)


def test_both_divergences_are_torchs():
    student, teacher = two_sides()
    own, wanted = student.log_softmax(-1), teacher.log_softmax(-1)
    kl = partial(torch.nn.functional.kl_div, reduction="none", log_target=True)
    torch.testing.assert_close(reverse_kl(student, teacher), kl(wanted, own).sum(-1))
    torch.testing.assert_close(forward_kl(student, teacher), kl(own, wanted).sum(-1))
    assert reverse_kl(student, student).abs().max() < 1e-12


def test_the_gradient_by_a_logit_is_that_of_the_closed_form():
    student, teacher = two_sides()
    student.requires_grad_()
    found = reverse_kl(student, teacher)
    found.sum().backward()
    own, wanted = student.detach().log_softmax(-1), teacher.log_softmax(-1)
    torch.testing.assert_close(student.grad, own.exp() * (own - wanted - found.detach()[:, None]))


def test_it_is_what_the_policy_gradient_with_the_log_ratio_as_price_gives_on_average():
    """The exact mean over all next tokens of (log p/q) grad log p: the sampled form of the same lesson."""
    student, teacher = (side[0] for side in two_sides())
    student.requires_grad_()
    own, wanted = student.log_softmax(-1), teacher.log_softmax(-1)
    by_sampling = (own.detach().exp() * (own.detach() - wanted) * own).sum()
    (sampled,) = torch.autograd.grad(by_sampling, student)
    (exact,) = torch.autograd.grad(reverse_kl(student[None], teacher[None]).sum(), student)
    torch.testing.assert_close(sampled, exact)


@pytest.fixture(scope="module")
def teacher(tokenizer, tmp_path_factory):
    """A larger model that knows all answers."""
    config = Qwen3Config(
        vocab_size=tokenizer.vocab_size, hidden_size=48, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=3, num_key_value_heads=1, head_dim=16, max_position_embeddings=128,
        tie_word_embeddings=True, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    talks = [
        [{"role": "user", "content": f"{index % 8}?"}, {"role": "assistant", "content": "ab"[index % 2]}] for index in range(160)
    ]
    module, folder = build(config, seed=1), tmp_path_factory.mktemp("teacher")
    tuning = TuneConfig(steps=80, batch_size=16, seq_len=64, learning_rate=0.01, matrix_learning_rate=0.02, checkpoint_every=0)
    fit(module, conversations_to_shards(talks, tokenizer, folder / "shards"), tuning, folder)
    return module


def apart(student, teacher, tasks, stops, tokenizer):
    """The mean divergence on the student's own answers."""
    from groundup.alignment.environments.rollouts import Environment
    from groundup.inference.decoding.config import SamplingConfig

    asked = Environment(tasks, lambda item, text: 0.0, tokenizer, stops)
    groups = asked.rollout(student, 0, 8, 4, SamplingConfig(max_new_tokens=4, seed=9))
    batch = side_by_side([group.task.prompt_ids for group in groups], [[one.ids for one in group.tries] for group in groups])
    with torch.no_grad():
        return float(reverse_kl(next_token_logits(student, batch), next_token_logits(teacher, batch)).mean())


def test_a_student_comes_near_its_teacher_on_its_own_answers(module, teacher, tokenizer, tasks, reward, stops, tmp_path):
    before = apart(module, teacher, tasks, stops, tokenizer)
    told = [loop.write_metrics(tmp_path / "metrics.jsonl")]
    taught = partial(Taught, teacher=teacher)
    distill(module, tokenizer, tasks, reward, CONFIG, stop_ids=stops, environment=taught, listeners=told, folder=tmp_path)
    after = apart(module, teacher, tasks, stops, tokenizer)
    print(before, after)
    assert after < before / 3
    lines = files.read_jsonl(tmp_path / "metrics.jsonl")
    assert lines[-1]["kl"] < lines[0]["kl"] / 2 and lines[-1]["reward"] > lines[0]["reward"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_own_answers_teach_more_than_the_teachers_at_equal_steps(undecided, teacher, tokenizer, tasks, reward, stops, tmp_path, seed):
    """Equal steps and answers: on its own answers the student is nearer to its teacher than after tuning on the teacher's."""
    from groundup.alignment.environments.rollouts import Environment
    from groundup.inference.decoding.config import SamplingConfig

    own, tuned = copy.deepcopy(undecided), copy.deepcopy(undecided)
    taught = partial(Taught, teacher=teacher)
    config = DistillConfig(
        steps=40, prompts_per_step=8, samples_per_prompt=2, max_new_tokens=4, learning_rate=0.01, checkpoint_every=0, seed=seed
    )
    distill(own, tokenizer, tasks, reward, config, stop_ids=stops, environment=taught)
    said = Environment(tasks, reward, tokenizer, stops).rollout(teacher, 0, 8, 20, SamplingConfig(max_new_tokens=4, seed=seed))
    talks = [
        [{"role": "user", "content": group.task.prompt}, {"role": "assistant", "content": one.text}]
        for group in said for one in group.tries if one.text
    ]  # fmt: skip
    tuning = TuneConfig(steps=40, batch_size=4, seq_len=64, optimizer="adamw", learning_rate=0.01, checkpoint_every=0, seed=seed)
    fit(tuned, conversations_to_shards(talks, tokenizer, tmp_path / "shards"), tuning, tmp_path)
    ways = [apart(one, teacher, tasks, stops, tokenizer) for one in (own, tuned)]
    print(ways)
    assert ways[0] < ways[1]


def test_what_cannot_be_is_one_sentence(module, tokenizer, tasks, reward, stops):
    with pytest.raises(InputError, match="needs a teacher; give a larger model's folder as --teacher FOLDER"):
        distill(module, tokenizer, tasks, reward, CONFIG, stop_ids=stops)
    other = build(
        Qwen3Config(
            vocab_size=300, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1,
            num_key_value_heads=1, head_dim=16, max_position_embeddings=64,
        ), seed=0,
    )  # fmt: skip
    with pytest.raises(InputError, match="has 300 tokens and the student .* take two models with one tokenizer"):
        distill(module, tokenizer, tasks, reward, CONFIG, stop_ids=stops, environment=partial(Taught, teacher=other))
    with pytest.raises(ConfigError, match="the teacher pulls"):
        DistillConfig(kl_coefficient=0.1)
