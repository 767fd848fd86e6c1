"""Distillation: a small model learns from a large one.

distillation    from its probabilities, from its hidden states, or from texts it wrote
student         a model folder taught by another, over the one training loop
"""
