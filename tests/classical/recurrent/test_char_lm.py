"""Character models: what they write and score, and the folder; a copy task for their memory."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from groundup import files
from groundup.classical.recurrent import GRU, LSTM, RNN, CharacterModel
from groundup.classical.recurrent.char_lm import CharacterConfig, log_probabilities, train
from groundup.classical.recurrent.memory import CopyTask, gradient_by_distance, learn, recalled
from groundup.errors import ConfigError, FormatError, InputError

PLAYS = Path(__file__).parents[4] / "shared" / "data" / "tinyshakespeare" / "input.txt"
SONG = "row, row, row your boat gently down the stream. " * 40


@pytest.fixture(scope="module")
def singer():
    return train(
        SONG, CharacterConfig(kind="gru", hidden_size=32, steps=120, batch_size=8, seq_len=24, learning_rate=0.02)
    )


def test_a_song_is_learned_by_heart(singer):
    assert singer.generate("row, row, ", characters=24, temperature=0) == "row your boat gently dow"
    assert singer.score(SONG[:480])["bits_per_byte"] < 0.5 < math.log2(len(set(SONG)))


def test_what_is_drawn_depends_on_the_seed_alone(singer):
    first, again, other = (singer.generate("boat ", 40, temperature=3.0, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_a_long_text_scored_in_pieces_costs_what_it_costs_in_one(singer):
    ids = np.array(singer.tokenizer.encode(SONG[:600]))
    whole = log_probabilities(singer.module, ids, lead=600)
    pieces = log_probabilities(singer.module, ids, lead=60, rows=4)
    assert len(whole) == len(pieces) == 599 and np.abs(whole - pieces).max() < 0.05
    assert abs(whole.sum() - pieces.sum()) < 0.5
    meant = torch.log_softmax(singer.module(torch.tensor(ids[None, :-1])), -1)[
        0, torch.arange(599), torch.tensor(ids[1:])
    ]
    assert np.abs(whole - meant.detach().numpy()).max() < 1e-4


def test_the_unknown_character_is_never_written():
    raw = train("abcdefgh" * 60, CharacterConfig(hidden_size=4, steps=1, batch_size=2, seq_len=16))
    text = raw.generate("a", 100, temperature=3.0)  # a model that knows nothing yet, at any chance
    assert len(text) == 100 and set(text) <= set("abcdefgh")


def test_a_character_never_seen_is_counted_as_unknown(singer):
    scored = singer.score("row §§")
    assert scored["unknown"] == 2 and scored["bits_per_byte"] < scored["bits_per_character"]


def test_the_folder_gives_the_model_back(singer, tmp_path):
    singer.save(tmp_path / "song")
    other = CharacterModel.load(tmp_path / "song")
    assert other.score(SONG[:99]) == singer.score(SONG[:99])
    files.write_json(tmp_path / "song" / "vocab.json", {"characters": "abc"})
    files.write_checksums(tmp_path / "song")
    with pytest.raises(FormatError, match="has not the characters of a vocabulary"):
        CharacterModel.load(tmp_path / "song")
    assert json.loads((tmp_path / "song" / "config.json").read_text())["model_type"] == "gru_lm"


def test_bad_input(singer):
    with pytest.raises(InputError, match="not empty"):
        train("")
    with pytest.raises(InputError, match="give a longer text"):
        train("short")
    with pytest.raises(InputError, match="the prompt is empty"):
        singer.generate("")
    with pytest.raises(InputError, match="at least two"):
        singer.score("r")
    with pytest.raises(ConfigError, match="use rnn, lstm, gru"):
        CharacterConfig(kind="transformer")
    with pytest.raises(ConfigError, match="hidden_size=0"):
        CharacterConfig(hidden_size=0)


# ───────── memory ─────────


def test_the_gradient_by_distance_is_the_product_of_the_steps_jacobians():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = RNN(1, 1)
    weight_ih, weight_hh, *_ = (float(one.detach()) for one in network.parameters())
    inputs = torch.randn(1, 6, 1, generator=torch.Generator().manual_seed(1))
    slopes = (1 - network(inputs)[0][0, :, 0] ** 2).tolist()
    vector = float(torch.randn(1, 1, generator=torch.Generator().manual_seed(0)))
    meant = [abs(vector * weight_ih * weight_hh**distance * math.prod(slopes[5 - distance :])) for distance in range(6)]
    assert gradient_by_distance(network, inputs) == pytest.approx(meant, rel=1e-4)


def test_an_lstm_that_keeps_has_a_gradient_where_a_simple_network_has_none():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        simple, kept, copied = RNN(8, 16), LSTM(8, 16), GRU(8, 16)
        with torch.no_grad():
            kept.bias_ih_l0[16:32] = 5.0  # forget gates near 1
            copied.bias_ih_l0[16:32] = 5.0  # update gates near 1
        inputs = torch.randn(4, 61, 8)
    found = {type(one).__name__: gradient_by_distance(one, inputs) for one in (simple, kept, copied)}
    ratio = {name: norms[60] / norms[0] for name, norms in found.items()}
    assert ratio["RNN"] < 1e-9 and ratio["LSTM"] > 1e-2 and ratio["GRU"] > 1e-2


def test_the_copy_task_asks_for_what_was_told():
    batch = CopyTask(symbols=3, length=2, distance=4).batch(5, rows=6)
    assert (
        batch.input_ids.shape == (6, 8) and (batch.input_ids[:, 2:6] == 3).all() and (batch.input_ids[:, 6:] == 4).all()
    )
    assert torch.equal(batch.targets[:, -2:], batch.input_ids[:, :2]) and int(batch.loss_mask.sum()) == 12
    with pytest.raises(ConfigError, match="asks for nothing"):
        CopyTask(symbols=1)


def test_a_gru_tells_a_symbol_again_after_five_blanks():
    task = CopyTask(symbols=4, distance=5)
    assert recalled(learn("gru_lm", task, steps=150, hidden_size=16), task) > 0.9


def test_gates_that_begin_by_keeping_lose_half_in_about_so_many_steps():
    for kind in ("lstm_lm", "gru_lm"):
        with torch.random.fork_rng():
            layers = learn(kind, CopyTask(distance=1), steps=1, hidden_size=4, kept_for=30).layers
        assert (torch.sigmoid(layers.bias_ih_l0[4:8]) ** 21 - 0.5).abs().max() < 0.03


@pytest.mark.slow
def test_a_character_model_of_shakespeare_needs_fewer_than_2_75_bits_a_byte():
    if not PLAYS.exists():
        pytest.skip("tiny Shakespeare is not here")
    text = PLAYS.read_text()
    model = train(text[:1_000_000], CharacterConfig(kind="gru", hidden_size=128, steps=300))
    assert model.score(text[1_000_000:1_050_000])["bits_per_byte"] < 2.75  # measured: 2.5
