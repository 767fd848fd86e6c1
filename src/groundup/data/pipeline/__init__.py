"""From documents to batches.

tokenize    documents -> shards of token ids on disk       packing     documents -> rows of one length
formats     the shards, with index and checksums           streaming   rows -> shuffled batches, a function of the step
"""
