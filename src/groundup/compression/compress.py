"""A model folder in, a smaller one out: what `groundup compress` does.

texts      a part of them says which weights count, another what the model has lost
change     `quantization.ptq`, `pruning.pruning` or `pruning.structured`
written    codes and scales as compressed-tensors keeps them (`model.formats.packed`), numbers with zeros among them, or smaller matrices
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from groundup import files
from groundup.compression import calibration
from groundup.compression.config import STRUCTURES, CompressConfig
from groundup.compression.pruning import pruning, structured
from groundup.compression.quantization import ptq, smoothquant
from groundup.errors import InputError, UnsupportedModel
from groundup.model.formats import huggingface, packed, shards
from groundup.model.formats.packed import Packed

Text = str | Sequence[dict[str, str]]  # a text, or a conversation
MEASURED_TOKENS = 2048  # of the calibration, on which each matrix is rounded alone: their number times a pass


class Compressed(NamedTuple):
    """What came out. perplexity: of held-out text before and after, of conversations their answers; None where none was measured.

    zeros: share of the blocks' weights. mean_bits: of a weight of the blocks. calibration_tokens: what was read to decide; 0 where nothing was.
    """

    folder: Path
    bytes_before: int
    bytes_after: int
    perplexity_before: float | None
    perplexity_after: float | None
    zeros: float
    mean_bits: float | None = None
    calibration_tokens: int = 0


class Changed(NamedTuple):
    """A module after its change, in memory. packed: codes by the module's names, with the bits of each."""

    module: Any
    packed: Mapping[str, Packed] = {}
    bits: Mapping[str, int] = {}
    zeros: float = 0.0


def compress(
    source: str | Path,
    target: str | Path,
    config: CompressConfig,
    texts: Iterable[Text],
    told: Callable[[int], object] = lambda done: None,
) -> Compressed:
    """Compress a model folder. texts: such as the model will read, conversations where it chats; the first tokens are held out, the next calibrate.

    InputError: it is quantised already, an adapter without its base, or the texts are too short. UnsupportedModel: a family whose files cannot
    hold packed matrices, experts in stacks.
    """
    from groundup.inference.handle import load

    source, target = Path(source), Path(target)
    if target.exists():
        raise InputError(f"{target} is there already; give another name, or remove it")
    check_source(source)
    handle = load(source, device="cpu")
    calibration.linear_maps(handle.module)
    if config.method == "distill":
        return _distilled(handle, source, target, config, texts)
    names = file_names(handle.module) if config.quantises else {}
    held_out, pieces = pieces_of(handle, texts, config)
    if config.looks_at_texts:
        check_rest(held_out, pieces)
    before = perplexity(handle.module, held_out)
    made = change(handle.module, config, pieces, told)
    after, read = perplexity(made.module, held_out), sum(map(len, pieces)) if config.looks_at_texts else 0
    write(handle, target, config, made, names)
    return Compressed(target, size_of(source), size_of(target), before, after, made.zeros, mean_bits(made), read)


def _distilled(handle: Any, source: Path, target: Path, config: CompressConfig, texts: Iterable[Text]) -> Compressed:
    """A student that learned from the model, as a folder of its own."""
    from groundup.compression.distillation.student import teach
    from groundup.inference.handle import load
    from groundup.inference.streaming import same_tokens

    check_source(Path(config.distill.student))
    student = load(config.distill.student, device="cpu")
    if not same_tokens(student.tokenizer, handle.tokenizer):
        raise InputError(
            f"{config.distill.student} has other tokens than {source}, so its ids mean something else; take a student with the model's own tokenizer"
        )
    held_out, pieces = pieces_of(handle, texts, config)
    length = min(config.seq_len, *(one.config.max_position_embeddings for one in (handle, student)))
    told = pieces if config.distill.way == "sequences" else closed(pieces, handle.tokenizer.eos_token_id)
    teach(handle.module, student.module, told, config.distill, length, handle.stop_ids())
    before, after = (perplexity(one.module, held_out) for one in (handle, student))
    write(handle, target, config, Changed(student.module), {})
    return Compressed(target, size_of(source), size_of(target), before, after, 0.0, None, sum(map(len, pieces)))


def check_source(source: Path) -> None:
    """Refuse what is no folder, an adapter without its base, and what was quantised before."""
    if source.is_file():
        raise InputError(f"{source} is a file and no model folder; make one of it with `groundup get {source}`, and compress that")
    if not source.is_dir():
        raise InputError(f"there is no model folder {source}; `groundup demo` makes one at runs/demo/model")
    if (source / "adapter_config.json").is_file() and not (source / "config.json").is_file():
        raise InputError(
            f"{source} holds an adapter, whose weights are few already; put it into its base with `groundup merge {source} "
            "--out MERGED`, and compress that"
        )
    if packed.scheme_of(_raw(source).get("quantization_config"), source) is not None:
        raise InputError(
            f"{source} is quantised already; to change its weights would be to round them twice, which only adds errors: start from the model before that"
        )


def _raw(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    return files.read_json(path) if path.is_file() else {}


def file_names(module: Any) -> dict[str, str]:
    """For each linear map of the blocks, the name of its matrix in the family's files."""
    from groundup.compression.calibration import linear_maps

    rules = module.config.weight_names().matched([f"{name}.weight" for name in linear_maps(module)])
    found = {}
    for rule in rules.values():
        if len(rule.ours) != 1 or rule.stored_shape([(2, 3)]) != (2, 3):
            raise UnsupportedModel(
                f"the files of {module.config.model_type} keep {rule.theirs} joined or turned, which the packed format cannot; "
                "prune it, or write it with `groundup export --to gguf --dtype Q4_0`"
            )
        found[rule.ours[0].removesuffix(".weight")] = rule.theirs
    return found


class Piece(list[int]):
    """Ids of a text, or of a part of it. ends: whether a plain text ends with them; a conversation has its template's own end.

    answers: of a conversation, 1 where the model wrote, the only tokens that a tuned model has learned to predict; None: every token counts.
    """

    ends = False
    answers: list[int] | None = None


def pieces_of(handle: Any, texts: Iterable[Text], config: CompressConfig) -> tuple[list[Piece], list[Piece]]:
    """Held-out and calibration texts as ids, cut to seq_len."""
    wanted, length = (
        config.held_out_tokens + config.seed * config.calibration_tokens,
        min(config.seq_len, handle.config.max_position_embeddings),
    )
    pieces: list[Piece] = []
    for text in texts:
        pieces += _cut(text, handle.tokenizer, length)
        if sum(map(len, pieces)) >= wanted:
            break
    pieces = [piece for piece in pieces if len(piece) > 1]
    held = _taken(pieces, config.held_out_tokens)
    _taken(pieces, (config.seed - 1) * config.calibration_tokens)
    return held, _taken(pieces, config.calibration_tokens)  # one long text may have far more


def _cut(text: Text, tokenizer: Any, length: int) -> list[Piece]:
    """A text or a conversation as pieces of so many ids."""
    ids, mask = (tokenizer.encode(text), list[int]()) if isinstance(text, str) else _answered(text, tokenizer)
    cut = [Piece(ids[at : at + length]) for at in range(0, len(ids), length)]
    if any(mask):
        for number, piece in enumerate(cut):
            piece.answers = mask[number * length : number * length + len(piece)]
    if cut:
        cut[-1].ends = isinstance(text, str)
    return cut


def _answered(messages: Sequence[dict[str, str]], tokenizer: Any) -> tuple[list[int], list[int]]:
    """Ids of a conversation and where its answers stand; nowhere for a template that rewrites what came before."""
    try:
        ids, mask = tokenizer.apply_chat_template(list(messages), return_assistant_mask=True)
    except InputError:
        return tokenizer.apply_chat_template(list(messages)), []
    return ids, mask


def closed(pieces: Sequence[Piece], end: int | None) -> list[list[int]]:
    """The pieces as a corpus has them: the end token behind those with which a text ends, and behind no other."""
    return [[*piece, end] if piece.ends and end is not None else piece for piece in pieces]


def check_rest(held_out: Sequence[Sequence[int]], pieces: Sequence[Sequence[int]]) -> None:
    """Refuse texts of which too little is left once the held-out part is taken."""
    measured, rest = (sum(map(len, some)) for some in (held_out, pieces))
    if measured and rest < calibration.LEAST_TOKENS:
        raise InputError(
            f"the texts have {measured + rest} tokens: {measured} are held out to measure what is lost, and {rest} are left to say which weights count, where "
            f"{calibration.LEAST_TOKENS} are the least and 10,000 are better; give more text, or a smaller --held-out-tokens"
        )


def _taken(pieces: list[Piece], tokens: int) -> list[Piece]:
    """The first pieces, so many that they have that many tokens; they are taken out."""
    found: list[Piece] = []
    while pieces and sum(map(len, found)) < tokens:
        found.append(pieces.pop(0))
    return found


def change(
    module: Any,
    config: CompressConfig,
    texts: Sequence[Sequence[int]],
    told: Callable[[int], object] = lambda done: None,
) -> Changed:
    """A module made smaller by texts of ids: in place, or a smaller one that takes its weights over."""
    if config.method in STRUCTURES:
        return Changed(structured.prune(module, config.method, config.share, texts, told))
    if not config.quantises:
        zeros = pruning.prune(module, config.method, config.share, config.neighbours(), texts, told)
        return Changed(module, zeros=zeros)
    bits = _bits(module, config, texts)
    made = ptq.quantize(module, config.method, bits, config.group_size or None, texts, told, config.alpha)
    return Changed(module, made, bits)


def _bits(module: Any, config: CompressConfig, texts: Sequence[Sequence[int]]) -> dict[str, int]:
    """The bits of each matrix: one number for all, or by what rounding it costs."""
    sizes = {name: part.weight.numel() for name, part in calibration.linear_maps(module).items()}
    if not config.mean_bits:
        return dict.fromkeys(sizes, config.width)
    few: list[Sequence[int]] = []
    for text in calibration.check_texts(texts, module.config.max_position_embeddings):
        if sum(map(len, few)) < MEASURED_TOKENS:
            few.append(text)
    rises = ptq.sensitivity(module, 4, config.group_size or None, lambda one: math.log(perplexity(one, few) or 1.0))
    return ptq.choose_bits(rises, sizes, config.mean_bits)


def mean_bits(made: Changed) -> float | None:
    """Bits of a weight that was quantised, without its share of a scale; None where none was."""
    sizes = {name: one.codes.numel() for name, one in made.packed.items()}
    return sum(made.bits[name] * size for name, size in sizes.items()) / sum(sizes.values()) if sizes else None


@torch.inference_mode()
def perplexity(module: Any, texts: Sequence[Sequence[int]]) -> float | None:
    """e to the mean loss of every next token of texts of ids, of the answers' alone where a `Piece` names them; None without one."""
    total, count = 0.0, 0
    for text in texts:
        ids = torch.tensor([list(text)], device=module.device)
        answers = getattr(text, "answers", None)
        counted = torch.tensor(answers or [1] * len(text), device=module.device)[1:].bool()
        logits = module(ids)[0, :-1].float()
        total += float(functional.cross_entropy(logits[counted], ids[0, 1:][counted], reduction="sum"))
        count += int(counted.sum())
    return math.exp(total / count) if count else None


def write(handle: Any, target: Path, config: CompressConfig, made: Changed, names: Mapping[str, str]) -> None:
    """A model folder: codes and scales for what was quantised, all else as it is. names: of the matrices in the family's files."""
    table: dict[str, Tensor] = {}
    whole = config.method == "smoothquant"
    codes = {theirs: (made.packed[ours], made.bits[ours]) for ours, theirs in names.items()}
    for name, tensor in huggingface.weights_of(made.module).items():
        table |= packed.tensors_of(name, *codes[name], whole) if name in codes else {name: tensor}
    with files.atomic_folder(target) as folder:
        huggingface.write_files(folder, made.module, handle.tokenizer, handle.generation or None)
        if codes:
            for file in folder.glob("*.safetensors*"):
                file.unlink()
            shards.write(folder, table)
            said = {"quantization_config": _said(config, {name: bits for name, (_, bits) in codes.items()})}
            files.write_json(folder / "config.json", files.read_json(folder / "config.json") | said)
        files.write_checksums(folder)


def _said(config: CompressConfig, bits: Mapping[str, int]) -> dict[str, Any]:
    """What config.json says of the codes. bits: of each matrix, by its name in the files."""
    if config.method == "smoothquant":
        return packed.settings(smoothquant.BITS, None, ["lm_head"], inputs=smoothquant.BITS)
    least = min(bits.values())
    others = {name.removesuffix(".weight"): few for name, few in bits.items() if few != least}
    return packed.settings(least, config.group_size or None, ["lm_head"], others)


def size_of(folder: Path) -> int:
    """Bytes of a folder's weights."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))
