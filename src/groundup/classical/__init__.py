"""Language before transformers: chains of states, trees, vectors of words and recurrent networks, each trained from text.

`hmm`         hidden Markov models, and the part-of-speech tagger that is one
`structure`   linear-chain conditional random fields that find names; grammars and parsers
`embeddings`  words as vectors: counts and SVD, word2vec, GloVe, FastText
`recurrent`   RNN, LSTM and GRU: language models, taggers, translation with attention

A trained thing is a folder (`config.json` with its `model_type`, `model.safetensors`), written by `save` and read by `load`.
"""
