"""How much there is to know: surprise counted in bits, and what a model that guesses wrongly pays.

entropy        surprise on average; what one thing tells about another; a text, word by word
cross_entropy  the surprise of one who believes in other probabilities; a loss from logits that does not overflow
kl             what believing the wrong ones costs; the same when only samples are there
perplexity     the same loss for humans, and for comparing vocabularies
compressor     a model's predictions written out as a file, and read back without a loss

Entropies are in bits, losses from logits in nats as training has them; one bit is log(2) = 0.693 nats.
A function that is named like its file is imported from there: `from groundup.foundations.information.entropy import entropy`.
"""

import importlib
from typing import Any

_EXPORTS = {
    "conditional_entropy": "entropy",
    "mutual_information": "entropy",
    "surprises": "entropy",
    "log_sum_exp": "cross_entropy",
    "negative_log_likelihood": "cross_entropy",
    "kl_divergence": "kl",
    "jensen_shannon": "kl",
    "bits_per_byte": "perplexity",
    "compress": "compressor",
    "decompress": "compressor",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.foundations.information has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
