"""Formats: the model folder that the whole ecosystem reads (`huggingface`)."""
