"""AdamW whose two means are kept in bf16 or in 8 bits: 4 or 2.03 bytes a weight instead of 8.

    bf16    m and v rounded to bf16
    8bit    in blocks of 256 numbers: m in 255 steps of its largest size, the fourth root of v in 255 steps of its largest

Each weight's means are unpacked to fp32, moved by AdamW, and packed again, so only one tensor's are whole at a time. Rounding is
at random, up as often as the part that is cut off: v changes by a twentieth or a thousandth a step, and rounded to the nearest
it would come back to where it was, forever. The draws are a function of the step, so a resumed run makes the same.

v itself spans many orders of size within a block; in linear steps all below a 500th of the largest would be 0, and v is what
divides. Its fourth root brings 10 orders to 2.5, and no v above 0 is packed as 0. The codes are those of
groundup.machine.numbers.integers (symmetric for m, asymmetric for the root), made by torch where the weights are. Small
tensors stay fp32: they save nothing. Packing costs more than the step (6.7 and 13 ms a million weights on one core,
0.4 for the fused fp32 form): for memory, not for speed. Dettmers et al. 2021, arXiv:2110.02861 (blocks; they use steps that grow with the number);
Li et al. 2023, arXiv:2309.01507 (why v must not become 0).
"""

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor

from groundup.errors import ConfigError
from groundup.training.optimizers.adamw import AdamW, Group, Numbers

BLOCK = 256
SMALL = 4096  # numbers; a smaller tensor (a gain, a bias) stays fp32
Form = Literal["bf16", "8bit"]
Rounding = Literal["stochastic", "nearest"]


def to_bf16(values: Tensor, draws: Tensor | None) -> Tensor:
    """Round fp32 to bf16: to the nearest, or up where a draw from 0 to 1 is under the part that is cut off."""
    if draws is None:
        return values.to(torch.bfloat16)
    # a bf16 is the upper half of an fp32: adding less than one step of it below the cut carries that often
    words = values.view(torch.int32) + (draws * 65536).to(torch.int32)
    return (words & -65536).view(torch.float32).to(torch.bfloat16)


def block_codes(blocks: Tensor, least: int, most: int, draws: Tensor | None) -> tuple[Tensor, Tensor]:
    """Write blocks (n, 256) as whole numbers from `least` to `most`, in steps of the block's largest size / most.

    draws: from 0 to below 1, shape of blocks; a number is rounded up as often as the part that is cut off. None: to the
    nearest. Gives codes (int8 where least is below 0, else uint8) and scales (n, 1); a block of zeros has scale 0.
    """
    scale = blocks.abs().amax(dim=1, keepdim=True) / most
    steps = blocks / torch.where(scale > 0, scale, 1.0)
    codes = steps.round_() if draws is None else steps.add_(draws).floor_()
    return codes.clamp_(least, most).to(torch.int8 if least < 0 else torch.uint8), scale


def pack(values: Tensor, draws: Tensor | None, *, root: bool) -> tuple[Tensor, Tensor]:
    """A tensor of any shape as codes (blocks, 256) and scales. root: of the fourth root, for numbers from 0 up."""
    flat = values.reshape(-1)
    blocks = torch.nn.functional.pad(flat, (0, -len(flat) % BLOCK)).view(-1, BLOCK)
    if not root:
        return block_codes(blocks, -127, 127, draws)
    codes, scale = block_codes(blocks.sqrt().sqrt(), 0, 255, draws)
    return codes.maximum((blocks > 0).to(torch.uint8)), scale


def unpack(codes: Tensor, scale: Tensor, like: Tensor, *, root: bool) -> Tensor:
    """The fp32 numbers that were packed, in the shape of `like`."""
    steps = codes.float() * scale
    return (steps.square().square() if root else steps).view(-1)[: like.numel()].view(like.shape)


class LowMemoryAdamW(AdamW):
    """AdamW with its state in bf16 or 8 bit. rounding: stochastic, or nearest to see what goes wrong."""

    label = "adamw"

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        *,
        form: Form,
        rounding: Rounding = "stochastic",
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        for name, value, known in (("form", form, get_args(Form)), ("rounding", rounding, get_args(Rounding))):
            if value not in known:
                raise ConfigError(f"{name}={value!r} is not known; use one of {', '.join(known)}")
        self.form, self.rounding = form, rounding
        numbers = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "eps": eps}
        super().__init__(parameters, **numbers, weight_decay=weight_decay)

    def start(self, parameter: Tensor) -> dict[str, Tensor]:
        """Both means as packed zeros: numbers or codes, and their scales (none where they stay numbers)."""
        kept: dict[str, Tensor] = {}
        for table in self.tables:
            zeros = torch.zeros_like(parameter, dtype=torch.float32, requires_grad=False)
            kept[table], kept[f"{table}_scale"] = self._packed(zeros, None, table)
        return kept

    def apply(
        self, weights: list[Tensor], gradients: list[Tensor], states: list[list[Tensor]], rate: float, decay: float
    ) -> None:
        """Move the weights one after another, each with its means unpacked."""
        numbers = Numbers(rate, *self.betas, self.eps, decay, self.steps)
        source = torch.Generator(weights[0].device).manual_seed(self.steps)
        for weight, gradient, *kept in zip(weights, gradients, *states, strict=True):
            halves = list(zip(self.tables, kept[::2], kept[1::2], strict=True))  # table, numbers or codes, scales
            means = [self._whole(codes, scale, weight, table) for table, codes, scale in halves]
            self.move(Group([weight], *([mean] for mean in means)), [gradient], numbers)
            for (table, codes, scale), mean in zip(halves, means, strict=True):
                packed = self._packed(mean, source, table)
                codes.copy_(packed[0])
                scale.copy_(packed[1])

    def _packed(self, mean: Tensor, source: torch.Generator | None, table: str) -> tuple[Tensor, Tensor]:
        nothing = mean.new_zeros(0)
        if mean.numel() < SMALL:
            return mean, nothing
        drawn = source is not None and self.rounding == "stochastic"
        if self.form == "bf16":
            draws = torch.rand(mean.shape, generator=source, device=mean.device) if drawn else None
            return to_bf16(mean, draws), nothing
        shape = (-(-mean.numel() // BLOCK), BLOCK)
        draws = torch.rand(shape, generator=source, device=mean.device) if drawn else None
        return pack(mean, draws, root=table == "exp_avg_sq")

    def _whole(self, kept: Tensor, scale: Tensor, weight: Tensor, table: str) -> Tensor:
        if kept.dtype in (torch.int8, torch.uint8):
            return unpack(kept, scale, weight, root=table == "exp_avg_sq")
        return kept.float()
