"""From documents to batches.

tokenize    documents -> shards of token ids on disk       mixing      several sources, each with its share of the rows
formats     the shards, with index and checksums           streaming   rows -> shuffled batches, a function of the step
packing     documents -> rows of one length
"""
