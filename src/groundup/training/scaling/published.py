"""Published laws and points, as data with their sources: to compare with, and to check a fit against.

The numbers are facts from the papers and model cards named beside each. Losses are nats a token of each paper's own text and tokenizer, so
floors are not comparable between them. Left out: the single runs behind Hoffmann et al.'s figure 4, which were never published.
"""

from groundup.training.scaling.parametric import Law
from groundup.training.scaling.power_laws import PowerLaw

# Hoffmann et al. 2022, arXiv:2203.15556, eq. 10, as rounded in the paper.
CHINCHILLA = Law(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
# Besiroglu et al. 2024, arXiv:2404.10102, table 1: the same points, read off the figure and fitted again.
CHINCHILLA_AGAIN = Law(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
# Muennighoff et al. 2023, arXiv:2305.16264, appendix A: C4, one pass, both exponents held equal.
DATA_CONSTRAINED = Law(E=1.87, A=521.0, B=1488.0, alpha=0.353, beta=0.353)

# Kaplan et al. 2020, arXiv:2001.08361, eq. 1.1-1.3: no floor. x: parameters without embeddings, tokens, petaflop-days.
KAPLAN = {
    "parameters": PowerLaw(E=0.0, c=8.8e13, a=0.076),
    "tokens": PowerLaw(E=0.0, c=5.4e13, a=0.095),
    "petaflop-days": PowerLaw(E=0.0, c=3.1e8, a=0.050),
}

# Hoffmann et al. 2022, table 3 (approach 1): parameters, FLOPs and tokens of compute-optimal training.
COMPUTE_OPTIMAL = (
    (400e6, 1.92e19, 8.0e9),
    (1e9, 1.21e20, 20.2e9),
    (10e9, 1.23e22, 205.1e9),
    (67e9, 5.76e23, 1.5e12),
    (175e9, 3.85e24, 3.7e12),
    (280e9, 9.90e24, 5.9e12),
)
# Hoffmann et al. 2022, table 2: the exponent of N in the budget, by approach (1 envelope, 2 IsoFLOP, 3 parametric).
EXPONENT_OF_SIZE = {1: 0.50, 2: 0.49, 3: 0.46}
