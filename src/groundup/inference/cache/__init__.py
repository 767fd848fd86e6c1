"""Cache: the keys and values of earlier tokens, so that a new token costs one position and not the whole text.

Reading order
    kv_cache        one block a layer, as long as the longest row may become; windows
    paged           pages that the rows share, tables, copy on write
    ragged          one step of rows of different lengths over pages: attention's reference, and what a decoder is handed
    page_kernels    attention that reads pages where they lie, compiled
    page_attention  a step cut into units of work for the kernels
    quantized       pages of 8- and 4-bit codes
    prefix          beginnings that were read before, found by their tokens
    saved           a prefix cache on disk
"""
