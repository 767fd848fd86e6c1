"""Pruning: weights set to zero.

pruning    which weights go (magnitude, Wanda, SparseGPT), freely or two of four
"""
