"""HLO read: a text by hand without jax; with jax, what XLA made of a step, beside jax's own counting."""

import numpy as np
import pytest

from groundup.errors import FormatError, MissingExtra
from groundup.machine.kernels import jax_step, xla

TEXT = """HloModule jit_f, is_scheduled=true

%add_of (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %sum = f32[] add(%a, %b)
}

%fused (p: f32[4,8]) -> f32[4,8] {
  %p = f32[4,8]{1,0} parameter(0)
  %one = f32[] constant(1)
  %ones = f32[4,8]{1,0} broadcast(%one), dimensions={}
  %t = f32[4,8]{1,0} tanh(%p), metadata={op_name="jit(f)/tanh"}
  ROOT %r = f32[4,8]{1,0} subtract(%ones, %t)
}

ENTRY %main (x: f32[4,8], w: bf16[8,8]) -> (f32[4,8], f32[]) {
  %x = f32[4,8]{1,0} parameter(0)
  %w = bf16[8,8]{1,0:T(8,128)} parameter(1)
  %loop = f32[4,8]{1,0} fusion(%x), kind=kLoop, calls=%fused
  %total = f32[] reduce(%loop, %x), dimensions={0,1}, to_apply=%add_of
  ROOT %both = (f32[4,8]{1,0}, f32[]) tuple(%loop, %total)
}
"""


def test_a_program_is_read_into_computations_and_instructions():
    program = xla.read(TEXT)
    assert program.entry == "main" and list(program.computations) == ["add_of", "fused", "main"]
    assert [one.operation for one in program.computations["main"]] == [
        "parameter",
        "parameter",
        "fusion",
        "reduce",
        "tuple",
    ]
    assert program.computations["main"][1].bytes == 128 and program.computations["main"][4].bytes == 132
    assert program.operations() == {"add": 1, "broadcast": 1, "tanh": 1, "subtract": 1, "reduce": 1}
    assert program.written() == 128 + 4


def test_what_a_fusion_keeps_to_itself_never_reaches_memory():
    [fusion] = xla.read(TEXT).fusions()
    assert fusion.operations == ("broadcast", "tanh", "subtract") and fusion.written == 128
    assert [one.name for one in fusion.inside] == ["ones", "t"] and fusion.bytes_inside == 256


def test_text_that_is_no_program_is_refused():
    with pytest.raises(FormatError, match="this is no HLO: it has no ENTRY computation; give the text of"):
        xla.read("stablehlo.add")


def test_without_jax_the_pip_line_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jax", None)
    with pytest.raises(MissingExtra, match=r"jax is not installed; run: pip install 'groundup\[xla\]'"):
        xla.lower(abs, 1.0)
    with pytest.raises(MissingExtra, match="groundup.xla"):
        jax_step.make_step(jax_step.Shape(heads=1, kv_heads=1), 0.1)


def test_a_chain_of_functions_becomes_one_loop_whose_middle_stays_inside():
    jnp = pytest.importorskip("jax.numpy")
    before, after = xla.lower(lambda x: jnp.tanh(jnp.exp(x) * 2.0) + 1.0, jnp.ones((64, 64)))
    assert {"exponential", "multiply", "tanh", "add"} <= before.operations().keys()
    found = xla.saved(before, after)
    assert found.fusions == 1 and found.steps == 1
    assert found.bytes_after == 64 * 64 * 4 and found.bytes_inside >= 3 * 64 * 64 * 4


def test_the_bytes_that_are_written_are_those_that_jax_counts():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    compiled = jax.jit(lambda x: jnp.tanh(x).sum(0)).lower(jnp.ones((32, 48))).compile()
    assert xla.read(compiled.as_text()).written() == compiled.cost_analysis()["bytes accessedout{}"]


@pytest.fixture(scope="module")
def model():
    pytest.importorskip("jax")
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig

    shape = LlamaConfig(vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=4,
                        num_key_value_heads=2, tie_word_embeddings=False)  # fmt: skip
    module = build(shape, seed=0)
    weights = {name: parameter.detach().numpy().copy() for name, parameter in module.named_parameters()}
    rows = np.random.default_rng(0).integers(0, 40, (2, 8))
    return module, weights, rows[:, :-1], rows[:, 1:]


def test_the_step_in_jax_has_the_numbers_of_the_step_in_torch(model):
    import jax
    import torch

    module, weights, ids, targets = model
    new, loss = jax.jit(jax_step.make_step(jax_step.Shape.of(module.config), 0.1))(weights, ids, targets)
    module.zero_grad()
    scores = module(torch.from_numpy(ids))
    expected = torch.nn.functional.cross_entropy(scores.flatten(0, 1), torch.from_numpy(targets).flatten())
    expected.backward()
    assert float(loss) == pytest.approx(expected.item(), abs=1e-6)
    for name, parameter in module.named_parameters():
        after = (parameter - 0.1 * parameter.grad).detach().numpy()
        np.testing.assert_allclose(np.asarray(new[name]), after, atol=1e-6)


def test_the_step_is_compiled_to_fewer_steps_and_fewer_bytes(model):
    module, weights, ids, targets = model
    found = xla.saved(*xla.lower(jax_step.make_step(jax_step.Shape.of(module.config), 0.1), weights, ids, targets))
    assert found.operations > 300 and found.steps < found.operations / 2
    assert found.fusions > 20 and found.bytes_after < found.bytes_before and found.bytes_inside > 0


def test_other_weights_than_a_llamas_are_refused():
    from groundup.errors import InputError

    with pytest.raises(
        InputError, match="not the weights of a LLaMA; give a dictionary with names such as model.layers.0.mlp"
    ):
        jax_step.layers({"transformer.h.0.attn": 0})
