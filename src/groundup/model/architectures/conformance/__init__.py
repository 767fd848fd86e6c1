"""The conformance test of an architecture: what a decoder has to hold to, each point tried out on a small random model.

A new architecture that has a mistake mostly trains none the less: a leak of the future gives a splendid loss, a cache that
forgets a position gives a text that only reads badly. So each check compares two ways to the same numbers (a batch and its
rows, a text with other tokens behind it, step by step and at once, saved and loaded again) and where they part it tries what
the likely mistakes would do, and names the one that fits together with the part in which the numbers part first.

    subject      a small random model, and two ways compared
    form         it is built, counted, saved and loaded, and gives logits of the right shape
    reading      causality, masks, padding, batches, and nothing kept between calls
    remembering  a cache at every cut
    computing    gradients, bfloat16, the end of the context, the first loss
    verdicts     all of them in their order

    groundup inspect FOLDER --check

Every weight of the small model is random, gains and output projections too: zeros would hide a mistake.
Left out: whether the idea is any good, which is a matter of training; speed; and, of the published families, equality with
the original (that is a test against the original).
"""

from groundup.model.architectures.conformance.verdicts import CHECKS, Check, Verdict, conform, small

__all__ = ["CHECKS", "Check", "Verdict", "conform", "small"]
