"""Exercise: how many bits a model needs for a byte of text."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that

BIT = math.log(2)  # nats


def arrays(bits, sizes):
    """The bits and bytes of each document, as the function gets them: in nats."""
    import numpy

    return numpy.array(bits, dtype=numpy.float64) * BIT, numpy.array(sizes, dtype=numpy.int64)


@check("shape")
def one_number_for_all_documents(mine):
    """Gives another thing than one number: the documents are summed up, not listed."""
    for bits, sizes in (([1], [1]), ([1, 2], [1, 1])):
        got = mine(*arrays(bits, sizes))
        that(isinstance(got, float), expected="one number", got=got)


@check("values")
def of_one_document(mine):
    """Differs from the bits of the document divided by its bytes."""
    for bits, size in ((8, 1), (8, 4), (3, 2)):
        mistakes = {
            "Gives nats: one bit is log(2) = 0.693 nats, so divide by it.": bits * BIT / size,
            "Multiplies by log(2) where it has to divide: there are more bits than nats.": bits * BIT * BIT / size,
            "Divides by the number of documents: it is the bytes that count.": float(bits),
            "Gives bytes per bit: the bytes are what it is divided by.": size / bits,
            "Gives the perplexity of a byte (2 to the power of the bits): leave the bits as they are.": 2.0
            ** (bits / size),
        }
        same(mine(*arrays([bits], [size])), bits / size, mistakes=mistakes)


@check("values")
def all_bits_by_all_bytes(mine):
    """Differs from the bits of all documents divided by the bytes of all."""
    for bits, sizes in (([4, 12], [1, 7]), ([1, 0, 5], [1, 1, 2])):
        quotients = [one / size for one, size in zip(bits, sizes, strict=True)]
        mistakes = {
            "Averages the documents' own quotients: a short document would weigh as much as a long one, so divide the sums.": sum(
                quotients
            )
            / len(bits),
            "Adds up the documents' own quotients: sum the bits, sum the bytes, and divide once.": float(
                sum(quotients)
            ),
        }
        same(mine(*arrays(bits, sizes)), sum(bits) / sum(sizes), mistakes=mistakes)


@check("values")
def a_text_of_no_bytes_still_costs_its_end(mine):
    """Leaves out a document without text: that it ends at once must be predicted too, so its bits count."""
    for bits, sizes in (([1, 3], [0, 2]), ([2, 2, 0], [4, 0, 0])):
        same(mine(*arrays(bits, sizes)), sum(bits) / sum(sizes))


@check("values")
def every_digit_counts(mine):
    """Loses digits: sum in the double precision of the nats, and do not round."""
    for bits, sizes in (([1], [3]), ([2.0**24, 1], [1, 0]), ([1.2345678], [1])):
        same(mine(*arrays(bits, sizes)), sum(bits) / sum(sizes), rtol=1e-12, atol=0)


@check("speed")
def all_documents_at_once(mine):
    """Is far slower than the reference: NumPy sums all documents at once, without a Python loop."""
    import numpy

    from groundup.evaluation.metrics.intrinsic import per_byte

    fast(mine, per_byte, (numpy.linspace(1.0, 9.0, 20_000), numpy.arange(20_000)))


EXERCISE = Exercise(
    slot="evaluation.metrics.per_byte",
    title="Bits per byte: one loss for every tokenizer",
    task="""
    The loss of a token says little: with a large vocabulary there are fewer tokens, and each is harder. The bytes of a
    text are the same for every model, so the measure is bits per byte: how short a text would become if the model
    compressed it. Losses are in nats; one bit is log(2) nats. You get the nats of each document, already summed over its
    tokens, and its bytes. Give the bits of all documents divided by the bytes of all.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("evaluation.metrics.intrinsic", "foundations.information.cross_entropy"),
    hints=(
        "Two sums and one division; where the nats become bits does not matter.",
        "A long document has more bytes and must weigh more: the quotients of single documents are not needed at all.",
        "bits = nats / math.log(2); then float(bits.sum() / sizes.sum()).",
    ),
    run="groundup demo --fast && groundup --mine my eval runs/demo-fast/model --documents 50",
    checks=(
        one_number_for_all_documents,
        of_one_document,
        all_bits_by_all_bytes,
        a_text_of_no_bytes_still_costs_its_end,
        every_digit_counts,
        all_documents_at_once,
    ),
    mutants=(
        Mutant(
            "a list of documents",
            "Returns ndarray where float is expected",
            (("float((nats / math.log(2)).sum() / sizes.sum())", "nats / math.log(2) / sizes"),),
        ),
        Mutant("nats", "Gives nats", (("nats / math.log(2)", "nats / 1"),)),
        Mutant("times log 2", "Multiplies by log(2)", (("nats / math.log(2)", "nats * math.log(2)"),)),
        Mutant(
            "bytes per bit",
            "Gives bytes per bit",
            (("(nats / math.log(2)).sum() / sizes.sum()", "sizes.sum() / (nats / math.log(2)).sum()"),),
        ),
        Mutant(
            "perplexity",
            "Gives the perplexity of a byte",
            (("(nats / math.log(2)).sum() / sizes.sum()", "2 ** ((nats / math.log(2)).sum() / sizes.sum())"),),
        ),
        Mutant(
            "the mean of quotients",
            "Averages the documents' own quotients",
            (("(nats / math.log(2)).sum() / sizes.sum()", "(nats / math.log(2) / sizes).mean()"),),
        ),
        Mutant(
            "the sum of quotients",
            "Adds up the documents' own quotients",
            (("(nats / math.log(2)).sum() / sizes.sum()", "(nats / math.log(2) / sizes).sum()"),),
        ),
        Mutant("by documents", "Divides by the number of documents", (("sizes.sum()", "len(sizes)"),)),
        Mutant(
            "empty documents left out",
            "Leaves out a document without text",
            (("(nats / math.log(2)).sum()", "(nats / math.log(2))[sizes > 0].sum()"),),
        ),
        Mutant(
            "in single precision", "Loses digits", (("(nats / math.log(2))", "(nats / math.log(2)).astype('float32')"),)
        ),
        Mutant(
            "in place",
            "Changes its argument nats in place",
            (("    return float((nats / math.log(2)).sum()", "    nats /= math.log(2)\n    return float(nats.sum()"),),
        ),
        Mutant(
            "a loop over documents",
            "far slower than the reference",
            (
                (
                    "(nats / math.log(2)).sum() / sizes.sum()",
                    "sum(one / math.log(2) for one in nats) / sum(int(size) for size in sizes)",
                ),
            ),
        ),
    ),
)
