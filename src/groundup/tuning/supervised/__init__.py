"""Supervised tuning.

conversations   examples in the shapes that data sets have, as lists of messages
instruction     the model learns to write the answers of such conversations, and to stop
"""
