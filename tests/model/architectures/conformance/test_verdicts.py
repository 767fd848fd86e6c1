"""The conformance test: what is right passes, and each planted fault is named, by the check that is meant and before any other."""

import pytest
import torch

from groundup.errors import ConfigError
from groundup.model import parts
from groundup.model.architectures import FAMILIES, config_from_dict, your_own
from groundup.model.architectures.conformance import CHECKS, conform

ATTEND = "mixed = attend(query, key, value, mask, causal=True)\n"
UPDATE = "key, value = cache.update(layer, key, value)"
TURN = "query, key = turn(query, angles), turn(key, angles)"
GATED = "torch.sigmoid(self.gate_proj(x)) * mixed"
GATE = "        self.gate_proj = Linear(hidden, query)\n"
BUILD = "    parts={Gated: GatedAttention},\n"
DECODER = """
from groundup.model import parts
from groundup.model.transformer import Decoder


class MyDecoder(Decoder):
    def hidden(self, input_ids, mask=None, positions=None, cache=None):
        {body}
        return super().hidden(input_ids, mask, positions, cache)


def build(config):
    module = parts.compose(config)
    module.__class__ = MyDecoder
    {end}
    return module


ARCHITECTURE = """


def decoder(body="pass", end="pass"):
    """A decoder of the user's own instead of the composed one."""
    return ("ARCHITECTURE = ", DECODER.format(body=body, end=end)), (BUILD, BUILD + "    build=build,\n")


def attention(new):
    return ((ATTEND, f"        {new}\n".lstrip()),)


# what is planted -> what is replaced in the template, the check that names it, words of what it says
FAULTS = {
    "a leak of the future": (
        ((", mask, causal=True", ", mask, causal=False"),),
        "causality", ("first seen in model.layers.0.self_attn)", "no causal mask"),
    ),
    "a mask that is off by one": (
        attention("seen = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).tril(1 + key.shape[2] - query.shape[2])\n"
                  "        mixed = attend(query, key, value, seen if mask is None else mask)"),
        "causality", ("sees the one after it", "off by one"),
    ),
    "a mean over the sequence": (
        ((GATED, GATED + " + query.transpose(1, 2).flatten(2).mean(1, keepdim=True)"),),
        "causality", ("up to 9 tokens ahead", "a mean"),
    ),
    "attention that hears nothing": (
        ((GATED, "torch.sigmoid(self.gate_proj(x))"),), "memory", ("do not depend on the token before it",),
    ),
    "a forgotten cache position": (
        ((TURN, "from groundup.model.positions.rotary import Rotary\n"
                "        angles = Rotary(self.head_dim).angles(torch.arange(x.shape[1]), x.dtype)\n        " + TURN),),
        "cache", ("the second part is wrong", "each call counts from 0"),
    ),
    "positions that begin at 0 again": (
        decoder("positions = torch.arange(input_ids.shape[1]) if positions is None else positions"),
        "cache", ("at the wrong place", "cache.length"),
    ),
    "a cache that is written and not read": (((UPDATE, "cache.update(layer, key, value)"),), "cache", ("sees nothing of the first",)),
    "a cache that is never asked": (((UPDATE, "pass"),), "cache", ("never asked",)),
    "every layer in the first layer's cache": (((UPDATE, UPDATE.replace("layer,", "0,")),), "cache", ("[0, 0]", "`layer`")),
    "keys that are cached before they are turned": (
        ((TURN, "query, key = turn(query, angles), turn(key, angles) if cache is None else key"),),
        "cache", ("after norm and rotation",),
    ),
    "a mask that begins at the first key": (
        attention("seen = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).tril()\n"
                  "        mixed = attend(query, key, value, mask, causal=query.shape[2] == 1) if mask is not None or query.shape[2] == 1 "
                  "else attend(query, key, value, seen)"),
        "cache", ("unless it is one token", "the last query stands at the last key"),
    ),
    "an unused weight": (((GATED, "mixed"),), "gradient", ("self_attn.gate_proj.weight", "never used")),
    "a detached part": (((GATED, "torch.sigmoid(self.gate_proj(x)).detach() * mixed"),), "gradient", ("gate_proj", "detached")),
    "a part that is multiplied by zero": (((GATED, "(1 + 0 * self.gate_proj(x)) * mixed"),), "gradient", ("multiplied by 0",)),
    "rows that are mixed": (
        ((GATED, GATED + " - mixed.mean(0, keepdim=True)"),),
        "batch", ("first seen in model.layers.0.self_attn)", "axis 0"),
    ),
    "something divided by the batch's size": (((GATED, GATED + " / len(x)"),), "batch", ("alone than in a batch",)),
    "a running mean": (
        (
            (GATED, GATED + " + self.mean"),
            ("mixed = mixed.tr", "self.mean = getattr(self, 'mean', 0.0) + float(mixed.mean())\n        mixed = mixed.tr"),
        ),
        "repeatable", ("kept between calls",),
    ),
    "a mask that is kept": (
        attention("self.seen = getattr(self, 'seen', torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril())\n"
                  "        mixed = attend(query, key, value, self.seen if mask is None else mask)"),
        "repeatable", ("a text of another size", "kept between calls"),
    ),
    "a mask that is not handed on": (((", mask, causal=True", ", None, causal=True"),), "mask", ("is not obeyed",)),
    "the first row's mask for all": (
        ((", mask, causal=True", ", None if mask is None else mask[:1], causal=True"),), "padding", ("is looked at",),
    ),
    "a head that is tied only in the configuration": (
        decoder(end="module.lm_head = Linear(config.hidden_size, config.vocab_size)"),
        "tied head", ("a matrix of its own", "module.tie()"),
    ),
    "a number that is drawn and not saved": (
        ((GATE, GATE + "        self.tilt = torch.randn(query)\n"), (GATED, GATED + " * self.tilt")),
        "save and load", ("self_attn.tilt", "no file holds"),
    ),
    "dropout that stays on": (((GATED, f"torch.nn.functional.dropout({GATED}, 0.1)"),), "repeatable", ("dropout is on",)),
    "an input that is changed": (decoder("input_ids.clamp_(min=1)"), "input kept", ("changes input_ids in place",)),
    "a weight that is changed": (
        ((GATED, GATED + " * self.gate_proj.weight.mul_(0.99).mean()"),), "input kept", ("gate_proj.weight in place",),
    ),
    "a float64 cast": (
        ((GATED, "torch.sigmoid(self.gate_proj(x)).double() * mixed"),),
        "numbers", ("logits float64", "model.layers.0.self_attn"),
    ),
    "a float32 tensor on the way": (
        ((GATED, GATED + " * torch.ones(x.shape[1], 1)"),), "bfloat16", ("logits are float32", ".to(x.dtype)"),
    ),
    "a product of two number formats": (
        ((GATED, GATED + " @ torch.eye(mixed.shape[-1])"),), "bfloat16", ("architecture.py:", "dtype=x.dtype"),
    ),
    "the logarithm of a negative number": (((GATED, GATED + " + mixed.log()"),), "numbers", ("NaN", "self_attn")),
    "weights in a list": (
        ((GATE, "        self.gates = [Linear(hidden, query)]\n"), ("self.gate_proj(x)", "self.gates[0](x)")),
        "built", ("self_attn.gates", "nn.ModuleList"),
    ),
    "weights that are not counted": (
        (("plain.weights + hidden * self.heads * self.head_dim", "plain.weights"),), "count", ("`counted`",),
    ),
    "positions that are clamped": (
        decoder("positions = torch.arange(input_ids.shape[1]) + (0 if cache is None else cache.length) if positions is None else positions\n"
                "        positions = positions.clamp(max=63)"),
        "context", ("position 64", "the last one", "InputError"),
    ),
    "logits that begin too large": (
        (("self.norm())\n\n\nARCH", "self.norm(), logit_scale=40.0)\n\n\nARCH"),), "first loss", ("log(64) = 4.16", "too large"),
    ),
    "a line that fails": (((GATED, GATED + "[:, :3]"),), "shapes", ("RuntimeError", "architecture.py:")),
}  # fmt: skip


@pytest.fixture
def architecture(tmp_path):
    """Load the template with some of its text replaced; the families are as before when the test is over."""
    families, builders = dict(FAMILIES), dict(parts.BUILDERS)

    def make(replaced=()):
        text = your_own.template()
        for old, new in replaced:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the template"
            text = text.replace(old, new)
        (tmp_path / "architecture.py").write_text(text)
        return your_own.load(tmp_path)

    yield make
    for now, before in ((FAMILIES, families), (parts.BUILDERS, builders)):
        now.clear()
        now.update(before)


def test_the_template_passes_every_check(architecture):
    verdicts = list(conform(architecture().example))
    assert [verdict.name for verdict in verdicts] == list(CHECKS)
    assert {verdict.state for verdict in verdicts} == {"passed"}, [v.said for v in verdicts if v.said]
    assert all(verdict.about for verdict in verdicts)


@pytest.mark.parametrize("planted", FAULTS)
def test_a_planted_fault_is_named_by_its_check_and_no_other_comes_before(architecture, planted):
    replaced, check, words = FAULTS[planted]
    first = next(verdict for verdict in conform(architecture(replaced).example) if verdict.state == "failed")
    assert first.name == check, first.said
    for word in words:
        assert word in first.said, first.said
    assert "; " in first.said or ": " in first.said  # what is wrong, and the way out


def test_every_check_has_a_planted_fault():
    assert {check for _, check, _ in FAULTS.values()} >= CHECKS.keys() - {"config"}


def test_a_field_that_json_does_not_know_is_named(architecture):
    replaced = (("    def blueprint(self)", "    shape: tuple = ((1, 2),)\n\n    def blueprint(self)"),)
    first = next(verdict for verdict in conform(architecture(replaced).example) if verdict.state == "failed")
    assert first.name == "config" and first.said.startswith("shape ")


def test_what_cannot_be_judged_yet_is_skipped_and_says_why(architecture):
    verdicts = {verdict.name: verdict for verdict in conform(architecture(FAULTS["a float64 cast"][0]).example)}
    assert (
        verdicts["causality"].state == "skipped"
        and verdicts["causality"].said == "not tried before repeatable is right"
    )
    assert verdicts["count"].state == "passed"


@pytest.mark.parametrize(
    "family", sorted(FAMILIES.keys() & {"llama", "gpt2", "gemma2", "falcon", "mistral", "groundup"})
)
def test_families_pass(family):
    own = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64} if family == "gpt2" else {}
    plain = {
        "hidden_size": 32, "intermediate_size": 56, "num_hidden_layers": 2, "num_attention_heads": 4,
        "max_position_embeddings": 64,
    }  # fmt: skip
    raw = own or {key: value for key, value in plain.items() if (family, key) != ("falcon", "intermediate_size")}
    raw |= {
        "gemma2": {"num_key_value_heads": 2, "head_dim": 8},
        "mistral": {"num_key_value_heads": 2, "sliding_window": 4},
    }.get(family, {})
    verdicts = list(conform(config_from_dict({"model_type": family, "vocab_size": 97} | raw)))
    assert {verdict.state for verdict in verdicts} == {"passed"}, [(v.name, v.said) for v in verdicts if v.said]


def test_what_is_no_decoder_is_refused():
    with pytest.raises(ConfigError, match="describes no decoder"):
        next(conform(object()))


def test_random_numbers_outside_stay_as_they_were(architecture):
    before = torch.get_rng_state()
    example = architecture().example
    next(conform(example))
    assert torch.equal(torch.get_rng_state(), before)
