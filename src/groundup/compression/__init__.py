"""Compression: a trained model made smaller, and what that costs it.

quantization    weights as whole numbers of a few bits: rounded alone (ptq), each error passed on (gptq), loud inputs protected (awq), inputs rounded too
pruning         weights that can go: by size, by what they carry, or with the rest repaired; heads, channels and layers in smaller shapes
distillation    a small model taught by a large one
calibration     what goes into each matrix, read from a few texts; blocks in order, each behind those that are compressed already
"""
