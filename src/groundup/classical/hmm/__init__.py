"""Hidden Markov models: what was seen, explained by a chain of states that were not.

`hmm`           forward-backward, Viterbi and Baum-Welch, for one chain and as their formulas
`scaled`        Baum-Welch for many sequences, compiled
`pos`           a part-of-speech tagger of trigrams of tags, counted from a treebank
`lexicon`       which tags a word may have, by its ending where it was never seen
`second_order`  Viterbi over pairs of tags, compiled
"""
