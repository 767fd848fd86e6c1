"""Text as a model sees it: how characters become token ids, and what counting tokens alone can predict.

`preprocess`  one spelling for equal texts, damage mended, sentences, words, words as numbers
`tokenizers`  character, word, BPE, byte-level, WordPiece, Unigram, SentencePiece; chat templates; everybody's files in and out
`ngram`       counts of n-grams and interpolated Kneser-Ney smoothing: the baseline of every neural model
"""
