"""compiled: a decoder of LLaMA's kind lowered to one compiled call a token, for writing one text on a CPU.

A handle's `generate` does not reach it yet: who wants it calls `lower` and takes the steps.

Reading order
    layout     which modules can be lowered, and their weights stacked as bf16 words
    kernels    one token through all layers; every loop over weights in parallel
    step       `lower(module)`: the decoder that holds both, checked against torch before it is used
"""
