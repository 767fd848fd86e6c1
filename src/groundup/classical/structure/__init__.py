"""Structure over a sentence: labels that depend on each other, and trees.

`crf`           the linear-chain conditional random field: partition function, gradient, best path
`crf_compiled`  the same over a whole corpus, compiled
`attributes`    what is said of a word and its neighbours
`ner`           named entities with it: training, tagging, spans
`parsing`       a tree for a sentence: CKY on a grammar that was read off a treebank, and a transition parser
"""
