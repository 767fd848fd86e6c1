"""The summary as plain data: parameters, bytes, formats, the cache, layers with equal neighbours together, the tokenizer, what is odd."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.model.summary.costs import NAMES, costs
from groundup.model.summary.odd import LAYER, matrix, odd, odd_numbers, template_tokens
from groundup.model.summary.reading import EMBEDDINGS, HEADS, Looked, Stored, look

BYTES = {
    "F64": 8,
    "I64": 8,
    "F32": 4,
    "I32": 4,
    "F16": 2,
    "BF16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}


def summarize(path: str | Path, values: bool = False) -> dict[str, Any]:
    """Everything as plain data. values: look at every number of the weights too."""
    found = look(path)
    total, size = (sum(getattr(one, what) for one in found.tensors.values()) for what in ("parameters", "bytes"))
    dtypes = Counter[str]()
    for one in found.tensors.values():
        dtypes[one.dtype] += one.parameters
    return {
        "path": str(path),
        "family": found.raw.get("model_type"),
        "parameters": total,
        "counted_parameters": None if found.counted is None else found.counted.parameters,
        "bytes": size,
        "dtypes": dict(dtypes.most_common()),
        "embedding_parameters": matrix(found, EMBEDDINGS),
        "head_parameters": matrix(found, HEADS),
        "context": found.context,
        "cache": _cache(found, dtypes),
        "costs": _costs(found, dtypes),
        "layers": layers(found.tensors),
        "config": found.raw,
        "generation": found.generation,
        "tokenizer": about_tokenizer(found),
        "odd": [*odd(found), *(odd_numbers(found) if values else ())],
    }


def _cache(found: Looked, dtypes: Counter[str]) -> dict[str, Any] | None:
    """Bytes that one token keeps, in the number format of the weights, and a whole context."""
    if found.counted is None:
        return None
    width = BYTES.get(dtypes.most_common(1)[0][0] if dtypes else "F32", 2)
    token = found.counted.kv_cache_bytes_per_token(max(width, 2))  # nobody keeps 8-bit weights' cache in 8 bits unasked
    return {"bytes_per_token": token, "bytes_of_a_context": token * found.context}


def _costs(found: Looked, dtypes: Counter[str]) -> list[dict[str, Any]]:
    """Memory and operations of the usual uses; nothing where the configuration is not known or names no context."""
    if found.config is None or not found.context:
        return []
    return costs(found.config, found.context, NAMES.get(dtypes.most_common(1)[0][0] if dtypes else "F32", "bfloat16"))


def layers(tensors: Mapping[str, Stored]) -> list[dict[str, Any]]:
    """The tensors by layer, equal neighbours together: [{"name": "model.layers.0-11", "count": 12, "tensors": [...]}]."""
    groups: dict[tuple[str, int], dict[str, Stored]] = {}
    for name, one in tensors.items():
        place = LAYER.match(name)
        key, rest = ((place[1], int(place[2])), place[3][1:]) if place else (("", -1), name)
        groups.setdefault(key, {})[rest] = one
    made: list[dict[str, Any]] = []
    for (prefix, number), held in sorted(groups.items(), key=lambda item: (item[0][1] >= 0, item[0])):
        rows = [{"name": name, **one._asdict(), "parameters": one.parameters} for name, one in sorted(held.items())]
        last = made[-1] if made else None
        if last and number > 0 and last["prefix"] == prefix and last["tensors"] == rows and last["last"] == number - 1:
            last.update(last=number, count=last["count"] + 1)
        else:
            made.append({"prefix": prefix, "first": number, "last": number, "count": 1, "tensors": rows})
    return [{"name": _span(group), "count": group["count"], "tensors": group["tensors"]} for group in made]


def _span(group: Mapping[str, Any]) -> str:
    """`model.layers.0-11`; what stands in no layer is `outside the layers`."""
    if group["first"] < 0:
        return "outside the layers"
    first, last = group["first"], group["last"]
    return f"{group['prefix']}{first if first == last else f'{first}-{last}'}"


def about_tokenizer(found: Looked) -> dict[str, Any] | None:
    """The tokenizer in figures; None where there is none."""
    words = found.tokenizer
    if words is None:
        return None
    return {
        "kind": type(words).__name__,
        "vocab_size": words.vocab_size,
        "special_tokens": words.special_tokens,
        "roles": words.roles,
        "chat_template": words.chat_template is not None,
        "template_tokens": template_tokens(words),
        "ids_within_the_embedding": None if not found.rows else words.vocab_size <= found.rows,
    }
