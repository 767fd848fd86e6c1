"""compiled: a decoder of LLaMA's kind lowered to one compiled call a token, for writing a text, or up to 16 at once, on a CPU.

Reading order
    records       weights of 32, 16, 8.5 and 4.5 bits, sixteen rows beside each other
    references    what a product of quantised weights is, in NumPy
    instructions  what Numba does not offer: the processor's products of bytes and words, numbers that threads share
    products      sixteen rows times up to eight vectors, for each kind of record
    pages         a page of keys against a query, a page of values mixed
    attention     attention over pages, norms, rotations, gates
    kernels       one token of every text through all layers, cut into chunks that threads take
    layout        which modules can be lowered, and their weights packed
    step          `lower(module, codec)`: the decoder over pages of the caller, or with a text of its own
    checks        compared with torch before it is used
    choose        `decoder_for(model)`: compiled or torch, whichever is right and faster
    disk          compiled code kept for the next process
"""
