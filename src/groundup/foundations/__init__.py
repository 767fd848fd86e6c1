"""The mathematics of language models by hand, in NumPy alone.

linalg       vectors, matrices, decompositions
autograd     derivatives, from a quotient of differences to a GPT that trains
optimize     downhill: gradient descent and what improves it
probability  distributions, inference, tests
information  entropy, cross-entropy, divergence, compression
discrete     graphs, counting, sets
learning     fitting, validating, regularizing small models
networks     neurons, layers, and what makes deep ones train
"""
