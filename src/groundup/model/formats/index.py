"""Which files of a model folder hold which weights: one file, or several and an index. No torch is loaded.

    model.safetensors                              one file; or
    model-00001-of-00002.safetensors ...           several, and
    model.safetensors.index.json                   {"metadata": {"total_size": bytes}, "weight_map": {name: file}}
"""

from pathlib import Path

from groundup import files
from groundup.errors import FormatError

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
ANEW = "a pickle is never loaded; save the model anew: save_pretrained() of transformers writes safetensors"


def weight_map(path: Path) -> dict[str, str]:
    """Which file holds which weight; the names are those of files beside the index, never of a path out of the folder."""
    index = files.read_json(path)
    found = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(found, dict) or not found:
        raise FormatError(f"{path} has no weight_map, which says the file of each weight; download it again")
    for name, shard in found.items():
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise FormatError(f"{path} names {shard!r} for {name}, which is no file beside it; download it again")
        if not shard.endswith(".safetensors"):
            raise FormatError(f"{path} names {shard}, which is no safetensors file; {ANEW}")
    return found
