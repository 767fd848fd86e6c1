"""Instruction tuning: the pretraining loop on conversations, with the loss on the assistant's words only.

    <|im_start|>user\\nWhat is 9 minus 8?<|im_end|>\\n<|im_start|>assistant\\n1<|im_end|>
    not learned ............................................................ learned

The end of the answer is learned too, or the model never stops. The mask goes by position, as the template knows which
text it wrote for whom; going by token id would drop the real end of an answer where end and padding share an id.
Wei et al. 2021, arXiv:2109.01652; Ouyang et al. 2022, arXiv:2203.02155, section 3.4.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundup.data.pipeline.formats import Shards, write_shards
from groundup.data.pipeline.streaming import Loader
from groundup.errors import InputError
from groundup.training import loop
from groundup.training.config import TrainConfig

Message = dict[str, str]


def conversation(prompt: str, answer: str) -> list[Message]:
    """One question and its answer as chat messages."""
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]


def conversations_to_shards(conversations: Iterable[Sequence[Message]], tokenizer: Any, folder: str | Path) -> Shards:
    """Write conversations as token shards with a loss mask.

    A chat has no beginning-of-text token, so its own first token is what stands before the row's first target.
    """
    tokens, masks, lengths, starts = [], [], [], set()
    for messages in conversations:
        ids, mask = tokenizer.apply_chat_template(list(messages), return_assistant_mask=True)
        if not any(mask):
            raise InputError("a conversation has no answer of the assistant to learn from; add one or leave it out")
        starts.add(ids[0])
        tokens += ids[1:]
        masks += mask[1:]
        lengths.append(len(ids) - 1)
    if not lengths:
        raise InputError("there is no conversation to learn from; give a file of conversations with answers")
    assert len(starts) == 1, f"conversations begin with different tokens: {sorted(starts)}"
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return write_shards(folder, np.array(tokens), offsets, start_id=starts.pop(), text_bytes=0,
                        vocab_size=tokenizer.vocab_size, loss_mask=np.array(masks, dtype=np.uint8))


def tune(module: Any, shards: Shards, config: TrainConfig, *, listeners: Sequence[loop.Listener] = (),
         folder: str | Path | None = None, stop: Callable[[], bool] = loop.never,
         way_on: str = "the same call goes on from there") -> loop.TrainResult:
    """Train `module` in place on conversations; see `training.loop.train` for folder, stop and listeners."""
    loader = Loader(shards, config.seq_len, config.batch_size, config.seed)
    return loop.train(module, loader.batch, config, listeners=listeners, folder=folder, stop=stop, way_on=way_on)
