"""Exercise: the spread with which each parameter of a model starts."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same

BOTH = ("scaled", "normal")
WRITERS = ("o_proj.weight", "down_proj.weight")
MATRICES = ("q_proj.weight", "k_proj.weight", "v_proj.weight", "gate_proj.weight", "up_proj.weight")
STD = 0.02


def matrix(outputs=3, inputs=4):
    """A weight, (outputs, inputs); what it holds does not matter yet."""
    import torch

    return torch.zeros(outputs, inputs)


def vector(size=2):
    """A bias or a gain."""
    import torch

    return torch.zeros(size)


@check("invariant")
def biases_start_at_zero(mine):
    """Gives a bias a spread: under both schemes it starts at zero, so its deviation is 0.0."""
    mistakes = {"Takes a bias for a gain: both have one axis, so look at the name before you count the axes.": None}
    for scheme in BOTH:
        same(mine("q_proj.bias", vector(), 2, STD, scheme), 0.0, mistakes=mistakes)


@check("invariant")
def gains_start_at_one(mine):
    """Gives the gain of a norm a spread: it starts at one and is not drawn, so the answer is None."""
    mistakes = {
        "Gives the gain's first value: asked is the spread, and for what starts at one the answer is None.": 1.0,
        "Lets the gain of a norm start at zero, so that every norm would answer 0: the answer for a gain is None.": 0.0,
    }
    for scheme in BOTH:
        same(mine("norm.weight", vector(), 2, STD, scheme), None, mistakes=mistakes)


@check("values")
def embeddings_have_std(mine):
    """Gives the embedding another spread than std, which both schemes give it."""
    mistakes = {
        "Divides by the width of the embedding: its rows are looked up, nothing is summed over them, so it has std.": 0.5,
        "Divides by the size of the vocabulary: a row is looked up, nothing is summed, so it has std.": 1
        / math.sqrt(3),
        "Lets the embedding start at zero: every token would look the same; it has std.": 0.0,
    }
    for scheme in BOTH:
        same(mine("embed_tokens.weight", matrix(), 2, STD, scheme), STD, mistakes=mistakes)


@check("values")
def normal_matrices_have_std(mine):
    """Gives a matrix of the "normal" scheme another spread than std."""
    mistakes = {
        'Gives every scheme 1 / sqrt(inputs): that is "scaled"; under "normal" a matrix has std.': 0.5,
        "Divides all matrices by the depth: only those that write to the stream (o_proj, down_proj) are divided.": STD
        / 2,
    }
    for name in (*MATRICES, "lm_head.weight"):
        same(mine(name, matrix(), 2, STD, "normal"), STD, mistakes=mistakes)


@check("values")
def normal_writers_shrink_with_depth(mine):
    """Gives o_proj and down_proj of the "normal" scheme another spread than std / sqrt(2 * layers)."""
    mistakes = {
        "Does not divide what writes to the stream: its variance would grow with the depth; std / sqrt(2 * layers).": STD,
        "Divides by sqrt(layers): each layer writes twice, attention and feed-forward, so it is 2 * layers.": STD
        / math.sqrt(2),
        "Divides by 2 * layers: variances add, not deviations, so take its root.": STD / 4,
        'Lets the writers start at zero: that is "scaled"; under "normal" it is std / sqrt(2 * layers).': 0.0,
    }
    for name in WRITERS:
        same(mine(name, matrix(), 2, STD, "normal"), STD / 2, mistakes=mistakes)  # sqrt(2 * 2) = 2
        same(mine(name, matrix(), 18, STD, "normal"), STD / 6)


@check("values")
def scaled_matrices_keep_the_size(mine):
    """Gives a matrix of the "scaled" scheme another spread than 1 / sqrt(inputs)."""
    mistakes = {
        'Gives every scheme std: that is "normal"; under "scaled" a matrix has 1 / sqrt(inputs).': STD,
        "Counts the outputs: a weight is (outputs, inputs), and as many products are summed as there are inputs.": 1
        / math.sqrt(3),
        "Divides by the inputs themselves: variances add, so take the root.": 0.25,
        "Gives the variance of ReLU nets, 2 / inputs: here it is 1 / sqrt(inputs).": math.sqrt(0.5),
        "Takes inputs and outputs together (Xavier): only the inputs are summed.": math.sqrt(2 / 7),
        "Multiplies by std as well: 1 / sqrt(inputs) is the whole answer.": STD / 2,
    }
    for name in MATRICES:
        same(mine(name, matrix(), 2, STD, "scaled"), 0.5, mistakes=mistakes)
        same(mine(name, matrix(2, 100), 2, STD, "scaled"), 0.1)


@check("values")
def scaled_writers_start_at_zero(mine):
    """Gives o_proj or down_proj of the "scaled" scheme a spread: they start at zero, so that each block begins as the identity."""
    for name in WRITERS:
        same(mine(name, matrix(), 2, STD, "scaled"), 0.0)


@check("values")
def the_scaled_head_starts_at_zero(mine):
    """Gives lm_head of the "scaled" scheme a spread: it starts at zero, so that all tokens are equally likely at first."""
    same(mine("lm_head.weight", matrix(), 2, STD, "scaled"), 0.0)


@check("values")
def names_end_with_the_part(mine):
    """Does not know a parameter by the end of its name: in a model the place stands in front, so ask name.endswith(...)."""
    expected = {
        "model.embed_tokens.weight": (STD, STD),
        "model.layers.0.self_attn.o_proj.weight": (0.0, STD / 2),
        "model.layers.11.mlp.down_proj.weight": (0.0, STD / 2),
        "model.layers.11.mlp.up_proj.weight": (0.5, STD),
    }
    for name, deviations in expected.items():
        for scheme, deviation in zip(BOTH, deviations, strict=True):
            same(mine(name, matrix(), 2, STD, scheme), deviation)
    for name, number in (("model.layers.0.self_attn.q_norm.weight", None), ("model.layers.0.mlp.down_proj.bias", 0.0)):
        same(mine(name, vector(), 2, STD, "scaled"), number)


@check("values")
def a_signal_keeps_its_size(mine):
    """Changes the size of a signal: numbers of size 1 through a "scaled" matrix must come out with size 1."""
    import torch

    for inputs in (256, 1024):
        source = torch.Generator().manual_seed(0)
        signal = torch.randn(inputs, generator=source)
        deviation = mine("q_proj.weight", matrix(1, inputs), 2, STD, "scaled")
        through = deviation * torch.randn(400, inputs, generator=source) @ signal
        same(through.square().mean().sqrt(), torch.tensor(1.0), rtol=0.15)


EXERCISE = Exercise(
    slot="model.layers.deviation_of",
    title="First values: how wide each parameter is drawn",
    task="""
    Before the first step every number of a model is drawn at random, and how widely decides whether it learns at all: a signal
    that grows in each layer bursts, one that shrinks is lost. Given a parameter's name and shape, say the standard deviation
    of its first values; 0.0 means that it starts at zero, None that it is a norm's gain and starts at one.

    Under both schemes: a bias is 0.0; a gain (any other parameter with one axis) is None; embed_tokens has std.

    Scheme "normal" (GPT-2): a matrix has std, but o_proj and down_proj, which write to the stream, have std / sqrt(2 *
    layers): the stream is a sum of 2 * layers writings, and variances add.

    Scheme "scaled": a matrix has 1 / sqrt(inputs), which keeps the size of a signal; o_proj, down_proj and lm_head are 0.0,
    so that every block begins as the identity and all tokens are equally likely.

    A weight is stored as (outputs, inputs). Names carry their place in front: model.layers.3.mlp.down_proj.weight.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("model.layers.residual",),
    hints=(
        "Ask from the special to the general: bias, gain, embedding, then the scheme, then what writes to the stream.",
        "name.endswith takes a tuple too: name.endswith(WRITES_TO_STREAM). A gain is what has one axis and is no bias: "
        "parameter.dim() == 1.",
        "parameter.shape is (outputs, inputs); each output is a sum over the inputs, so 1 / math.sqrt(parameter.shape[1]).",
    ),
    run="groundup --mine my demo --fast",
    checks=(
        biases_start_at_zero,
        gains_start_at_one,
        embeddings_have_std,
        normal_matrices_have_std,
        normal_writers_shrink_with_depth,
        scaled_matrices_keep_the_size,
        scaled_writers_start_at_zero,
        the_scaled_head_starts_at_zero,
        names_end_with_the_part,
        a_signal_keeps_its_size,
    ),
    mutants=(
        Mutant("a bias as a gain", "Takes a bias for a gain", (('name.endswith("bias")', 'name == "bias"'),)),
        Mutant(
            "a bias drawn",
            "Gives a bias a spread",
            (("        return 0.0\n    if parameter.dim", "        return std\n    if parameter.dim"),),
        ),
        Mutant("a gain's first value", "Gives the gain's first value", (("return None", "return 1.0"),)),
        Mutant("a gain of zero", "gain of a norm start at zero", (("return None", "return 0.0"),)),
        Mutant(
            "the embedding as a matrix",
            "width of the embedding",
            (
                (
                    'if name.endswith(("embed_tokens.weight", "embed_types.weight"))',
                    'if scheme == "normal" and name.endswith("embed_tokens.weight")',
                ),
            ),
        ),
        Mutant(
            "no scheme but scaled",
            'that is "scaled"; under "normal" a matrix',
            (('scheme == "normal"', 'scheme == "other"'),),
        ),
        Mutant(
            "all divided",
            "Divides all matrices by the depth",
            ((" if name.endswith(WRITES_TO_STREAM) else std", ""),),
        ),
        Mutant("depth forgotten", "Does not divide", (("std / math.sqrt(2 * layers)", "std"),)),
        Mutant("one writing a layer", "each layer writes twice", (("2 * layers", "layers"),)),
        Mutant("deviations added", "not deviations", (("math.sqrt(2 * layers)", "(2 * layers)"),)),
        Mutant("no scheme but normal", 'that is "normal"', (('scheme == "normal"', "scheme"),)),
        Mutant("outputs counted", "Counts the outputs", (("parameter.shape[-1]", "parameter.shape[0]"),)),
        Mutant("no root", "inputs themselves", (("math.sqrt(parameter.shape[-1])", "parameter.shape[-1]"),)),
        Mutant(
            "for ReLU", "ReLU nets", (("1.0 / math.sqrt(parameter.shape[-1])", "math.sqrt(2.0 / parameter.shape[-1])"),)
        ),
        Mutant(
            "Xavier",
            "Xavier",
            (("1.0 / math.sqrt(parameter.shape[-1])", "math.sqrt(2.0 / sum(parameter.shape))"),),
        ),
        Mutant(
            "writers drawn",
            "each block begins as the identity",
            (("if name.endswith(WRITES_TO_STREAM) or name", "if name"),),
        ),
        Mutant("the head drawn", "all tokens are equally likely", (('"lm_head.weight", ', ""),)),
        Mutant(
            "whole names",
            "by the end of its name",
            (('name.endswith(("embed_tokens.weight", "embed_types.weight"))', 'name == "embed_tokens.weight"'),),
        ),
    ),
)
