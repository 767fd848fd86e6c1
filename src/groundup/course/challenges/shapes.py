"""The shape of every tensor along a forward pass, printed and drawn: from ids to logits, with a word for each axis.

Most bugs of a model are two axes that changed places, and most of understanding one is to know which axis is which. Every
submodule is watched by a forward hook, and the functions between them (rotation, attention) as they are called, so what is
told here is what ran, not what a diagram promises. Words: batch seq heads kv_heads head_dim hidden intermediate vocab; `keys`
is the second seq, of the tokens looked at. The scores of a fused kernel are never held whole; their row says what they would be.

Left out: the backward pass, the cache (there seq is 1 and keys grow).
"""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import plotly.graph_objects as go
import torch
from torch import Tensor, nn

from groundup.course.challenges.watching import watched
from groundup.errors import InputError
from groundup.model.attention import multi_head
from groundup.plots import style

STREAM, FLAT = "batch seq hidden", "batch seq heads*head_dim"


@dataclass(frozen=True, slots=True)
class Role:
    """What the last part of a path means: its words, its axes, and where it stands in the picture.

    column: 0 is the stream, the branches stand beside it. reads: roles it is made from; `a|b` is the first that there is.
    """

    about: str
    axes: str
    column: float
    reads: str = ""


ROLES = {
    "input_ids": Role("the tokens' numbers", "batch seq", 0),
    "embed_tokens": Role("each id looks up its row", STREAM, 0, "input_ids"),
    "input_layernorm": Role("attention reads the stream scaled", STREAM, 1, "embed_tokens"),
    "q_proj": Role("what each token looks for, all heads side by side", FLAT, 1, "input_layernorm"),
    "k_proj": Role("what each token offers to be found by", "batch seq kv_heads*head_dim", 2, "input_layernorm"),
    "v_proj": Role("what each token gives when it is found", "batch seq kv_heads*head_dim", 3, "input_layernorm"),
    "q_norm": Role("heads apart, each query scaled", "batch seq heads head_dim", 1, "q_proj"),
    "k_norm": Role("heads apart, each key scaled", "batch seq kv_heads head_dim", 2, "k_proj"),
    "rotated_query": Role("turned by its position", "batch seq heads head_dim", 1, "q_norm|q_proj"),
    "rotated_key": Role("turned by its position", "batch seq kv_heads head_dim", 2, "k_norm|k_proj"),
    "query": Role("heads moved before seq", "batch heads seq head_dim", 1, "rotated_query|q_norm|q_proj"),
    "key": Role("heads moved before seq", "batch kv_heads keys head_dim", 2, "rotated_key|k_norm|k_proj"),
    "value": Role("heads moved before seq", "batch kv_heads keys head_dim", 3, "v_proj"),
    "scores": Role("how well each key answers each query", "batch heads seq keys", 1.5, "query key"),
    "mixed": Role("the values, averaged by the softmax of the scores", "batch heads seq head_dim", 1.5, "scores value"),
    "o_proj": Role("heads side by side again, and back to the stream's width", STREAM, 1, "mixed"),
    "self_attn": Role("what attention adds to the stream", STREAM, 1, "o_proj"),
    "after_attention": Role("the stream with attention added", STREAM, 0, "embed_tokens self_attn"),
    "post_attention_layernorm": Role("the feed-forward reads the stream scaled", STREAM, 1, "after_attention"),
    "gate_proj": Role("how far each unit opens", "batch seq intermediate", 1, "post_attention_layernorm"),
    "up_proj": Role("what each unit says", "batch seq intermediate", 2, "post_attention_layernorm"),
    "units": Role("the units after their non-linearity", "batch seq intermediate", 1.5, "gate_proj up_proj"),
    "down_proj": Role("back to the stream's width", STREAM, 1, "units"),
    "mlp": Role("what the feed-forward adds to the stream", STREAM, 1, "down_proj"),
    "block": Role("the stream after the block", STREAM, 0, "after_attention mlp"),
    "norm": Role("the stream scaled for the head", STREAM, 0, "block"),
    "lm_head": Role("a score for every next token: the logits", "batch seq vocab", 0, "norm"),
}
LAYER = re.compile(r"^model\.layers\.(\d+)(?:\.|$)")


@dataclass(frozen=True, slots=True)
class Shape:
    """One tensor of the pass. path: its module, or the module's path and the word of a tensor inside it."""

    path: str
    role: str
    about: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    size_bytes: int

    @property
    def layer(self) -> int | None:
        """The block it belongs to; None before the first and after the last."""
        found = LAYER.match(self.path)
        return int(found[1]) if found else None


class Recorder:
    """Notes tensors in the order in which they are made."""

    def __init__(self) -> None:
        self.rows: list[Shape] = []
        self.attention = ""  # path of the attention that runs now
        self.rotations = 0  # in it so far: the query's is the first

    def note(self, path: str, tensor: Tensor, shape: Sequence[int] | None = None) -> None:
        """Add one tensor; shape: of one that is not held."""
        role = _role_of(path)
        known = ROLES.get(role, Role("", "", 0))
        size = tuple(tensor.shape if shape is None else shape)
        axes = tuple(known.axes.split()) or ("?",) * len(size)
        dtype = str(tensor.dtype).removeprefix("torch.")
        self.rows.append(Shape(path, role, known.about, axes, size, dtype, math.prod(size) * tensor.element_size()))

    def rotated(self, result: Tensor, x: Tensor, *rest: Any) -> None:
        """Told of each rotation: first the query's, then the key's."""
        self.note(f"{self.attention}.rotated_{'key' if self.rotations else 'query'}", result)
        self.rotations += 1

    def attended(self, result: Tensor, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **named: Any) -> None:
        """Told of each attention: what met in it, the scores, and what came of it."""
        for name, tensor in {"query": query, "key": key, "value": value}.items():
            self.note(f"{self.attention}.{name}", tensor)
        self.note(f"{self.attention}.scores", query, (*query.shape[:3], key.shape[2]))
        self.note(f"{self.attention}.mixed", result)

    def hooks(self, path: str, module: nn.Module) -> list[Any]:
        """Watch one submodule: its output, and what stands just before some."""
        made = [module.register_forward_hook(lambda _, __, output: self.note(path, output))]
        if path.endswith("self_attn"):
            made.append(module.register_forward_pre_hook(lambda _, __: self._enter(path)))
        parent = path.rpartition(".")[0]
        before = {"down_proj": f"{parent}.units", "post_attention_layernorm": f"{parent}.after_attention"}
        if name := before.get(path.rpartition(".")[2]):
            made.append(module.register_forward_pre_hook(lambda _, inputs: self.note(name, inputs[0])))
        return made

    def _enter(self, path: str) -> None:
        self.attention, self.rotations = path, 0


def _role_of(path: str) -> str:
    last = path.rpartition(".")[2]
    return "block" if last.isdigit() else last


@torch.no_grad()
def trace(module: Any, input_ids: Tensor) -> list[Shape]:
    """Every tensor of one forward pass, in the order in which they are made."""
    recorder = Recorder()
    recorder.note("input_ids", input_ids)
    with ExitStack() as stack:
        stack.enter_context(watched(multi_head, "rotate", recorder.rotated))
        stack.enter_context(watched(multi_head, "attend", recorder.attended))
        for path, part in module.named_modules():
            for hook in recorder.hooks(path, part) if path else []:
                stack.callback(hook.remove)
        module(input_ids)
    return recorder.rows


def sizes(config: Any, batch: int, seq: int) -> dict[str, int]:
    """The number behind each word, from the configuration alone."""
    heads, kv_heads, head_dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
    return {
        "batch": batch, "seq": seq, "keys": seq, "hidden": config.hidden_size, "heads": heads, "kv_heads": kv_heads,
        "head_dim": head_dim, "heads*head_dim": heads * head_dim, "kv_heads*head_dim": kv_heads * head_dim,
        "intermediate": config.intermediate_size, "vocab": config.vocab_size,
    }  # fmt: skip


def folded(rows: Sequence[Shape]) -> tuple[list[Shape], int]:
    """The rows with only the first block, and how many blocks have these very shapes; all of them where they differ."""
    layers: dict[int, list[Any]] = {}
    for row in rows:
        if row.layer is not None:
            layers.setdefault(row.layer, []).append((row.role, row.shape, row.dtype))
    if len({tuple(layer) for layer in layers.values()}) > 1:
        return list(rows), 1
    return [row for row in rows if row.layer in (None, 0)], len(layers)


def as_json(rows: Sequence[Shape]) -> list[dict[str, Any]]:
    """The rows as plain tables."""
    return [asdict(row) for row in rows]


# ───────── the picture ─────────


def picture(rows: Sequence[Shape], title: str = "A forward pass, from ids to logits") -> go.Figure:
    """Draw the flow: the stream at the left, branches beside it, each box with its words and its numbers; one block for all."""
    shown, layers = folded(rows)
    places = {row.path: (ROLES[row.role].column, -level) for level, row in enumerate(shown) if row.role in ROLES}
    made = style.figure(title, height=120 + 62 * len(shown))
    made.add_scatter(
        x=[places[row.path][0] for row in shown if row.path in places],
        y=[places[row.path][1] for row in shown if row.path in places],
        mode="markers",
        marker={"size": 16, "color": style.colour(0), "opacity": 0.01},
        hovertext=[f"{row.path}: {row.size_bytes:,} bytes of {row.dtype}" for row in shown if row.path in places],
        hoverinfo="text",
        showlegend=False,
    )
    for row in shown:
        for origin in _origins(row, shown):
            if row.path in places and origin.path in places:
                _arrow(made, places[origin.path], places[row.path])
    for row in shown:
        if row.path in places:
            _box(made, row, places[row.path], layers)
    made.update_xaxes(visible=False, range=[-0.6, 3.6])
    made.update_yaxes(visible=False, range=[-len(shown), 1])
    return made


def _origins(row: Shape, shown: Sequence[Shape]) -> list[Shape]:
    """The rows from which a row was made."""
    by_role = {one.role: one for one in shown}
    alternatives = [word.split("|") for word in ROLES[row.role].reads.split()] if row.role in ROLES else []
    return [by_role[found] for names in alternatives if (found := next((n for n in names if n in by_role), None))]


def _arrow(made: go.Figure, start: tuple[float, float], end: tuple[float, float]) -> None:
    made.add_annotation(
        x=end[0], y=end[1] + 0.41, ax=start[0], ay=start[1] - 0.41, xref="x", yref="y", axref="x", ayref="y",
        showarrow=True, arrowhead=2, arrowwidth=1.2, arrowcolor=style.INK, text="",
    )  # fmt: skip


def _box(made: go.Figure, row: Shape, place: tuple[float, float], layers: int) -> None:
    name = row.path.removeprefix("model.layers.0.").removeprefix("model.").removeprefix("self_attn.")
    name = f"block (there are {layers})" if row.role == "block" else name
    text = f"<b>{style.escape(name)}</b><br>{' '.join(row.axes)}<br>{' × '.join(map(str, row.shape))}"
    made.add_annotation(
        x=place[0], y=place[1], text=text, showarrow=False, borderpad=3, borderwidth=1.5, font={"size": 11},
        bordercolor=style.colour(0 if ROLES[row.role].column == 0 else 1),
    )  # fmt: skip


# ───────── the quiz ─────────

ASKED = ("embed_tokens", "q_proj", "k_proj", "key", "scores", "mixed", "units", "down_proj", "lm_head")
REASONS = {
    "kv_heads": "several query heads share one key and value head",
    "kv_heads*head_dim": "several query heads share one key and value head, so this projection is narrower than the query's",
    "heads": "each query head has a row of its own",
    "heads*head_dim": "a projection hands out all heads side by side on one axis",
    "keys": "each query has a score for every key, and the keys are the tokens themselves",
    "vocab": "there is one score for every token that could come next",
    "intermediate": "inside the feed-forward a token is widened",
    "hidden": "what is added to the stream must have the stream's width",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer of the quiz."""

    path: str
    answer: str
    right: bool
    sentence: str


def questions(rows: Sequence[Shape]) -> list[Shape]:
    """What the quiz asks for: one tensor of each kind that is worth a thought, of the first block."""
    shown, _ = folded(rows)
    return [next(row for row in shown if row.role == role) for role in ASKED if any(row.role == role for row in shown)]


def read_answer(answer: str, known: Mapping[str, int]) -> tuple[int, ...]:
    """Numbers or axis words, in any brackets; InputError where a word is neither.

    >>> read_answer("(2, 16, hidden)", {"hidden": 64})
    (2, 16, 64)
    """
    apart = re.sub(r"(?<=\d)\s*[x×]\s*(?=\d)", " ", answer)  # 2x16x64
    words = re.findall(r"[^\W\d]\w*(?:\*\w+)?|\d+|[^\s\w()\[\],]+", apart)
    unknown = [word for word in words if not word.isdigit() and word not in known]
    if unknown or not words:
        raise InputError(
            f"{answer.strip()!r} is no shape; write its sizes or words, such as 2 16 64 or batch seq hidden"
        )
    return tuple(int(word) if word.isdigit() else known[word] for word in words)


def judge(row: Shape, answer: str, known: Mapping[str, int]) -> Judged:
    """Say whether an answer is right, and if it is not, which axis is wrong and why."""
    try:
        given = read_answer(answer, known)
    except InputError as error:
        return Judged(row.path, answer, False, str(error))
    if given == row.shape:
        return Judged(row.path, answer, True, f"{' '.join(row.axes)}: {row.about}")
    return Judged(row.path, answer, False, _why(row, given, known))


def _why(row: Shape, given: tuple[int, ...], known: Mapping[str, int]) -> str:
    truth = f"{' × '.join(map(str, row.shape))} ({' '.join(row.axes)})"
    if sorted(given) == sorted(row.shape):
        moved = "attention moves heads before seq, so that each head is one matrix product"
        return f"the sizes are right and their order is not: {truth}" + (f"; {moved}" if "heads" in truth else "")
    if math.prod(given) == math.prod(row.shape) and len(given) != len(row.shape):
        apart = len(given) < len(row.shape)
        return f"the numbers are all there, but here two of your axes are {'apart' if apart else 'one'}: {truth}"
    if len(given) != len(row.shape):
        return f"it has {len(row.shape)} axes, not {len(given)}: {truth}; {row.about}"
    return _wrong_axis(row, given, known, truth)


def _wrong_axis(row: Shape, given: tuple[int, ...], known: Mapping[str, int], truth: str) -> str:
    """Name the first axis that is wrong, what the learner's number is, and the reason for the right one."""
    place = next(place for place, size in enumerate(given) if size != row.shape[place])
    word, size = row.axes[place], given[place]
    other = next((name for name, value in known.items() if value == size), None)
    mistaken = f"{size} is {other}" if other else f"{size} is no size of this model"
    return f"axis {place + 1} is {word} = {row.shape[place]}, and {mistaken}: {truth}; {REASONS.get(word, row.about)}"
