"""Supervised tuning.

conversations   examples in the shapes that data sets have, as lists of messages
tool_calls      calls of functions in them, for templates that know calls and for those that do not
instruction     the model learns to write the answers of such conversations, and to stop
sequences       the same for an encoder-decoder
exact           which held-out answers it would write word for word, before and after
full            which weights learn: all, all but some, or the layers from the top down
labelled        texts with labels, words with tags, questions with spans, as files have them
classification  another head on the model, and its loss
predictions     what such a model says, and how far it is right
domain          text of another kind: what is learned of it, what is forgotten, what replay holds
transfer        zero-, one- and few-shot against tuned
"""
