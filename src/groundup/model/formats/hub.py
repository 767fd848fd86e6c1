"""Models of the Hugging Face hub by their id, owner/name: fetched where there is a network, from its cache where there is none.

`huggingface_hub` does both; only the files that a model folder is made of are asked for, and never a pickle.
"""

import re
from pathlib import Path

from groundup.errors import InputError, missing_extra

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
HUB_FILES = [
    "config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
    "vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "README.md",
]  # fmt: skip


def find(source: str | Path) -> Path:
    """A folder as it is; else, where the name has the form owner/name, the hub's files, fetched or from its cache."""
    folder = Path(source)
    if folder.exists() or not HUB_ID.fullmatch(str(source)) or folder.parent.exists():
        return folder
    return download(str(source))


def download(name: str) -> Path:
    """The folder in the hub's cache that holds a model, brought up to date where there is a network."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise missing_extra("huggingface_hub", "hub") from None
    try:
        return Path(snapshot_download(name, allow_patterns=HUB_FILES))
    except Exception as error:  # no network, no such model, no access: the hub has a dozen classes for them
        reason = str(error).strip().split("\n")[0]
        raise InputError(
            f"there is no folder {name}, and the hub did not give a model of that name ({reason}); "
            "check the path or the network"
        ) from error
