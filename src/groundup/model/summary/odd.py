"""What is odd about a model, each in one sentence: from the files' headers, and from the numbers where these are wanted.

A tokenizer larger than the embedding, no end of text, a context shorter than the chat template, a tied head that is stored twice,
several number formats, a layer without weights; NaN, matrices of zeros, rows that are dead or enormous.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from groundup.errors import GroundupError
from groundup.model.summary.reading import EMBEDDINGS, HEADS, Looked, named

LAYER = re.compile(r"^((?:.*?\.)?(?:layers?|h|blk|block)\.)(\d+)(\..*)$")


CONFIG_DTYPES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16", "float64": "F64"}


ENORMOUS = 30.0  # times the median norm of the rows; trained embeddings stay within about 10


def matrix(found: Looked, names: tuple[str, ...]) -> int:
    """Parameters of the embedding or the head; 0 where there is none of its own."""
    return next((one.parameters for name, one in found.tensors.items() if named(name, names)), 0)


def template_tokens(words: Any) -> int | None:
    """Tokens of a conversation of one empty message, answer not yet begun; None without a template."""
    if words.chat_template is None:
        return None
    return len(words.apply_chat_template([{"role": "user", "content": ""}], add_generation_prompt=True))


def odd(found: Looked) -> list[str]:
    """Everything that is odd, without the numbers themselves; each in one sentence."""
    said = list(found.refused)
    for ask in ODD:
        try:
            said += ask(found)
        except GroundupError as error:
            said.append(str(error))
    return said


def _odd_vocabulary(found: Looked) -> Iterator[str]:
    words, rows = found.tokenizer, found.rows
    if found.tensors and words is None and found.path.is_dir():
        yield "there is no tokenizer.json: the model works with ids only; copy that of its training into the folder"
    if words is None or not rows:
        return
    if words.vocab_size > rows:
        yield (
            f"the tokenizer has {words.vocab_size:,} ids and the embedding {rows:,} rows: ids from {rows:,} on have no vector; "
            "take both from one model, or enlarge the embedding"
        )
    if rows - words.vocab_size > max(127, rows // 20):
        share = matrix(found, EMBEDDINGS) // rows * (rows - words.vocab_size)
        yield f"{rows - words.vocab_size:,} of {rows:,} rows of the embedding belong to no token ({share:,} parameters)"


def _odd_ends(found: Looked) -> Iterator[str]:
    words = found.tokenizer
    ends = {id for source in (found.generation, found.raw) for id in _ids(source.get("eos_token_id"))}
    ends |= {words.eos_token_id} if words is not None and words.eos_token_id is not None else set()
    if not ends and found.path.is_dir():
        yield "no end-of-text token (eos) is named, by config.json, generation_config.json or the tokenizer: answers end only at the limit"
    limit = found.rows or found.raw.get("vocab_size") or 0
    if limit and (beyond := sorted(id for id in ends if not 0 <= id < limit)):
        yield f"eos_token_id {beyond[0]} is no row of an embedding of {limit:,}; correct it in config.json"
    if words is None:
        return
    own, told = words.eos_token_id, _ids(found.raw.get("eos_token_id"))
    if own is not None and told and own not in told and own not in _ids(found.generation.get("eos_token_id")):
        yield f"the tokenizer ends a text with {own} and config.json with {', '.join(map(str, told))}; one of them is wrong"
    if own is not None and words.pad_token_id == own:
        yield f"padding and the end of a text are the same token ({own}): whoever masks padding in training masks the end too"


def _ids(value: Any) -> list[int]:
    """The ids of a key that holds one, several or none."""
    return [] if value is None else [int(one) for one in (value if isinstance(value, list | tuple) else [value])]


def _odd_template(found: Looked) -> Iterator[str]:
    words, context = found.tokenizer, found.context
    if words is None or words.chat_template is None or not context:
        return
    used = template_tokens(words) or 0
    if used >= context:
        yield f"the chat template alone takes {used:,} tokens and the context is {context:,}: no conversation fits"
    elif used > context // 2:
        yield f"the chat template alone takes {used:,} of the context's {context:,} tokens"


def _odd_head(found: Looked) -> Iterator[str]:
    embedding = next((one for name, one in found.tensors.items() if named(name, EMBEDDINGS)), None)
    head = next((one for name, one in found.tensors.items() if named(name, HEADS)), None)
    tied = getattr(found.config, "tie_word_embeddings", found.raw.get("tie_word_embeddings"))
    if tied and embedding and head and found.path.is_dir():
        yield (
            f"the head is tied to the embedding and is stored once more ({head.bytes:,} bytes for nothing; "
            "the embedding is what is used): `groundup export` writes it once"
        )


def _odd_counts(found: Looked) -> Iterator[str]:
    if found.counted is None or not found.tensors:
        return
    idle = (*found.config.names.dropped, "rope_freqs.weight")  # what files carry along and no model reads
    total = sum(one.parameters for name, one in found.tensors.items() if not named(name, idle))
    stored_twice = matrix(found, HEADS) if getattr(found.config, "tie_word_embeddings", False) else 0
    if total - stored_twice != found.counted.parameters:
        yield (
            f"the files hold {total:,} parameters and config.json describes {found.counted.parameters:,}; take both from one model"
        )


def _odd_dtypes(found: Looked) -> Iterator[str]:
    if not found.path.is_dir():  # a GGUF file mixes them by design
        return
    kinds = Counter(one.dtype for one in found.tensors.values())
    if len(kinds) > 1 and "quantization_config" not in found.raw:
        yield f"the weights have several number formats: {', '.join(f'{kind} ({number} tensors)' for kind, number in kinds.most_common())}"
    if "F64" in kinds:
        yield "weights are stored in F64: twice the bytes, and nothing computes in it; `groundup export --dtype float32` halves them"
    told = CONFIG_DTYPES.get(str(found.raw.get("dtype") or found.raw.get("torch_dtype")))
    if told and kinds and told not in kinds:
        yield f"config.json says {told} and the weights are {kinds.most_common(1)[0][0]}"


def _odd_layers(found: Looked) -> Iterator[str]:
    stacks: dict[str, set[int]] = {}
    for name in found.tensors:
        if place := LAYER.match(name):
            stacks.setdefault(place[1], set()).add(int(place[2]))
    for prefix, numbers in stacks.items():
        if gap := sorted(set(range(max(numbers) + 1)) - numbers):
            yield f"{prefix}{gap[0]} has no weights though {prefix}{max(numbers)} has"


def _odd_neighbours(found: Looked) -> Iterator[str]:
    if not found.path.is_dir():
        return
    pickles = [path.name for kind in ("*.bin", "*.pt", "*.pth") for path in sorted(found.path.glob(kind))]
    if pickles:
        yield f"{pickles[0]} is a pickle, which can run code when it is loaded; groundup never reads it"
    if code := sorted(path.name for path in found.path.glob("*.py")):
        yield f"{code[0]} is code that came with the model; groundup never runs it"


ODD: tuple[Callable[[Looked], Iterator[str]], ...] = (
    _odd_vocabulary,
    _odd_ends,
    _odd_template,
    _odd_head,
    _odd_counts,
    _odd_dtypes,
    _odd_layers,
    _odd_neighbours,
)


def odd_numbers(found: Looked) -> list[str]:
    """What is odd about the numbers of a folder's weights, each looked at once."""
    from groundup.model.formats import shards

    if not found.path.is_dir() or not found.tensors:
        return []
    said = []
    for name, tensor in sorted(shards.read(found.path).items()):
        said += odd_values(name, tensor)
    return said


def odd_values(name: str, tensor: Any) -> list[str]:
    """What is odd about one weight: no numbers, nothing but zeros, rows that are dead or enormous."""
    if not tensor.is_floating_point():
        return []
    wide = tensor.float()
    if broken := int((~wide.isfinite()).sum()):
        return [f"{name} holds {broken:,} numbers that are NaN or infinite: the training that wrote it diverged"]
    if tensor.dim() < 2:
        return []
    if not wide.any():
        return [f"{name} is zero everywhere, as an output projection is before training: this part says nothing"]
    norms = wide.flatten(1).norm(dim=1)
    dead, median = int((norms == 0).sum()), float(norms.median())
    said = [f"{dead:,} of {len(norms):,} rows of {name} are zero"] if dead else []
    enormous = (norms > ENORMOUS * median).nonzero().flatten().tolist() if median > 0 else []
    if enormous:
        times = float(norms.max()) / median
        said.append(
            f"{len(enormous):,} rows of {name} are enormous (row {enormous[0]}, the largest {times:.0f} times the median)"
        )
    return said
