"""Formats: the model folder that the whole ecosystem reads (`huggingface`), what each family calls its weights (`names`), and
how they lie in files (`shards`)."""
