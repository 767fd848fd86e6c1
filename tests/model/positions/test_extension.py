"""Longer contexts: every scheme gives transformers' frequencies to the last bit, and does what its paper says."""

import math

import pytest
import torch
from transformers import LlamaConfig, Phi3Config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from groundup.errors import ConfigError, UnsupportedModel
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig as LlamaShape
from groundup.model.positions import extension
from groundup.model.positions.extension import rope_frequencies
from groundup.model.positions.needle import loss_by_position
from groundup.model.positions.rotary import Rotary

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "rope_theta": 1e4}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
    "rope_theta": 5e5,
}
LONGROPE = {
    "rope_type": "longrope",
    "short_factor": [1.0 + 0.01 * i for i in range(32)],
    "long_factor": [1.0 + 0.5 * i for i in range(32)],
    "original_max_position_embeddings": 4096,
    "factor": 32.0,
    "rope_theta": 1e4,
}
CASES = {
    "linear": {"rope_type": "linear", "factor": 3.0, "rope_theta": 1e4},
    "dynamic": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4},
    "yarn": YARN,
    "yarn, long": YARN | {"factor": 40, "original_max_position_embeddings": 4096, "rope_theta": 1e6},
    "yarn, betas": YARN | {"beta_fast": 16.0, "beta_slow": 2.0, "original_max_position_embeddings": 2048},
    "yarn, not truncated": YARN | {"truncate": False, "original_max_position_embeddings": 4096},
    "yarn, DeepSeek": YARN | {"mscale": 1.0, "mscale_all_dim": 0.5, "original_max_position_embeddings": 4096},
    "yarn, told": YARN | {"attention_factor": 1.25},
    "llama3": LLAMA3,
    "longrope": LONGROPE,
    "longrope, told": LONGROPE | {"attention_factor": 1.5},
}


def theirs(parameters, head_dim=64, length=None, max_position_embeddings=16384):
    config = LlamaConfig(
        hidden_size=4 * head_dim,
        num_attention_heads=4,
        max_position_embeddings=max_position_embeddings,
        rope_parameters=dict(parameters),
    )
    return ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, torch.device("cpu"), seq_len=length)


@pytest.mark.parametrize("length", [None, 100, 4096, 4097, 50_000])
@pytest.mark.parametrize("name", CASES)
def test_frequencies_and_attention_factor_are_those_of_transformers_to_the_last_bit(name, length):
    frequencies, attention_factor = theirs(CASES[name], length=length)
    ours = rope_frequencies(64, CASES[name], max_position_embeddings=16384, length=length)
    assert torch.equal(ours.frequencies, frequencies)
    assert ours.attention_factor == attention_factor


@pytest.mark.parametrize("head_dim", [4, 32, 128])
@pytest.mark.parametrize("name", ["linear", "dynamic", "yarn", "llama3"])
def test_other_head_sizes_agree_too(name, head_dim):
    frequencies, _ = theirs(CASES[name], head_dim)
    assert torch.equal(rope_frequencies(head_dim, CASES[name], max_position_embeddings=16384).frequencies, frequencies)


def test_without_a_scheme_they_are_those_of_the_llama_module():
    config = LlamaConfig(
        hidden_size=256, num_attention_heads=4, rope_parameters={"rope_type": "default", "rope_theta": 5e3}
    )
    ours = rope_frequencies(64, {"rope_theta": 5e3})
    assert torch.equal(ours.frequencies, LlamaRotaryEmbedding(config).inv_freq)
    assert ours.attention_factor == 1.0


def test_cosines_and_sines_are_those_of_the_yarn_module():
    config = LlamaConfig(
        hidden_size=256, num_attention_heads=4, max_position_embeddings=256, rope_parameters=dict(YARN)
    )
    cos, sin = LlamaRotaryEmbedding(config)(torch.zeros(1), torch.arange(256)[None])
    ours = rope_frequencies(64, YARN, max_position_embeddings=256)
    angles = torch.arange(256)[:, None] * ours.frequencies
    assert torch.equal(cos[0, :, :32], angles.cos() * ours.attention_factor)
    assert torch.equal(sin[0, :, :32], angles.sin() * ours.attention_factor)


def test_a_partly_turned_head_has_fewer_frequencies():
    config = Phi3Config(
        hidden_size=256,
        num_attention_heads=4,
        max_position_embeddings=131072,
        original_max_position_embeddings=4096,
        pad_token_id=0,
        rope_parameters=LONGROPE
        | {"partial_rotary_factor": 0.75, "short_factor": [1.0] * 24, "long_factor": [2.0] * 24},
    )
    frequencies, attention_factor = ROPE_INIT_FUNCTIONS["longrope"](config, torch.device("cpu"), seq_len=5000)
    ours = rope_frequencies(64, config.rope_parameters, max_position_embeddings=131072, length=5000)
    assert len(ours.frequencies) == 24 and torch.equal(ours.frequencies, frequencies)
    assert ours.attention_factor == attention_factor


def test_the_older_keys_say_the_same():
    older = {"type": "su"} | {key: value for key, value in LONGROPE.items() if key not in ("rope_type", "factor")}
    ours = rope_frequencies(64, older, max_position_embeddings=131072, length=9000)
    expected = rope_frequencies(64, LONGROPE, length=9000)
    assert torch.equal(ours.frequencies, expected.frequencies) and ours.attention_factor == expected.attention_factor


# ───────── what the papers say ─────────


def test_the_ntk_theta_slows_the_last_pair_by_the_factor_and_the_first_not_at_all():
    trained = extension.default(64, 1e4).frequencies.double()
    stretched = extension.ntk(64, 1e4, factor=4.0).frequencies.double()
    slower = trained / stretched
    assert slower[0] == 1 and slower[-1].item() == pytest.approx(4.0, rel=1e-6)
    assert (slower.diff() > 0).all()
    assert extension.ntk_theta(128, 1e4, 8.0) == pytest.approx(1e4 * 8 ** (128 / 126))


def test_dynamic_scaling_changes_nothing_up_to_the_trained_length_and_grows_beyond():
    at = [
        extension.dynamic(64, 1e4, factor=4.0, max_position_embeddings=64, length=n).frequencies
        for n in (1, 64, 65, 256)
    ]
    trained = extension.default(64, 1e4).frequencies
    assert torch.equal(at[0], trained) and torch.equal(at[1], trained)
    assert at[2][-1] < trained[-1] and at[3][-1] < at[2][-1]


def test_yarn_keeps_pairs_that_turn_often_and_divides_those_that_never_turn_once():
    ours, trained = (
        extension.yarn(128, 1e4, factor=16.0, original_max_position_embeddings=4096),
        extension.default(128, 1e4),
    )
    turns = 4096 * trained.frequencies / (2 * math.pi)
    ratio = trained.frequencies / ours.frequencies
    assert torch.allclose(ratio[turns > 34], torch.tensor(1.0)) and torch.allclose(
        ratio[turns < 0.9], torch.tensor(16.0)
    )
    assert ((ratio > 1.01) & (ratio < 15.9)).any()
    assert ours.attention_factor == pytest.approx(0.1 * math.log(16) + 1)  # eq. 22: the root of 1/t


def test_the_ramp_by_hand():
    # theta 10000, d 16: pair i turns L / (2 pi) * 10^(-i/2) times, so pair 2 a tenth of L / (2 pi), pair 4 a hundredth.
    turns = 628 / (2 * math.pi)
    ramp = extension.yarn_ramp(16, 1e4, 628, turns / 10, turns / 100, truncate=False)
    assert ramp.tolist() == pytest.approx([1, 1, 1, 0.5, 0, 0, 0, 0], abs=1e-6)


def test_llama3_keeps_leaves_and_blends_by_turns():
    ours, trained = rope_frequencies(128, LLAMA3).frequencies, extension.default(128, 5e5).frequencies
    turns = 8192 * trained / (2 * math.pi)
    assert torch.equal(ours[turns > 4], trained[turns > 4])
    assert torch.equal(ours[turns < 1], trained[turns < 1] / 8)
    middle = (turns > 1) & (turns < 4)
    kept = (turns[middle] - 1) / 3
    assert middle.any() and torch.allclose(ours[middle], trained[middle] * (kept + (1 - kept) / 8), rtol=1e-5)


# ───────── mistakes ─────────


@pytest.mark.parametrize(
    "parameters, error, sentence",
    [
        ({"rope_type": "mrope", "rope_theta": 1e4}, UnsupportedModel, "rope_type 'mrope' is not implemented; there are default"),
        (YARN | {"beta": 3}, UnsupportedModel, "holds beta, which would change the output"),
        ({"rope_type": "linear", "rope_theta": 1e4}, ConfigError, "needs factor; add what"),
        ({"rope_type": "linear", "factor": 2.0}, ConfigError, "no rope_theta; add the configuration's"),
        ({"rope_type": "linear", "factor": 0.5, "rope_theta": 1e4}, ConfigError, "factor=0.5 is not possible; use a number of 1"),
        ({"rope_type": "linear", "factor": "4", "rope_theta": 1e4}, ConfigError, "factor='4' is not possible; use"),
        ({"rope_type": "linear", "factor": float("nan"), "rope_theta": 1e4}, ConfigError, "factor=nan is not possible"),
        ({"rope_type": "default", "rope_theta": 0}, ConfigError, "rope_theta=0 is not possible; use a number over 1"),
        ({"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}, ConfigError, "needs max_position_embeddings"),
        (LONGROPE | {"long_factor": [1.0]}, ConfigError, "long_factor has 1 numbers for 32 pairs; give one for each"),
        (LLAMA3 | {"high_freq_factor": 1.0}, ConfigError, "must be greater than low_freq_factor=1.0; Llama 3.1 has"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named_with_the_way_out(parameters, error, sentence):
    with pytest.raises(error, match=sentence):
        rope_frequencies(64, parameters)


def test_sizes_that_cannot_be_turned_are_named():
    with pytest.raises(ConfigError, match="head_dim=7 cannot be turned.*use an even number"):
        rope_frequencies(7, {"rope_theta": 1e4})
    with pytest.raises(ConfigError, match="one pair.*use linear"):
        extension.ntk(2, 1e4, factor=2.0)


def test_keys_that_only_tell_of_the_training_are_taken():
    parameters = {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4, "original_max_position_embeddings": 64}
    assert torch.equal(rope_frequencies(8, parameters).frequencies, extension.default(8, 1e4).frequencies / 2)


# ───────── what it is for ─────────

LETTERS, SHORT, LONG, HEAD_DIM, THETA = 16, 64, 256, 32, 500.0


def texts(count, length, seed):
    """Letters that follow from the last two, but for one in ten."""
    source = torch.Generator().manual_seed(seed)
    law = torch.randperm(LETTERS**2, generator=torch.Generator().manual_seed(1)) % LETTERS
    letters = torch.randint(0, LETTERS, (count, length + 1), generator=source)
    drawn = torch.rand(count, length + 1, generator=source) < 0.1
    for place in range(2, length + 1):
        follows = law[letters[:, place - 1] * LETTERS + letters[:, place - 2]]
        letters[:, place] = torch.where(drawn[:, place], letters[:, place], follows)
    return letters


def trained_on_short_texts(seed, steps=300, batch=16):
    """Two layers of two heads, trained on texts of 64 letters."""
    config = LlamaShape(
        vocab_size=LETTERS,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=SHORT,
        rope_theta=THETA,
    )
    model, rows = build(config, seed=seed), texts(steps * batch, SHORT, seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3, betas=(0.9, 0.95), weight_decay=0.01)
    for step, chosen in enumerate(rows.split(batch)):
        optimizer.param_groups[0]["lr"] = 6e-3 * min(1.0, (step + 1) / 20, (steps - step) / (0.3 * steps))
        loss = torch.nn.functional.cross_entropy(model(chosen[:, :-1]).flatten(0, 1), chosen[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@pytest.fixture
def one_thread():
    """Products this small only wait for a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_trained_model_reads_four_times_its_length_and_the_schemes_keep_their_order(seed, one_thread):
    """Means over the positions: from 128 on YaRN, dynamic, llama3 < NTK < unchanged; up to 64 unchanged < YaRN < linear."""
    model, rows = trained_on_short_texts(seed), texts(32, LONG, 99)
    stretched = {"factor": 4.0, "original_max_position_embeddings": SHORT}
    rotaries = {
        "unchanged": Rotary(HEAD_DIM, THETA),
        "ntk": Rotary(HEAD_DIM, extension.ntk_theta(HEAD_DIM, THETA, 4.0)),
        "linear": Rotary(HEAD_DIM, THETA, stretched | {"rope_type": "linear"}, SHORT),
        "dynamic": Rotary(HEAD_DIM, THETA, stretched | {"rope_type": "dynamic"}, SHORT),
        "yarn": Rotary(HEAD_DIM, THETA, stretched | {"rope_type": "yarn"}, SHORT),
        "llama3": Rotary(
            HEAD_DIM, THETA, stretched | {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0}, SHORT
        ),
    }
    near, far = {}, {}
    for name, rotary in rotaries.items():
        model.rotaries = [rotary] * 2
        with torch.no_grad():
            losses = loss_by_position(model(rows[:, :-1]), rows[:, 1:])
        near[name], far[name] = losses[16:64].mean().item(), losses[128:].mean().item()
    assert max(far["yarn"], far["dynamic"], far["llama3"]) < far["ntk"] < far["unchanged"]
    assert near["unchanged"] < near["yarn"] < near["linear"] - 0.3
    assert far["yarn"] < near["yarn"] + 0.1  # level to the end


def test_a_config_json_is_read_without_torch_by_the_same_list_of_schemes():
    from groundup.model.architectures import rope

    assert set(rope.TYPES) == extension.SCHEMES.keys() | extension.OLDER_NAMES.keys()
