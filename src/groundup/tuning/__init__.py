"""Adapting a pretrained model: supervised tuning on examples of what it should do."""
