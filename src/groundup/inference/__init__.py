"""inference: a model's logits turned into text, fast and the same whatever else is in the batch.

Reading order
    decoding/config     what the user may ask for: temperature, top-p, seed, stop strings
    decoding/sampling   from logits to the next token; one random stream a row
    decoding/ways       a beam, or a draft that guesses, in the place of drawing token by token
    decoding/constrained    only what matches a regular expression or a JSON schema
    cache/kv_cache      keys and values of earlier tokens, kept instead of computed again
    cache/paged         the same in pages that rows share; ragged, quantized, prefix, saved stand on it
    engine/batching     many prompts of different lengths together; rows leave when they are done
    engine/engine       requests come and go while one model writes for all of them
    compiled/step       a token of a few texts in one compiled call on a CPU
    streaming           tokens to text: never half a character, never a part of a stop string
    readers             who reads a folder that is no model's own
    loading             the device and the tokenizer of a model folder
    handle              what `groundup.load` returns: module, tokenizer, generate, chat

Importing this package loads no torch; the parts do.
"""
