"""Bytes by part at the moment of the peak, for inference and training, on the fullest device of a layout.

    Inference   weights + cache + the widest moment of reading (the stream, and the units of one feed-forward or attention);
                an encoder-decoder's source is read before there is a cache, and its keys and values are kept in it
    Training    weights + optimiser's state + the larger of two moments:
                  when the way back begins    activations, the first gradients
                  in the optimiser's step     all gradients, the optimiser's working space

Per weight in training: 4 bytes in fp32, 4 of gradient and 8 of AdamW's two numbers; frozen 4, in NF4 (QLoRA) 0.516. A cache keeps key and value of each
token, of a layer with a window only as many as its block has (`inference.cache`: a quarter more than the window).

On one device of a layout: tensor parallelism divides matrices, cache and what lies inside the parts; the pipeline divides the
blocks, but its first stage holds as many batches as there are stages (one forward, one backward: Narayanan et al. 2021,
arXiv:2104.04473, section 2.2); ZeRO divides state, gradients, weights by the copies; experts are spread over them.

Left out: the program itself (torch is about 200 MB), buffers of communication, and what an allocator holds that nobody uses. That is
much on Linux: glibc keeps what was freed, and a process of 440 MB by this count grew to 670. With MALLOC_MMAP_THRESHOLD_=65536
in its environment it held 428, as each larger piece then goes back to the system at once. That is set nowhere in groundup, because the
system clears every page before it gives it out again: on a virtual machine a training step took 1.74 times the thread's
time (4 rows of 128 tokens, one thread, 7 interleaved pairs of processes: 1.68 to 2.07) and 1.69 times (16 rows of 256,
4 pairs), for a process of 391 MB in place of 420, and of 680 in place of 803.
Inside one process, by mallopt and with Muon, whose step computes more, it was 1.14 times (25 pairs).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from groundup.errors import ConfigError
from groundup.model.accounting import activations
from groundup.model.accounting.accounting import count
from groundup.model.accounting.operations import block_matrices, lora_parameters, read_at_once, writes
from groundup.model.accounting.use import BYTES, NF4, OPTIMIZERS, Inference, Layout, Training
from groundup.model.architectures.blueprint import Block
from groundup.model.architectures.configuration import ModelConfig
from groundup.slots import slot

SHORTEST_STRIDE = 16  # of a block that moves with a window: `inference.cache.kv_cache`
PIECE = 1 << 20  # scores of one piece of the loss: `training.step.cross_entropy`
FEWEST_ROWS = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Bytes by part at the moment of the peak. moments: the parts at every moment that was looked at."""

    moment: str
    moments: dict[str, dict[str, int]]

    @property
    def parts(self) -> dict[str, int]:
        """The parts at the peak."""
        return self.moments[self.moment]

    @property
    def total(self) -> int:
        """The peak."""
        return sum(self.parts.values())


def memory(config: ModelConfig, use: Inference | Training, layout: Layout | None = None) -> Memory:
    """What a use of a model holds at its peak, part by part; with a layout, on its fullest device."""
    layout = layout or Layout()
    check(config, layout)
    found = _training(config, use, layout) if isinstance(use, Training) else _inference(config, use, layout)
    moment = max(found, key=lambda name: sum(found[name].values()))
    kept = {name: {part: size for part, size in parts.items() if size} for name, parts in found.items()}
    return Memory(moment=moment, moments=kept)


def check(config: ModelConfig, layout: Layout) -> None:
    """Refuse a layout by which this model cannot be divided."""
    blocks = config.blueprint().encoder + config.blueprint().blocks
    if layout.pipeline > len(blocks):
        raise ConfigError(
            f"pipeline={layout.pipeline} has more stages than the model has blocks ({len(blocks)}); use fewer"
        )
    for heads in {part for block in blocks for part in (block.attention.heads, block.attention.kv_heads)}:
        if heads % layout.tensor:
            raise ConfigError(f"tensor={layout.tensor} cannot share {heads} heads evenly; use a divisor of it")


# ───────── weights ─────────


class Share(NamedTuple):
    """Parameters on one device: in matrices inside blocks (Muon's), and all; of experts, which fewer copies share."""

    matrices: int
    others: int
    experts: int

    @property
    def all(self) -> int:
        """All of them."""
        return self.matrices + self.others + self.experts


def share(config: ModelConfig, layout: Layout) -> Share:
    """The parameters of the fullest stage: blocks as evenly as they go, the embedding on the first, the head on the last."""
    shape, counted = config.blueprint(), count(config)
    parts = [block.counted(shape.hidden) for block in shape.encoder + shape.blocks]
    per_stage = -(-len(parts) // layout.pipeline)
    named = [sum(rows * columns for rows, columns in one.values()) for one in block_matrices(config)]
    each = 1 / len(parts)
    idle, weights, vectors = (
        sum(getattr(part, name) for part in parts) * each for name in ("idle", "weights", "vectors")
    )
    experts = idle + (weights - sum(named) * each if idle else 0)
    edge = counted.embedding_parameters + counted.position_parameters
    head = counted.head_parameters
    if layout.pipeline > 1:  # one of the two ends; a tied head is a copy of the embedding
        edge = max(edge, head or counted.embedding_parameters)
    else:
        edge += head
    last = counted.parameters - counted.embedding_parameters - counted.position_parameters - head
    last -= sum(map(sum, parts))
    inside = per_stage * (weights + idle - experts) / layout.tensor
    return Share(
        matrices=round(inside),
        others=round(edge / layout.tensor + last + per_stage * vectors),
        experts=round(per_stage * experts / layout.tensor / layout.expert),
    )


def _zeroed(held: Share, bytes_a_number: float, layout: Layout, stage: int) -> int:
    """Bytes of something that is held for every parameter, shared out by the copies from this stage of ZeRO on."""
    copies, of_experts = (layout.data, layout.data // layout.expert) if layout.zero >= stage else (1, 1)
    return round(bytes_a_number * ((held.matrices + held.others) / copies + held.experts / of_experts))


def optimizer_bytes(config: ModelConfig, held: Share, use: Training, layout: Layout) -> int:
    """The optimiser's numbers; Muon's for matrices inside the blocks, AdamW's for all else."""
    if use.optimizer == "adafactor" and use.lora is None:
        return adafactor_bytes(config) // (layout.tensor * layout.pipeline * (layout.data if layout.zero else 1))
    if not use.optimizer.startswith("muon"):
        return _zeroed(held, OPTIMIZERS[use.optimizer], layout, 1)
    rest = Share(0, held.others, 0)
    inside = Share(held.matrices, 0, held.experts)
    of_rest = OPTIMIZERS[use.optimizer.replace("muon", "adamw")]
    return _zeroed(inside, OPTIMIZERS["muon"], layout, 1) + _zeroed(rest, of_rest, layout, 1)


def adafactor_bytes(config: ModelConfig) -> int:
    """A number for each row and each column of a matrix, and one for each number of a vector."""
    shape, counted = config.blueprint(), count(config)
    numbers = sum(rows + columns for matrices in block_matrices(config) for rows, columns in matrices.values())
    tables = [shape.vocab, shape.vocab if counted.head_parameters else 0, counted.position_parameters // shape.hidden]
    numbers += sum(rows + shape.hidden for rows in tables if rows)
    numbers += sum(block.counted(shape.hidden).vectors for block in shape.encoder + shape.blocks)
    return 4 * (numbers + (0 if shape.norm is None else shape.norm.counted(shape.hidden)))


# ───────── training ─────────


def _training(config: ModelConfig, use: Training, layout: Layout) -> dict[str, dict[str, int]]:
    held = share(config, layout)
    learns = held if use.lora is None else Share(0, _thin(config, use, layout), 0)
    width = BYTES[use.weight_dtype]
    weights = weight_bytes(held, use, layout) + (0 if use.lora is None else 4 * learns.all)
    always = {"weights": weights, "optimiser state": optimizer_bytes(config, learns, use, layout)}
    gradients = _zeroed(learns, width if use.lora is None else 4, layout, 2)
    kept = activations.kept(config, use, layout.tensor)
    blocks = sum(size for name, size in kept.items() if name not in ("around the blocks", "head"))
    ends = kept["around the blocks"] + kept["head"]
    if use.lora is not None and activations.in_pieces(config, use):
        ends -= kept["head"]  # a frozen head has no gradient
    back = {
        "gradients": gradients if use.gradient_accumulation_steps > 1 else 0,
        "activations": blocks + ends,  # a stage has 1/pipeline of the blocks, the first one as many batches in flight
        "working space": working_bytes(config, use, layout),
    }
    step = {"gradients": gradients, "working space": step_bytes(config, use, layout)}
    found = {"when the way back begins": always | back, "in the optimiser's step": always | step}
    if use.less and use.every == 1 and use.lora is None:  # little is kept, so the gradients that are made outgrow it
        made = gradients if use.gradient_accumulation_steps > 1 else gradients - width * _last_made(config, layout)
        one = {name: kept.get(name, 0) for name in ("one block", "fetched for one product")}
        end = {"gradients": made, "activations": sum(one.values()), "working space": block_bytes(config, use, layout)}
        found["when the way back ends"] = always | end
    return found


def weight_bytes(held: Share, use: Training, layout: Layout) -> int:
    """The model's own weights; of QLoRA those of the blocks' matrices in NF4."""
    width = BYTES[use.weight_dtype]
    if use.lora is None or not use.lora.nf4:
        return _zeroed(held, width, layout, 3)
    others = _zeroed(Share(0, held.others, held.experts), width, layout, 3)
    return others + _zeroed(Share(held.matrices, 0, 0), NF4, layout, 3)


def decoded_bytes(config: ModelConfig, use: Training, layout: Layout) -> int:
    """Of QLoRA the largest matrix while it is multiplied with: decoded, and once more with the thin ones' product added to it."""
    if use.lora is None or not use.lora.nf4:
        return 0
    sizes = [rows * columns for matrices in block_matrices(config) for rows, columns in matrices.values()]
    return 2 * 4 * max(sizes) // layout.tensor


def _last_made(config: ModelConfig, layout: Layout) -> int:
    """Parameters whose gradients come last: the first block's, and the embedding's where no head shares it."""
    counted = count(config)
    last = counted.layer_parameters + (counted.embedding_parameters if counted.head_parameters else 0)
    return last // (layout.tensor * layout.pipeline)


def _thin(config: ModelConfig, use: Training, layout: Layout) -> int:
    assert use.lora is not None
    return lora_parameters(config, use.lora) // (layout.tensor * layout.pipeline)


def working_bytes(config: ModelConfig, use: Training, layout: Layout) -> int:
    """What comes and goes when the way back begins: in the loss, or in the last block's feed-forward, whichever needs more."""
    shape, e = config.blueprint(), BYTES[use.dtype]
    vocab, tensor = shape.vocab, layout.tensor
    if activations.in_pieces(config, use):
        rows = min(use.tokens, max(FEWEST_ROWS, PIECE // vocab))
        loss = 4 * rows * vocab
        if use.lora is None or rows * vocab > PIECE:  # a frozen head has no gradient, and one strip is the scores themselves
            loss += 2 * e * min(PIECE, rows * vocab)
        if e < 4:  # the head in short, and the gradient of what it reads in fp32
            loss += e * vocab * shape.hidden + 4 * use.tokens * shape.hidden
    else:
        loss = use.tokens * vocab * (4 + e)
    return round(max(loss / tensor, block_bytes(config, use, layout)))


def block_bytes(config: ModelConfig, use: Training, layout: Layout) -> int:
    """What comes and goes on the way back through one block's feed-forward."""
    shape = config.blueprint()
    part = shape.blocks[-1].feed_forward
    units = 3 if getattr(part, "gated", True) else 2  # an activation that gates meets its other side
    wide = units * getattr(part, "intermediate", 0) / layout.tensor + 2 * shape.hidden
    return round(use.tokens * BYTES[use.dtype] * wide) + decoded_bytes(config, use, layout)


def step_bytes(config: ModelConfig, use: Training, layout: Layout) -> int:
    """What the optimiser's step needs: Muon stacks the matrices of one shape, with about four more of their size."""
    if not use.optimizer.startswith("muon") or use.lora is not None:
        return 0
    stacks: dict[tuple[int, int], int] = {}
    for matrices in block_matrices(config):
        for rows, columns in matrices.values():
            stacks[columns, rows] = stacks.get((columns, rows), 0) + rows * columns
    return 4 * 4 * max(stacks.values()) // (layout.tensor * layout.pipeline)


# ───────── inference ─────────


def _inference(config: ModelConfig, use: Inference, layout: Layout) -> dict[str, dict[str, int]]:
    width, held = BYTES[use.dtype], share(config, layout)
    # weights are shared out by ZeRO only while training; experts are, always
    weights = width * (held.matrices + held.others + held.experts)
    cache = cache_bytes(config, use.context, use.batch, use.dtype) + source_bytes(config, use)
    always = {"weights": weights, "cache": cache // (layout.tensor * layout.pipeline)}
    found = {"while it reads": always | {"working space": reading_bytes(config, use) // layout.tensor}}
    if config.blueprint().encoder:
        working = encoding_bytes(config, use) // layout.tensor
        found = {"while it answers": found["while it reads"]}
        found |= {"while it reads the source": {"weights": weights, "working space": working}}
    return found


def cache_bytes(config: ModelConfig, context: int, batch: int = 1, dtype: str = "float32") -> int:
    """Keys and values of `batch` texts of so many tokens; a layer with a window keeps the columns of its block."""
    attentions = [block.attention for block in config.blueprint().blocks]
    numbers = cache_numbers(
        [part.window for part in attentions], [sum(part.cache_widths) for part in attentions], context
    )
    return BYTES[dtype] * batch * numbers


def source_bytes(config: ModelConfig, use: Inference) -> int:
    """Keys and values that an encoder-decoder's blocks keep of the source while they answer."""
    asking = [block.cross for block in config.blueprint().blocks if block.cross is not None]
    widths = sum(2 * part.kv_heads * part.head_dim for part in asking)
    return BYTES[use.dtype] * use.batch * (use.source or use.context) * widths


@slot
def cache_numbers(windows: Sequence[int | None], widths: Sequence[int], context: int) -> int:
    """Numbers that the cache keeps of one text of `context` tokens, all layers together.

    For each layer its window (None: it looks at all tokens) and its width: the numbers of one token's key and value in all
    its key/value heads. A layer without a window keeps every token. One with a window keeps the columns of its block: as many
    as its window less one, and a quarter of the window more (at least 16), or all tokens where these are fewer.
    """
    return sum(width * columns(window, context) for window, width in zip(windows, widths, strict=True))


def columns(window: int | None, context: int) -> int:
    """Tokens that a layer keeps of a text of `context`.

    >>> columns(None, 100_000), columns(4096, 100_000), columns(4096, 1000)
    (100000, 5119, 1000)
    """
    return context if window is None else min(context, window - 1 + max(SHORTEST_STRIDE, window // 4))


def reading_bytes(config: ModelConfig, use: Inference) -> int:
    """The widest moment of reading the prompt: the stream and what one part holds of it; or the scores (an encoder's of all tokens)."""
    shape, e = config.blueprint(), BYTES[use.dtype]
    read = read_at_once(config, use)
    widest = max(_widest(block, shape.hidden) for block in shape.blocks)
    scored = 1 if writes(config) else read if shape.scores_vocabulary else 0
    return e * use.batch * max(read * widest, 2 * scored * shape.vocab)


def encoding_bytes(config: ModelConfig, use: Inference) -> int:
    """The same of an encoder-decoder's source."""
    shape, source = config.blueprint(), use.source or use.context
    return BYTES[use.dtype] * use.batch * source * max(_widest(block, shape.hidden) for block in shape.encoder)


def _widest(block: Block, hidden: int) -> int:
    """Numbers a token while one block computes: the stream, and what its widest part holds."""
    attention, units = block.attention, getattr(block.feed_forward, "intermediate", 0)
    gates = 3 if getattr(block.feed_forward, "gated", False) else 2
    shared = sum(attention.cache_widths) or 2 * attention.kv_heads * attention.head_dim  # an encoder keeps none
    mixing = 2 * attention.heads * attention.head_dim + 2 * shared
    return 3 * hidden + max(gates * units, mixing)
