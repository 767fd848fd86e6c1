"""Exercise: signatures cut into bands, each band one number."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, shape, that


def table(seed=0, texts=6, places=12, values=1 << 32):
    """Random signatures."""
    import numpy

    return numpy.random.default_rng(seed).integers(0, values, (texts, places), dtype=numpy.uint32)


@check("shape")
def a_key_for_every_band(mine):
    """Gives something else than one key for each band of each signature."""
    shape(mine(table(), 4, 3), (6, 4))
    shape(mine(table(), 2, 5), (6, 2))
    shape(mine(table(texts=0), 3, 2), (0, 3))


@check("dtype")
def keys_have_64_bits(mine):
    """Gives another dtype than uint64: with 32 bits, of 100,000 texts more than one pair would agree by chance in every band."""
    import numpy

    dtype(mine(table(), 4, 3), numpy.dtype("uint64"))


@check("values")
def equal_bands_have_equal_keys(mine):
    """Gives equal bands different keys: a key depends on the places of its band and on nothing else."""
    signatures = table()
    signatures[3, 3:6] = signatures[1, 3:6]
    keys = mine(signatures, 4, 3)
    that(keys[3, 1] == keys[1, 1], expected="the same key in band 1 of texts 1 and 3", got=keys[:, 1])


@check("values")
def every_place_matters(mine):
    """Gives bands that differ in one place the same key."""
    signatures = table()
    for place in range(12):
        signatures[1] = signatures[0]
        signatures[1, place] ^= 1
        keys = mine(signatures, 4, 3)
        wrong = [band for band in range(4) if (keys[0, band] == keys[1, band]) != (band != place // 3)]
        that(
            not wrong,
            expected=f"another key in band {place // 3} only",
            got=f"bands {wrong} after a change at place {place}",
        )


@check("values")
def the_order_in_a_band_matters(mine):
    """Gives a band the same key as its places in another order: sums and products forget it."""
    signatures = table(texts=2)
    signatures[1] = signatures[0]
    signatures[1, :3] = signatures[0, [1, 0, 2]]
    keys = mine(signatures, 4, 3)
    that(keys[0, 0] != keys[1, 0], expected="two different keys", got=keys[:, 0])


@check("values")
def hardly_ever_by_chance(mine):
    """Gives different bands the same key more often than 64 bits explain: small numbers must be spread too."""
    import numpy

    rows = numpy.array([[a, b, c] for a in range(16) for b in range(16) for c in range(16)], dtype=numpy.uint32)
    different = len(set(numpy.asarray(mine(rows, 1, 3))[:, 0].tolist()))
    that(different == len(rows), expected=f"{len(rows)} different keys", got=different)


@check("values")
def the_leading_bits_are_spread(mine):
    """Leaves the leading bits of keys alike: whoever sorts a part of all keys at a time takes them by their first bits."""
    import numpy

    keys = numpy.asarray(mine(table(1, 400, 3), 1, 3))[:, 0]
    parts = len(set((keys >> numpy.uint64(60)).tolist()))
    that(parts == 16, expected="all 16 patterns of the first four bits among 400 keys", got=parts)


EXERCISE = Exercise(
    slot="data.dedup.band_keys",
    title="Bands: candidates by equal numbers",
    task="""
    Locality-sensitive hashing cuts a signature into bands of `rows` places; two texts are candidates if a whole band
    of theirs agrees. To find those by sorting, make one number of each band: band i holds the places
    i * rows ... (i + 1) * rows - 1, and places that are left over count for nothing. Bands that agree in all places get
    the same uint64, others (as good as) never do, also where only the order differs. Spread the values over all 64 bits.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("data.dedup.minhash",),
    hints=(
        "Reshape to (texts, bands, rows), as uint64, and go through the places of all bands at once.",
        "Begin with zeros; for each place: key = (key ^ place) * a large odd number. NumPy wraps uint64 by itself.",
        "A product carries bits upwards only; key ^= key >> 29 brings some back down before the next place.",
    ),
    run="groundup --mine my learn lesson data.dedup.minhash --run",
    checks=(
        a_key_for_every_band,
        keys_have_64_bits,
        equal_bands_have_equal_keys,
        every_place_matters,
        the_order_in_a_band_matters,
        hardly_ever_by_chance,
        the_leading_bits_are_spread,
    ),
    mutants=(
        Mutant(
            "only as many bands",
            "one key for each band",
            (("return keys ^ (keys >> np.uint64(32))", "return (keys ^ (keys >> np.uint64(32)))[:, :-1]"),),
        ),
        Mutant(
            "of 32 bits",
            "another dtype than uint64",
            (("return keys ^ (keys >> np.uint64(32))", "return (keys ^ (keys >> np.uint64(32))).astype(np.uint32)"),),
        ),
        Mutant(
            "in place",
            "in place",
            (("    places = signatures", "    signatures ^= np.uint32(1)\n    places = signatures"),),
        ),
        Mutant(
            "with the text's number",
            "equal bands different keys",
            (("    keys *= np", "    keys += np.arange(len(keys), dtype=np.uint64)[:, None]\n    keys *= np"),),
        ),
        Mutant(
            "the first place only",
            "differ in one place the same key",
            (("for row in range(rows)", "for row in range(1)"),),
        ),
        Mutant(
            "a sum",
            "its places in another order",
            (
                (
                    "    for row in range(rows):\n        keys = (keys ^ places[:, :, row]) * np.uint64(STEP)\n        keys ^= keys >> np.uint64(29)\n",
                    "    keys = places.sum(axis=2)\n",
                ),
            ),
        ),
        Mutant(
            "a small base",
            "more often than 64 bits explain",
            (
                (
                    "(keys ^ places[:, :, row]) * np.uint64(STEP)\n        keys ^= keys >> np.uint64(29)",
                    "keys * np.uint64(10) + places[:, :, row]",
                ),
            ),
        ),
        Mutant(
            "without spreading",
            "the leading bits of keys alike",
            (
                (
                    "(keys ^ places[:, :, row]) * np.uint64(STEP)\n        keys ^= keys >> np.uint64(29)",
                    "keys * np.uint64(1 << 10 | 1) + places[:, :, row]",
                ),
                ("    keys *= np.uint64(PRIME)\n", ""),
                ("keys ^ (keys >> np.uint64(32))", "keys"),
            ),
        ),
    ),
)
