"""inference: a model's logits turned into text, fast and the same whatever else is in the batch.

Reading order
    decoding/config     what the user may ask for: temperature, top-p, seed, stop strings
    decoding/sampling   from logits to the next token; one random stream a row
    cache/kv_cache      keys and values of earlier tokens, kept instead of computed again
    engine/batching     many prompts of different lengths together; rows leave when they are done
    engine/engine       requests come and go while one model writes for all of them
    streaming           tokens to text: never half a character, never a part of a stop string
    handle              what `groundup.load` returns: module, tokenizer, generate, chat

Importing this package loads no torch; the parts do.
"""
