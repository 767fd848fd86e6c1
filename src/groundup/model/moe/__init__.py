"""Mixture of experts: many feed-forwards, of which each token uses a few; more weights at the same operations a token.

routing     which experts a token goes to and with what weight: top-1 (Switch), top-k (Mixtral), sigmoid in groups (DeepSeek)
balance     how evenly they are used: measured, paid for by a loss, or steered by a bias that no gradient sees
experts     the computation: token by token (the definition), grouped by expert (fast); the three layers

            experts     used a token     shared     scores      kept even by
    Switch      many        1                0          softmax     a loss and a capacity, beyond which tokens are dropped
    Mixtral     8           2                0          softmax     a loss
    DeepSeek    256 fine    8                1          sigmoid     a bias for choosing only

Left out: experts spread over processes (expert parallelism), which wraps these layers from outside.
"""
