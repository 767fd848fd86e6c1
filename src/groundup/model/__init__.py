"""model: one decoder transformer composed from parts, its published families, its folder, its cost.

Reading order
    attention/      scaled dot-product attention, the masks, the module that shares keys between query heads
    positions/      rotary angles
    layers/         linear, norms, embedding, feed-forward, residual block, and every initial value in one table
    transformer     the Decoder: embedding, blocks, norm, head
    architectures/  one small file a family: which parts, and how its config.json is read
    formats/        the model folder in the Hugging Face layout
    accounting      parameters, FLOPs and cache size from a configuration alone

Importing this package loads no torch; the parts do.
"""
