"""Whether the compiled step says what torch says: made each time a module is lowered, before anybody uses it.

First one product of 8-bit steps by itself, against `references.quantised_product`, which rounds alike. Then both read some texts of
four tokens. Torch's weights are what the packed ones are worth (`Codec.worth`), in float32, so that what is left are the roundings of
vectors, keys and values: 0.002 to 0.05 of the logits' size. A text of tokens that never stand together can be off by ten times that (SmolLM2's first
two: 0.18 in bf16, where float32 is off by 4e-5), so the nearest of the texts counts: wrong code is off by 1 and more on every one.
"""

from typing import Any

import numpy as np
import torch

from groundup.errors import UnsupportedModel
from groundup.inference.compiled import kernels
from groundup.inference.compiled.records import CODECS
from groundup.inference.compiled.references import quantised_product
from groundup.machine.numbers.blocks import BLOCK, encode_blocks

ERROR = {"f32": 0.01, "bf16": 0.05, "q8_0": 0.05, "q4_0": 0.05}  # of the logits' root mean square
TEXTS, TOKENS = 6, 4  # of SmolLM2's six the nearest is off by 0.002 (bf16) to 0.007 (4 and 8 bits)
HEAD_ROWS = 4096  # of the head's matrix at a time
SAME = 1e-4  # of a product whose roundings are the same


def check(lowered: Any) -> None:
    """UnsupportedModel where the step is off by more than rounding."""
    check_product()
    module = lowered.module
    drawn = np.random.default_rng(0).integers(0, lowered.sizes.vocabulary, (TEXTS, TOKENS))
    ids = drawn[:, : lowered.context].tolist()
    expected = worth_logits(module, lowered.codec, ids)
    errors = [off(_read(lowered, text), right) for text, right in zip(ids, expected, strict=True)]
    _refuse("step", "logits", min(errors), ERROR[lowered.codec])


def _read(lowered: Any, ids: list[int]) -> np.ndarray:
    """The compiled step's logits behind a text."""
    text = lowered.text(min(lowered.context, BLOCK))
    for token in ids:
        found = text.step(token)
    return found


def check_product() -> None:
    """UnsupportedModel where a product of 8-bit steps is not what it should be on this processor."""
    generator = np.random.default_rng(0)
    matrix, vector = (generator.normal(size=shape).astype(np.float32) for shape in ((16, 64), (64,)))
    out = np.zeros(16, np.float32)
    kernels.rows_times(CODECS["q8_0"].pack(torch.from_numpy(matrix)), 1, vector, np.zeros(256, np.uint8), out)
    _refuse("product", "numbers", off(out, quantised_product(encode_blocks(matrix, "Q8_0"), vector)), SAME)


def _refuse(what: str, of: str, error: float, most: float) -> None:
    if not error < most:
        raise UnsupportedModel(
            f"the compiled {what} is off by {error:.3g} of the {of}' size on this machine (up to {most} is rounding), so it is "
            "not used; write with the module itself, which torch runs"
        )


def off(found: np.ndarray, expected: np.ndarray) -> float:
    """Root mean square of the difference, as a part of that of the expected numbers."""
    return float(np.sqrt(np.mean((found - expected) ** 2)) / (np.sqrt(np.mean(expected**2)) + 1e-9))


def worth_logits(module: Any, codec: str, ids: list[list[int]]) -> np.ndarray:
    """Torch's logits behind each of some texts of one length, in float32 with what the packed weights are worth, of one block's weights at a time."""
    codecs, device = CODECS, module.device
    read = torch.tensor(ids, device=device)
    table = codecs["f32" if codec == "f32" else "bf16"]
    with torch.inference_mode():
        x = table.worth(module.model.embed_tokens.weight[read]).to(device)
        angles = module.rotary.angles(torch.arange(len(ids[0]), device=device), torch.float32)
        for index, block in enumerate(module.model.layers):
            worth = {
                name: codecs[codec].worth(one).to(device) if one.dim() > 1 else one.detach().float()
                for name, one in block.named_parameters()
            }
            x = torch.func.functional_call(block, worth, (x, angles, None, None, index))
        x = torch.func.functional_call(module.model.norm, {"weight": module.model.norm.weight.float()}, (x,))[:, -1]
        head = codecs[codecs[codec].head]
        parts = [x @ head.worth(rows).to(device).T for rows in module.lm_head.weight.split(HEAD_ROWS)]
    return torch.cat(parts, dim=1).cpu().numpy()
