"""Compression: a trained model made smaller, and what that costs it.

quantization    weights as whole numbers of a few bits: rounded alone (ptq), or each error passed on to the weights that are still free (gptq)
pruning         weights that can go: by size, by what they carry, or with the rest repaired
calibration     what goes into each matrix, read from a few texts; blocks in order, each behind those that are compressed already
"""
