"""The same text only once.

exact         documents, paragraphs and lines that are the same but for white space
minhash       signatures that say how much two texts share
neighbours    signatures that agree, joined into clusters; an index of earlier data
suffix_array  every suffix of a text in the order of a dictionary
substring     passages that stand in several documents
"""
