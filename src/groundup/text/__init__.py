"""Text as a model sees it: how characters become token ids, and what counting tokens alone can predict.

`tokenizers`  byte-level BPE, from its readable definition to the fast form; chat templates; tokenizer.json
`ngram`       counts of n-grams and interpolated Kneser-Ney smoothing: the baseline of every neural model
"""
