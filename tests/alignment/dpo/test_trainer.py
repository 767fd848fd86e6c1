import math
from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from groundup import files
from groundup.alignment.dpo import trainer
from groundup.alignment.dpo.config import BETA, WITH_REFERENCE, DpoConfig
from groundup.alignment.dpo.pairs import encode
from groundup.alignment.environments.rollouts import chosen_tasks
from groundup.errors import ConfigError, InputError, Interrupted
from groundup.inference.handle import load
from groundup.model.formats.huggingface import save_model
from groundup.training import loop

CONFIG = DpoConfig(steps=10, batch_size=4, learning_rate=0.001, schedule="constant", warmup_steps=0, checkpoint_every=2)


def weights(module):
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def margins(module, tokenizer, rows):
    pairs = encode(rows, tokenizer, 128).pairs
    with torch.no_grad():
        scores = trainer.whole_answers(module, trainer.lay_out(pairs), 2 * len(pairs))
    return scores[0::2] - scores[1::2]


@pytest.mark.parametrize("method", BETA)
def test_every_method_moves_the_margin_up(undecided, module, tokenizer, rows, method, tmp_path):
    lines = [loop.write_metrics(tmp_path / "metrics.jsonl")]
    config = replace(CONFIG, method=method)
    trainer.fit(module, rows, config, tokenizer=tokenizer, listeners=lines)
    before, after = (margins(one, tokenizer, rows) for one in (undecided, module))
    assert float((after - before).mean()) > 0.5
    told = files.read_jsonl(tmp_path / "metrics.jsonl")
    assert ("accuracy" in told[0]) == (method != "kto")
    if method in WITH_REFERENCE:
        assert told[-1]["chosen_reward"] > told[-1]["rejected_reward"]


@pytest.mark.parametrize("method", ["dpo", "kto", "ipo"])
def test_before_the_first_step_nothing_has_moved(module, tokenizer, rows, method):
    """The reference was read by the same computation, so the log ratios are 0 but for rounding by the batch's shape."""
    made = trainer.Preferences(encode(rows, tokenizer, 128).pairs, replace(CONFIG, method=method), module.device)
    if method == "kto":
        made.pairs = trainer.alone(made.pairs)
    made.read_reference(module)
    batch = made.batch(0)
    now = trainer.whole_answers(module, batch.batch, len(batch.lengths))
    torch.testing.assert_close(now.detach(), batch.reference, rtol=0, atol=2e-5)


def test_a_short_run_reaches_its_peak_rate(module, tokenizer, rows):
    config = DpoConfig(batch_size=4, learning_rate=0.001)
    told, preferences = [], trainer.prepared(module, rows, config, tokenizer)
    assert (preferences.training().steps, preferences.training().warmup_steps) == (2, 1)
    trainer.learned(module, preferences, tokenizer=tokenizer, listeners=[lambda event: told.append(event.rate_factor)])
    assert max(told) == 1


def test_a_stopped_run_goes_on_bit_for_bit(undecided, module, tokenizer, rows, tmp_path):
    whole, again = deepcopy(undecided), deepcopy(undecided)
    trainer.fit(whole, rows, CONFIG, tmp_path / "whole", tokenizer=tokenizer)
    calls = iter(range(1, 100))
    with pytest.raises(Interrupted, match="after step 5 of 10"):
        trainer.fit(module, rows, CONFIG, tmp_path / "cut", tokenizer=tokenizer, stop=lambda: next(calls) == 5)
    trainer.fit(again, rows, CONFIG, tmp_path / "cut", tokenizer=tokenizer)
    assert all(
        torch.equal(one, other) for one, other in zip(weights(whole).values(), weights(again).values(), strict=True)
    )


def test_a_model_folder_becomes_one_that_prefers(module, tokenizer, rows, tmp_path):
    save_model(tmp_path / "tuned", module, tokenizer)
    made = trainer.prefer(
        tmp_path / "tuned", rows, replace(CONFIG, steps=30, learning_rate=0.005, checkpoint_every=0), tmp_path / "out"
    )
    model = load(made)
    before, after = (margins(one, tokenizer, rows) for one in (module, model.module))
    assert float(after.mean()) > float(before.mean()) + 3


def test_bad_settings_are_said(module, tokenizer, rows):
    with pytest.raises(InputError, match="max_length=999 is longer than the model's context; use 128 or less"):
        trainer.fit(module, rows, replace(CONFIG, max_length=999), tokenizer=tokenizer)
    with pytest.raises(InputError, match="dpo needs a chosen and a rejected answer in every row"):
        trainer.fit(module, [{"prompt": "1?", "completion": "a", "label": True}], CONFIG, tokenizer=tokenizer)
    with pytest.raises(InputError, match="kto needs two answers"):
        single = [{"prompt": "1?", "completion": "a", "label": True}]
        trainer.fit(module, single, replace(CONFIG, method="kto"), tokenizer=tokenizer)
    with pytest.raises(InputError, match="not all to one prompt.*; give rows with other prompts"):
        trainer.fit(module, rows[:1], replace(CONFIG, method="kto"), tokenizer=tokenizer)
    for wrong in (
        {"method": "ppo"},
        {"beta": 0},
        {"label_smoothing": 0.5},
        {"epochs": 0},
        {"steps": -1},
        {"desirable_weight": -1},
    ):
        with pytest.raises(ConfigError, match="use|must be"):
            DpoConfig(**wrong)
    for given in ({"data": "pairs.jsonl"}, {"answers": "world"}):
        with pytest.raises(ConfigError, match="leave the reward model .--reward-model. out, or the pairs"):
            DpoConfig(reward="model", **given)


# ── against TRL's trainers: the same model, pairs and order; ten steps ──


def dataset_of(pairs, method):
    datasets = pytest.importorskip("datasets")
    if method == "kto":
        singles = trainer.alone(pairs)
        others = trainer.mismatched(singles, 128)
        return datasets.Dataset.from_list(
            [
                {"prompt_ids": one.prompt, "completion_ids": one.answers[0], "label": one.desirable[0],
                 "KL_completion_ids": other.answers[0]}
                for one, other in zip(singles, others, strict=True)
            ]
        )  # fmt: skip
    return datasets.Dataset.from_list(
        [{"prompt_ids": one.prompt, "chosen_ids": one.answers[0], "rejected_ids": one.answers[1]} for one in pairs]
    )


def theirs(method, folder, pairs, order, words):
    import transformers
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

    kind, settings = (KTOTrainer, KTOConfig) if method == "kto" else (DPOTrainer, DPOConfig)

    class InOrder(kind):
        def _get_train_sampler(self, *rest):
            return order

        def _prepare_dataset(self, dataset, *rest):
            return dataset

    told = {"loss_type": "ipo"} if method == "ipo" else {}
    arguments = settings(
        output_dir=str(folder / "trl"), per_device_train_batch_size=4, max_steps=10, learning_rate=CONFIG.learning_rate,
        lr_scheduler_type="constant", adam_beta2=0.95, max_grad_norm=1.0, beta=0.1, use_cpu=True, bf16=False, save_strategy="no",
        report_to=[], logging_steps=1, disable_tqdm=True, gradient_checkpointing=False, max_length=None, **told,
    )  # fmt: skip
    model, frozen = (transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32) for _ in range(2))
    made = InOrder(
        model, ref_model=frozen, args=arguments, train_dataset=dataset_of(pairs, method), processing_class=words
    )
    made.train()
    return model, [line["loss"] for line in made.state.log_history if "loss" in line]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["dpo", "ipo", "kto"])
def test_ten_steps_give_the_weights_of_trl(module, tokenizer, rows, method, tmp_path, trl):
    import transformers

    save_model(tmp_path / "tuned", module, tokenizer)
    rows = rows[:2] if method == "kto" else rows  # one batch: TRL pairs a prompt with another answer of its batch
    config = replace(CONFIG, method=method)
    pairs = encode(rows, tokenizer, 128).pairs
    units = len(pairs) * (2 if method == "kto" else 1)
    order = [row for step in range(10) for row in chosen_tasks(step, units, 4, config.seed)]
    if method == "kto":
        order = [0, 1, 2, 3] * 10
    words = transformers.AutoTokenizer.from_pretrained(tmp_path / "tuned")
    model, losses = theirs(method, tmp_path / "tuned", pairs, order, words)
    told = []
    trainer.fit(module, rows, config, tokenizer=tokenizer, listeners=[lambda event: told.append(event.loss)])
    torch.testing.assert_close(torch.tensor(told), torch.tensor(losses), rtol=1e-4, atol=1e-4)
    their_weights = dict(model.named_parameters())
    ours = load_names(module, tokenizer, tmp_path / "after")
    for name, weight in ours.items():
        torch.testing.assert_close(weight, their_weights[name].detach(), rtol=1e-4, atol=1e-4)


def load_names(module, tokenizer, folder):
    """Our weights under the names that transformers gives them."""
    import transformers

    save_model(folder, module, tokenizer)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("method", BETA)
def test_pairs_kept_back_are_measured_against_the_model_before(undecided, module, tokenizer, rows, method):
    config = replace(CONFIG, method=method, steps=6)
    held = trainer.prepared(module, rows, config, tokenizer)
    before = held.measure(module)
    trainer.fit(module, rows, config, tokenizer=tokenizer)
    after = held.measure(module)
    assert after["loss"] < before["loss"] and ("accuracy" in after) == (method != "kto")
    if method == "dpo":
        moved = margins(module, tokenizer, rows) - margins(undecided, tokenizer, rows)
        assert before["loss"] == pytest.approx(math.log(2), abs=1e-4)
        assert after["margin"] == pytest.approx(0.1 * float(moved.mean()), abs=1e-4)
        assert after["accuracy"] == pytest.approx(float((moved > 0).double().mean()))
