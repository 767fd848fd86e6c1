"""What a model file or folder holds, and what is odd about it: `groundup inspect MODEL`.

    reading    what the files say about themselves: headers, configuration, tokenizer
    odd        every oddity in one sentence; with `values` every number is looked at once
    costs      memory and operations of answering, of a training step and of LoRA
    figures    all of it as plain data: `summarize`

Left out: what a model can do (`groundup eval`), and whether an architecture is right (`architectures/conformance`).
"""

from groundup.model.summary.costs import costs
from groundup.model.summary.figures import layers, summarize
from groundup.model.summary.odd import odd_values
from groundup.model.summary.reading import header, headers, named

__all__ = ["costs", "header", "headers", "layers", "named", "odd_values", "summarize"]
