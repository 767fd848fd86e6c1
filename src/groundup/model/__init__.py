"""model: transformers composed from parts, their published families, their folders, their cost.

Reading order
    attention/      scaled dot-product attention, the masks, heads that share keys; tiled, sparse, linear, remembering, latent
    positions/      absolute, relative, rotary; a context extended beyond what was trained on
    layers/         linear, norms, embedding, feed-forward, residual block, and every initial value in one table
    recurrence/     state-space and delta-rule layers: a step, and many at once
    moe/            experts: who is asked, and how the load is kept even
    transformer     the Decoder: embedding, blocks, norm, head; `encoder` and `encoder_decoder` beside it
    architectures/  `blueprint` says which parts there are; one small file a family says which it takes, and its config.json
    formats/        the model folder in the Hugging Face layout: `names` of other people's weights, `shards`; GGUF, ONNX, llama2.c
    summary/        what a model's files hold, and what is odd
    accounting/     parameters, operations and memory from a configuration alone

Importing this package loads no torch; the parts do.
"""
