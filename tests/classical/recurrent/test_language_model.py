"""The recurrent language model in the house's hands: loop, sampler, batches, folder."""

import json

import numpy as np
import pytest
import torch

from groundup import files
from groundup.classical.recurrent import language_model
from groundup.classical.recurrent.language_model import RecurrentConfig, RecurrentLM
from groundup.classical.recurrent.truncated import Carried, RunningText
from groundup.errors import ConfigError, FormatError, InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.training.config import TrainConfig
from groundup.training.loop.trainer import train
from groundup.training.objectives.causal import causal_loss

KINDS = ("rnn_lm", "lstm_lm", "gru_lm")
GREEDY = SamplingConfig(temperature=0, max_new_tokens=12)


def model(kind="lstm_lm", **named):
    return RecurrentLM(RecurrentConfig(model_type=kind, vocab_size=11, hidden_size=16, **named), seed=2)


def ids(*shape, seed=0):
    return torch.randint(11, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_those_of_torchs_network_between_embedding_and_head(kind):
    one = model(kind, num_hidden_layers=2, tie_word_embeddings=False)
    peer = getattr(torch.nn, kind[:-3].upper())(16, 16, 2, batch_first=True)
    peer.load_state_dict(one.layers.state_dict())
    given = ids(3, 8)
    meant = peer(one.embedding(given))[0] @ one.lm_head.weight.T
    assert (one(given) - meant).abs().max() < 2e-6
    assert isinstance(one(given), torch.Tensor) and one(given).shape == (3, 8, 11)


@pytest.mark.parametrize("kind", KINDS)
def test_documents_packed_one_behind_the_other_have_the_logits_of_each_alone(kind):
    one, given = model(kind), ids(1, 9)
    packed = one(given, torch.ones(9, 9, dtype=torch.bool).tril()[None], torch.tensor([[0, 1, 2, 3, 0, 1, 0, 1, 2]]))
    for first, end in ((0, 4), (4, 6), (6, 9)):
        assert (packed[:, first:end] - one(given[:, first:end])).abs().max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_of_unequal_length_are_completed_together_as_each_alone(kind):
    one, prompts = model(kind, num_hidden_layers=2), [[1, 2, 3, 4, 5], [7], [1, 2, 3, 4, 5], [3, 9]]
    together = one.generate(prompts, GREEDY)
    assert [done.ids for done in together] == [one.generate([prompt], GREEDY)[0].ids for prompt in prompts]
    text = prompts[1] + together[1].ids
    assert one(torch.tensor([text]))[0, :-1].argmax(-1).tolist() == text[1:], "as without a cache"


def test_rows_that_stop_leave_the_others_alone():
    one, prompts = model(), [[number] for number in range(11)]
    free = one.generate(prompts, GREEDY)
    stop = free[3].ids[0]
    for whole, cut in zip(free, one.generate(prompts, GREEDY, [stop]), strict=True):
        end = whole.ids.index(stop) + 1 if stop in whole.ids else len(whole.ids)
        assert cut.ids == whole.ids[:end]


def test_the_training_loop_trains_it_on_a_text_that_repeats():
    running = RunningText(list(range(10)) * 60, 4, 20)
    one = model()
    config = TrainConfig(steps=60, batch_size=4, seq_len=20, optimizer="adamw", learning_rate=0.02, checkpoint_every=0)
    assert train(one, running.batch, config).loss < 0.2 < np.log(10)


def test_a_run_that_was_stopped_goes_on_from_its_checkpoint(tmp_path):
    running, made = RunningText(list(range(10)) * 60, 4, 20), []
    named = {"batch_size": 4, "seq_len": 20, "optimizer": "adamw", "learning_rate": 0.02, "checkpoint_every": 5}
    for folder, parts in (("whole", (10,)), ("parts", (5, 10))):
        for steps in parts:
            one = model()
            train(one, running.batch, TrainConfig(steps=steps, schedule="constant", **named), folder=tmp_path / folder)
        made.append(one.embedding.weight.detach())
    assert torch.equal(*made)


def test_a_carried_state_makes_parts_of_a_text_cost_what_the_whole_costs():
    one, text = model(), ids(81).tolist()
    whole, parts = RunningText(text, 2, 40), RunningText(text, 2, 8)
    carried = Carried()
    with torch.no_grad():
        at_once = causal_loss(one, whole.batch(0))
        summed = [carried(one, parts.batch(step)) for step in range(5)]
    assert sum(count for _, count in summed) == at_once[1] == 80
    assert float(sum(loss for loss, _ in summed)) == pytest.approx(float(at_once[0]), rel=1e-5)


def test_no_gradient_goes_back_beyond_the_batch():
    one, running, carried = model("rnn_lm"), RunningText(ids(200).tolist(), 2, 10), Carried()
    for step in range(3):
        one.zero_grad()
        carried(one, running.batch(step))[0].backward()  # would fail where the last batch's graph were asked for
    assert all(not state.requires_grad for state in carried.cache.states)


def test_a_text_that_is_begun_again_begins_with_an_empty_state():
    running = RunningText(ids(41).tolist(), 2, 10)
    assert running.batches == 2 and int(running.batch(2).positions[0, 0]) == 0 == int(running.batch(0).positions[0, 0])
    assert int(running.batch(1).positions[0, 0]) == 10


def test_the_folder_gives_the_model_back(tmp_path):
    for kind in KINDS:
        one = model(kind, tie_word_embeddings=kind != "gru_lm")
        one.save(tmp_path / kind)
        other = RecurrentLM.load(tmp_path / kind)
        assert other.config == one.config and torch.equal(one(ids(2, 5)), other(ids(2, 5)))
        assert json.loads((tmp_path / kind / "config.json").read_text())["model_type"] == kind


def changed(folder, **keys):
    raw = json.loads((folder / "config.json").read_text())
    files.write_json(folder / "config.json", raw | keys)
    files.write_checksums(folder)


def test_a_damaged_folder_is_answered_by_file_and_way_out(tmp_path):
    model().save(tmp_path / "a")
    changed(tmp_path / "a", hidden_size=8)
    with pytest.raises(FormatError, match="config.json asks for"):
        RecurrentLM.load(tmp_path / "a")
    changed(tmp_path / "a", hidden_size=16, temperature=3)
    with pytest.raises(ConfigError, match="temperature is no key"):
        RecurrentLM.load(tmp_path / "a")
    raw = json.loads((tmp_path / "a" / "config.json").read_text())
    for left_out in ({"temperature", "vocab_size"}, {"temperature"}):
        files.write_json(
            tmp_path / "a" / "config.json", {name: raw[name] for name in raw.keys() - left_out} | {"hidden_size": "16"}
        )
        files.write_checksums(tmp_path / "a")
        with pytest.raises(
            FormatError, match="(?s)not as a recurrent language model is written .*train and save it again"
        ):
            RecurrentLM.load(tmp_path / "a")
    changed(tmp_path / "a", model_type="hmm_tagger")
    with pytest.raises(InputError, match="has model_type 'hmm_tagger'"):
        RecurrentLM.load(tmp_path / "a")
    one = model()
    with torch.no_grad():
        one.embedding.weight[0, 0] = float("nan")
    one.save(tmp_path / "b")
    with pytest.raises(FormatError, match="embedding.weight holds NaN"):
        RecurrentLM.load(tmp_path / "b")
    weights = tmp_path / "b" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5])
    with pytest.raises(FormatError, match="damaged"):
        RecurrentLM.load(tmp_path / "b")


def test_bad_input_is_one_sentence_with_the_way_out(monkeypatch):
    with pytest.raises(InputError, match="id 11 is beyond the vocabulary of 11; encode"):
        model()(torch.tensor([[1, 11]]))
    with pytest.raises(InputError, match="id -1 is beyond"):
        model()(torch.tensor([[-1]]))
    with pytest.raises(InputError, match="pass positions"):
        model()(ids(1, 3), torch.ones(3, 3, dtype=torch.bool))
    with pytest.raises(ConfigError, match="hidden_size=0 leaves nothing to train"):
        RecurrentConfig(vocab_size=3, hidden_size=0)
    with pytest.raises(ConfigError, match="use rnn_lm, lstm_lm, gru_lm"):
        RecurrentConfig(model_type="rnn", vocab_size=3)
    with pytest.raises(InputError, match="give a longer text"):
        RunningText([1, 2, 3], 2, 4)
    with pytest.raises(InputError, match="prompt 0 has no token"):
        model().generate([[]], GREEDY)
    monkeypatch.setattr(language_model, "_memory", lambda: 1000)
    with pytest.raises(InputError, match=r"cut the text into shorter rows and carry the state over \(truncated.py\)"):
        model()(ids(2, 50))
