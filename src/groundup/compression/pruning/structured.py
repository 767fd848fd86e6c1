"""Structured pruning: whole heads, feed-forward channels or blocks go, and the model's shapes with them.

A matrix with zeros takes as long as a full one. A narrower matrix is faster everywhere, in every tool. What a structure is worth is what is missing in
the output after all others have done their best to make up for it: with H = X X^T of what the matrix reads, and the columns S of a structure,

    error(S) = sum over rows of  w_S ([H^-1]_SS)^-1 w_S^T          then, with the columns K that stay,  W' = W H[:, K] H[K, K]^-1

(Kurtic et al. 2023, arXiv:2302.04089, eq. 2 and 3; Optimal Brain Surgeon for columns.) The least go in rounds, since each leaves the others with more to do.

    heads       a key/value head goes with the query heads that share it: rows of q, k and v, columns of o
    channels    of the feed-forward: rows of gate and up, columns of down
    layers      the blocks that change the stream least: 1 - the mean cosine of what goes in and what comes out (Men et al. 2024,
                arXiv:2403.03853, eq. 1)

Every block loses as many, since a configuration has one number for all. Left out: another width of the stream; blocks that differ in shape.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from groundup.compression import calibration
from groundup.compression.calibration import Read
from groundup.compression.quantization.gptq import DAMPING
from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.model.architectures import build, config_from_dict
from groundup.model.architectures.decoder import FULL, SLIDING
from groundup.model.attention.multi_head import MultiHeadAttention
from groundup.model.layers.feed_forward import GatedFeedForward, PlainFeedForward
from groundup.model.layers.linear import Linear
from groundup.slots import slot

METHODS = ("heads", "channels", "layers")
ROUNDS = 8  # in which channels go; more change the kept ones little
MULTIPLE = 32  # of channels that stay, where there was one: rows then fill the blocks of quantised files


@slot
def structure_errors(
    weight: Float[Tensor, "rows inputs"],
    inverse: Float[Tensor, "inputs inputs"],
    groups: Int[Tensor, "groups width"],
) -> Float[Tensor, " groups"]:
    """What the output loses, squared, when a group of columns goes and all others make up for it as well as they can.

    inverse: of H, the second moments of what the matrix reads. groups: the columns of each. Kurtic et al. 2023, eq. 2.
    """
    columns = weight[:, groups].transpose(0, 1)  # (groups, rows, width)
    alone = inverse[groups[:, :, None], groups[:, None, :]]
    return (columns @ torch.linalg.inv(alone) * columns).sum((1, 2))


def repaired(
    weight: Float[Tensor, "rows inputs"], hessian: Float[Tensor, "inputs inputs"], kept: Int[Tensor, " kept"]
) -> Float[Tensor, "rows kept"]:
    """The kept columns, changed so that the output stays as near as it can: least squares over what the matrix reads."""
    return torch.linalg.solve(hessian[kept][:, kept], hessian[kept] @ weight.T).T


def damped(hessian: Float[Tensor, "inputs inputs"]) -> Float[Tensor, "inputs inputs"]:
    """H in float64 with a little on its diagonal: inputs that the texts never had."""
    wide = hessian.double()
    mean = wide.diagonal().mean().clamp(min=torch.finfo(torch.float32).tiny)
    return wide + DAMPING * mean * torch.eye(len(wide), dtype=torch.float64)


def choose(
    weight: Float[Tensor, "rows inputs"],
    hessian: Float[Tensor, "inputs inputs"],
    groups: Int[Tensor, "groups width"],
    keep: int,
    rounds: int,
) -> tuple[Int[Tensor, " keep"], Float[Tensor, "rows kept"]]:
    """The groups of columns that stay, in order, and the repaired matrix of them."""
    weight, hessian = weight.double(), damped(hessian)
    left = torch.arange(len(groups))
    while len(left) > keep:
        columns = groups[left]
        flat = columns.flatten()
        now = repaired(weight, hessian, flat)
        places = torch.arange(len(flat)).view(columns.shape)
        errors = structure_errors(now, torch.linalg.inv(hessian[flat][:, flat]), places)
        going = min(len(left) - keep, -(-(len(groups) - keep) // rounds))
        left = left[errors.argsort(stable=True)[going:].sort().values]
    return left, repaired(weight, hessian, groups[left].flatten())


def prune(
    module: Any,
    method: str,
    share: float = 0.25,
    texts: Sequence[Sequence[int]] = (),
    told: Callable[[int], object] = lambda done: None,
) -> Any:
    """A smaller decoder without `share` of its heads, channels or layers; the module itself is used up. texts: of ids."""
    if method not in METHODS:
        raise ConfigError(f"method {method!r} is not known; use {', '.join(METHODS)}")
    if not 0 < share < 1:
        raise ConfigError(f"a share of {share} is not possible; use a number between 0 and 1, such as 0.25")
    if method == "layers":
        return _without_layers(module, share, texts)
    changes = (_heads if method == "heads" else _channels)(module, share)
    config = _smaller(module.config, changes)

    def change(number: int, block: nn.Module, _maps: dict[str, Linear], read: dict[str, Read]) -> None:
        stem = f"model.layers.{number}."
        if method == "heads":
            _cut_heads(block, read[f"{stem}self_attn.o_proj"].moments, config.num_key_value_heads)
        else:
            _cut_channels(block, read[f"{stem}mlp.down_proj"].moments, config.intermediate_size)

    calibration.by_block(module, texts, change, told)
    return _filled(config, module.state_dict())


def _heads(module: Any, share: float) -> dict[str, int]:
    for block in module.model.layers:
        if type(block.self_attn) is not MultiHeadAttention or block.self_attn.qk_norm_over != "head":
            raise UnsupportedModel(
                "heads are taken from plain attention, and this model's heads are made together; use channels or layers"
            )
    heads, shared = module.config.num_attention_heads, module.config.num_key_value_heads
    keep = _kept(shared, share, "key/value heads")
    return {"num_attention_heads": heads // shared * keep, "num_key_value_heads": keep, "head_dim": module.config.head_dim}


def _channels(module: Any, share: float) -> dict[str, int]:
    if any(type(block.mlp) not in (GatedFeedForward, PlainFeedForward) for block in module.model.layers):
        raise UnsupportedModel("this model's feed-forward is no plain or gated one; use heads or layers")
    wide = module.config.intermediate_size
    each = MULTIPLE if wide % MULTIPLE == 0 else 1
    return {"intermediate_size": each * _kept(wide // each, share, f"groups of {each} channels")}


def _kept(count: int, share: float, what: str) -> int:
    keep = count - round(share * count)
    if keep in (0, count):
        raise InputError(f"a share of {share} of {count} {what} is all or none of them; use a multiple of {1 / count:.2g}")
    return keep


def _smaller(config: Any, changes: dict[str, Any]) -> Any:
    """The configuration with other sizes, which its family's config.json must be able to say."""
    try:
        made = dataclasses.replace(config, **changes)
        said = config_from_dict(made.to_dict())
    except (ConfigError, TypeError) as error:
        raise UnsupportedModel(f"{config.model_type} cannot be made smaller in this way: {error}") from error
    if any(getattr(said, name) != value for name, value in changes.items()):
        raise UnsupportedModel(
            f"{config.model_type}'s config.json cannot say {', '.join(changes)}, which pruning would change; use another method"
        )
    return made


def _cut_heads(block: Any, moments: Tensor, keep: int) -> None:
    attention = block.self_attn
    dim = attention.head_dim
    shared = len(attention.k_proj.weight) // dim
    columns = torch.arange(attention.o_proj.weight.shape[1]).view(shared, -1)  # query heads that share stand together
    left, repair = choose(attention.o_proj.weight.detach(), moments, columns, keep, rounds=shared)
    rows = torch.arange(shared * dim).view(shared, dim)[left].flatten()
    _rows(attention.q_proj, columns[left].flatten())
    _rows(attention.k_proj, rows)
    _rows(attention.v_proj, rows)
    _columns(attention.o_proj, repair)


def _cut_channels(block: Any, moments: Tensor, keep: int) -> None:
    feed = block.mlp
    columns = torch.arange(feed.down_proj.weight.shape[1])[:, None]
    left, repair = choose(feed.down_proj.weight.detach(), moments, columns, keep, ROUNDS)
    for part in (feed.up_proj, *([feed.gate_proj] if isinstance(feed, GatedFeedForward) else [])):
        _rows(part, left)
    _columns(feed.down_proj, repair)


def _rows(part: Linear, kept: Tensor) -> None:
    part.weight = _parameter(part.weight.detach()[kept])
    if part.bias is not None:
        part.bias = _parameter(part.bias.detach()[kept])


def _columns(part: Linear, weight: Tensor) -> None:
    part.weight = _parameter(weight.to(part.weight.dtype))


def _parameter(tensor: Tensor) -> nn.Parameter:
    with torch.inference_mode(False):  # calibration runs in it, and what is made there can never be trained
        return nn.Parameter(tensor.clone(memory_format=torch.contiguous_format))


# ───────── layers ─────────


@torch.inference_mode()
def influence(module: Any, texts: Sequence[Sequence[int]]) -> list[float]:
    """How much each block turns the stream: 1 - the mean cosine of what goes into it and what comes out, over all tokens. Men et al. 2024, eq. 1."""
    texts = calibration.check_texts(texts, module.config.max_position_embeddings)
    turned = [0.0] * len(module.model.layers)

    def watch(number: int) -> Any:
        def hook(_block: Any, given: tuple[Any, ...], made: Tensor) -> None:
            turned[number] += float((1 - torch.cosine_similarity(given[0].double(), made.double(), dim=-1)).sum())

        return hook

    hooks = [block.register_forward_hook(watch(number)) for number, block in enumerate(module.model.layers)]
    try:
        for text in texts:
            module.hidden(torch.tensor([text], device=module.device))
    finally:
        for hook in hooks:
            hook.remove()
    return [one / sum(map(len, texts)) for one in turned]


def _without_layers(module: Any, share: float, texts: Sequence[Sequence[int]]) -> Any:
    calibration.linear_maps(module)  # refuses what is not a decoder of matrices
    count = module.config.num_hidden_layers
    keep = _kept(count, share, "layers")
    turned = influence(module, texts)
    kept = sorted(sorted(range(count), key=lambda number: turned[number])[count - keep :])
    config = _of_the_kept(module.config, kept)
    weights = {}
    for name, tensor in module.state_dict().items():
        parts = name.split(".")
        if parts[:2] == ["model", "layers"]:
            if int(parts[2]) not in kept:
                continue
            parts[2] = str(kept.index(int(parts[2])))
        weights[".".join(parts)] = tensor
    return _filled(config, weights)


def _of_the_kept(config: Any, kept: Sequence[int]) -> Any:
    """The configuration of some of the blocks, each of which is what it was; UnsupportedModel where a family cannot say that."""
    shape = config.blueprint()
    changes: dict[str, Any] = {"num_hidden_layers": len(kept)}
    blocks = tuple(shape.blocks[number] for number in kept)
    said, windows = getattr(config, "layer_types", None), [block.attention.window for block in shape.blocks]
    if said or ("layer_types" in type(config).__dataclass_fields__ and len(set(windows)) > 1):
        types = said or [FULL if window is None else SLIDING for window in windows]
        changes["layer_types"] = tuple(types[number] for number in kept)
    made = _smaller(config, changes)
    beside = shape.residual_scalars or shape.value_embeddings  # which are kept for each block by its number
    if made.blueprint().blocks == blocks and not beside:
        return made
    raise UnsupportedModel(
        f"what a block of {config.model_type} computes depends on its number, so none can go without changing others; use another method, such as magnitude"
    )


def _filled(config: Any, weights: dict[str, Tensor]) -> Any:
    """The module of a configuration with these weights."""
    module = build(config, device="meta")
    module.load_state_dict(weights, assign=True)
    module.tie()
    return module.eval()
