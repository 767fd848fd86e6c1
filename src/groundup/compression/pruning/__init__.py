"""Pruning: weights set to zero, or taken out.

pruning       which weights go (magnitude, Wanda, SparseGPT), freely or two of four
structured    whole heads, feed-forward channels and blocks, and the model's shapes with them
"""
