"""A module that is trained around a decoder: what the training loop asks of a module, answered by the decoder."""

from typing import Any

import torch
from torch import nn


class Around(nn.Module):
    """Holds a decoder as `module`; its configuration, device and compute dtype are the decoder's."""

    def __init__(self, module: Any):
        super().__init__()
        self.module = module

    @property
    def config(self) -> Any:
        """As the decoder's."""
        return self.module.config

    @property
    def device(self) -> torch.device:
        """As the decoder's."""
        return self.module.device

    @property
    def compute_dtype(self) -> torch.dtype:
        """As the decoder's."""
        return self.module.compute_dtype

    @compute_dtype.setter
    def compute_dtype(self, dtype: torch.dtype | None) -> None:
        """Set the decoder's; what stands around it follows what it reads."""
        self.module.compute_dtype = dtype
