"""A random number for every (seed, row, position), computed and not drawn: no generator is carried from step to step.

So a row's numbers do not depend on which other rows are in its batch, in which order they run, or what ran before.
The counter is hashed by SplitMix64's finaliser (Steele, Lea and Flood 2014, OOPSLA, section 3; constants by Stafford).
"""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: neighbouring counters start far apart


def mix(counter: np.ndarray) -> np.ndarray:
    """Hash 64-bit integers so that every input bit moves about half of the output bits."""
    counter = (counter ^ (counter >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    counter = (counter ^ (counter >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return counter ^ (counter >> np.uint64(31))


def uniform(seed: int, rows: np.ndarray, positions: np.ndarray | int) -> np.ndarray:
    """One float64 in [0, 1) a row: equal arguments give the equal number, on every machine."""
    key = np.full(1, seed % 2**64, dtype=np.uint64)
    for counter in (rows, positions):
        key = mix((key + GOLDEN) ^ (np.atleast_1d(counter).astype(np.uint64) * GOLDEN))
    return (key >> np.uint64(11)) * 2.0**-53
