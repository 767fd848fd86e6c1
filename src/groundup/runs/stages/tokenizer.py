"""The stage `tokenizer`: a byte-level vocabulary learned from the training documents of every world."""

from typing import Any

from groundup.runs.context import Context

MEASURED_DOCUMENTS = 200


def run(context: Context) -> dict[str, Any]:
    """Train and write the tokenizer; bytes a token on held-out documents of each world."""
    from groundup.data.folder import DataFolder
    from groundup.text.tokenizers import train_tokenizer

    data = DataFolder.open(context.inputs["documents"])
    tokenizer = train_tokenizer((text for world in data.worlds for text in data.texts(world, "train")), context.config)
    tokenizer.save(context.made)
    compression = {
        world: bytes_per_token(tokenizer, data.texts(world, "heldout", MEASURED_DOCUMENTS)) for world in data.worlds
    }
    return {"vocab_size": tokenizer.vocab_size, "fingerprint": tokenizer.fingerprint, "bytes_per_token": compression}


def bytes_per_token(tokenizer: Any, texts: list[str]) -> float:
    """How many bytes of UTF-8 one token stands for, on average."""
    tokens = sum(map(len, tokenizer.encode_batch(texts)))
    return sum(len(text.encode()) for text in texts) / max(1, tokens)
