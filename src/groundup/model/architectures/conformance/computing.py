"""Computing: every weight learns, bfloat16 suffices, the context ends in a sentence, and the first loss is that of knowing nothing."""

import math

import torch
from torch.nn import functional

from groundup.errors import ConfigError, GroundupError
from groundup.model.architectures import build
from groundup.model.architectures.conformance.subject import (
    Fault,
    Subject,
    dtype_name,
    first_line,
    place_of,
    same,
    some,
)


def is_reached(subject: Subject) -> None:
    """the gradient reaches every weight"""
    module, ids = subject.module(), subject.ids(4)
    loss = functional.cross_entropy(module(ids).flatten(0, 1), subject.ids(4, seed=1).flatten())
    loss.backward()
    weights = dict(module.named_parameters())
    if frozen := [name for name, weight in weights.items() if not weight.requires_grad]:
        raise Fault(f"{some(frozen)} does not learn (requires_grad is False); leave freezing to whoever trains")
    if unused := [name for name, weight in weights.items() if weight.grad is None]:
        raise Fault(
            f"no gradient reaches {some(unused)}: the weight is never used in forward, or what it makes is detached "
            "(.detach(), .data, .item(), no_grad); use it or remove it"
        )
    if cold := [name for name, weight in weights.items() if weight.grad is not None and not weight.grad.any()]:
        raise Fault(
            f"the gradient of {some(cold)} is zero everywhere: what it makes is multiplied by 0, cut off by a ReLU or a "
            "clamp, or cancels out (a bias in front of a norm or a softmax)"
        )
    if broken := [name for name, weight in weights.items() if not weight.grad.isfinite().all()]:
        raise Fault(
            f"the gradient of {some(broken)} is not finite: a root, a norm or a division at zero; add an epsilon"
        )


def ends_at_context(subject: Subject) -> None:
    """positions beyond the context are refused in one sentence, or go on without a break"""
    module, ids, context = subject.module(), subject.ids(1, 2), subject.config.max_position_embeddings
    if same(module(ids, None, torch.tensor([0, 1])), module(ids, None, torch.tensor([0, context - 1]))):
        return  # nothing depends on the places alone
    try:
        beyond = module(ids, None, torch.tensor([0, context]))
    except GroundupError:
        return
    except Exception as error:
        raise Fault(
            f"position {context}, the first beyond the context, fails with {first_line(error)}; raise an InputError that says "
            "how long a text may be, as LearnedPositions does"
        ) from error
    for place, what in ((context - 1, "the last one"), (0, "the first one")):
        if same(beyond, module(ids, None, torch.tensor([0, place]))):
            raise Fault(
                f"position {context}, the first beyond the context, is taken for {what} in silence (clamped or wrapped round); "
                "refuse it with an InputError, as LearnedPositions does"
            )


def bears_bfloat16(subject: Subject) -> None:
    """it computes in bfloat16, with bfloat16 weights and with float32 weights"""
    module, ids = subject.module(), subject.ids(2)
    exact = module(ids)
    for how in ("compute_dtype", "weights"):
        if how == "weights":
            module.to(torch.bfloat16)
        module.compute_dtype = torch.bfloat16
        try:
            logits = module(ids)
        except Exception as error:
            place = place_of(error)
            raise Fault(
                f"in bfloat16 ({how}) a call fails{place} ({first_line(error)}): a tensor made on the way is float32; give it "
                "dtype=x.dtype, and multiply through groundup's Linear, which follows its input"
            ) from error
        if logits.dtype != torch.bfloat16:
            raise Fault(
                f"in bfloat16 ({how}) the logits are {dtype_name(logits.dtype)}: something casts up on the way and not back; end "
                "float32 parts with .to(x.dtype)"
            )
        off = (logits.float() - exact).square().mean().sqrt() / exact.square().mean().sqrt()
        if not off < 0.1:
            raise Fault(
                f"in bfloat16 ({how}) the logits are off by {float(off):.0%}, where rounding explains about 1 %: keep norms, "
                "softmax sums and angles in float32"
            )


def begins_well(subject: Subject) -> None:
    """the first loss is near log(vocabulary): before it has learned, it knows nothing"""
    ids, targets = subject.ids(8), subject.ids(8, seed=1)
    expected = math.log(subject.config.vocab_size)
    tried = []
    for scheme in ("scaled", "normal", "look_back"):  # a model is made for one of them: that one must begin well
        try:
            logits = build(subject.config, seed=0, scheme=scheme)(ids)
        except ConfigError:  # look_back needs parts that not every model has
            continue
        loss = float(functional.cross_entropy(logits.flatten(0, 1), targets.flatten()))
        tried.append((abs(loss - expected), loss, scheme, float(logits.std())))
    off, loss, scheme, deviation = min(tried)
    if not off < 0.5 + 0.1 * expected:
        raise Fault(
            f"the first loss is {loss:.2f} (initialization {scheme}), where log({subject.config.vocab_size}) = "
            f"{expected:.2f} is wanted: the logits begin too large (deviation {deviation:.1f}); put a norm before "
            "the head, or lower initializer_range or what scales the logits"
        )
