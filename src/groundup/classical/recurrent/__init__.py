"""Networks that read one token after the other and keep a state: what language models were before transformers.

`rnn`            the simple cell, and its gradient's way back through time
`lstm`           a memory that is added to, behind gates
`gru`            the same with fewer of them
`layers`         layers of a cell, both directions, rows of unequal length; `scan` and `kernels` make them fast
`memory`         how far back each of them learns: the gradient by distance, and a task of copying
`language_model` a language model over a cell; its state is its cache; a training whose text goes on from batch to batch
`char_lm`        text written character by character
`bidirectional`  a tagger that reads a sentence from both ends
`attention`      where a decoder looks: additive and by a product
`seq2seq`        a text in, another one out; `seq2seq_network` has its weights
"""

import importlib
from typing import Any

_EXPORTS = {
    "RNN": "rnn",
    "LSTM": "lstm",
    "GRU": "gru",
    "RecurrentConfig": "language_model",
    "RecurrentLM": "language_model",
    "CharacterModel": "char_lm",
    "Tagger": "bidirectional",
    "Seq2SeqConfig": "seq2seq",
    "Translator": "seq2seq",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.classical.recurrent has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
