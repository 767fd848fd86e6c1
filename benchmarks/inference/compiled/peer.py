"""llama.cpp behind its bare `llama_decode` (llama-cpp-python), without the wrapper's work for each token: the peer of these benchmarks."""

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np


class Peer:
    """A GGUF file ready to read tokens of one or more sequences."""

    def __init__(self, path: Path, threads: int, context: int, sequences: int = 1):
        import llama_cpp as library

        self.library = library
        self._quiet = library.llama_log_callback(lambda *_: None)
        library.llama_log_set(self._quiet, ctypes.c_void_p(0))
        library.llama_backend_init()
        self.model = library.llama_model_load_from_file(str(path).encode(), library.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp does not read {path}")
        options = library.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_ubatch = context * sequences, 2048, 2048
        options.n_threads = options.n_threads_batch = threads
        options.n_seq_max, options.kv_unified = sequences, True
        self.context = library.llama_init_from_model(self.model, options)
        self.vocabulary = library.llama_vocab_n_tokens(library.llama_model_get_vocab(self.model))
        self.batch = library.llama_batch_init(2048, 0, 1)
        self.lengths = [0] * sequences

    def read(self, ids: Sequence[int], sequence: int = 0) -> None:
        """Read tokens of one sequence; logits of the last."""
        self._decode([(token, sequence) for token in ids], last_only=True)

    def step(self, ids: Sequence[int]) -> None:
        """Read one token of every sequence; logits of each."""
        self._decode([(token, sequence) for sequence, token in enumerate(ids)], last_only=False)

    def _decode(self, tokens: list[tuple[int, int]], last_only: bool) -> None:
        batch = self.batch
        batch.n_tokens = len(tokens)
        for i, (token, sequence) in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, self.lengths[sequence], 1
            batch.seq_id[i][0], batch.logits[i] = sequence, not last_only or i + 1 == len(tokens)
            self.lengths[sequence] += 1
        if self.library.llama_decode(self.context, batch):
            raise RuntimeError("llama_decode did not read the tokens")

    def logits(self, row: int = -1) -> np.ndarray:
        """The scores after the last step."""
        found = self.library.llama_get_logits_ith(self.context, row)
        return np.ctypeslib.as_array(found, shape=(self.vocabulary,)).copy()

    def forget(self) -> None:
        """Empty every sequence."""
        self.library.llama_memory_clear(self.library.llama_get_memory(self.context), True)
        self.lengths = [0] * len(self.lengths)

    def close(self) -> None:
        """Give the memory back."""
        self.library.llama_free(self.context)
        self.library.llama_model_free(self.model)
