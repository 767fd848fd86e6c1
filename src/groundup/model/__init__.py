"""model: one decoder transformer composed from parts, its published families, its folder, its cost.

Reading order
    attention/      scaled dot-product attention, the masks, heads that share keys; tiled, sparse, linear, remembering, latent
    positions/      absolute, relative, rotary; a context extended beyond what was trained on
    layers/         linear, norms, embedding, feed-forward, residual block, and every initial value in one table
    recurrence/     state-space and delta-rule layers: a step, and many at once
    moe/            experts: who is asked, and how the load is kept even
    transformer     the Decoder: embedding, blocks, norm, head
    architectures/  `blueprint` says which parts there are; one small file a family says which it takes, and its config.json
    formats/        the model folder in the Hugging Face layout: `names` of other people's weights, `shards`
    accounting      parameters, FLOPs and cache size from a configuration alone

Importing this package loads no torch; the parts do.
"""
