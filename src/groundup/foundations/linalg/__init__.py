"""Linear algebra by hand: what a vector holds, what a matrix does, and the ways to take a matrix apart.

arrays         what every function asks of its input
vectors        length, angle, similarity: which words are near each other
matrices       one product seen five ways; a neural layer; the plane as it is moved
vector_spaces  span, basis, rank, projection, Gram-Schmidt
qr             a matrix as a rotation times a triangle: equations and least squares
eigen          the directions that a matrix only stretches
svd            any matrix as rotate, stretch, rotate; the best approximation of lower rank
pca            the directions in which data varies most

All of it computes in double precision and changes none of its arguments.
"""

import importlib
from typing import Any

_TOPICS = {
    "vectors": "dot norm distance angle dot_product_similarity cosine_similarity nearest count_neighbours",
    "matrices": "by_entries by_columns by_rows by_outer_products by_blocks layer layer_as_one_product "
    "rotation scaling shear reflection area_factor grid frames",
    "vector_spaces": "gram_schmidt gram_schmidt_classical loss_of_orthogonality orthonormal_basis independent_columns "
    "rank in_span project",
    "qr": "reflector householder_qr with_positive_diagonal back_substitution orthogonal_complement null_space solve least_squares "
    "least_squares_by_normal_equations",
    "eigen": "rayleigh_quotient power_iteration inverse_iteration rayleigh_iteration hessenberg givens corner_shift "
    "shifted_step qr_algorithm eigenvalues",
    "svd": "tournament jacobi_svd singular_values low_rank low_rank_errors pseudo_inverse condition_number",
    "pca": "PrincipalComponents flip_signs",  # and pca itself, whose name here is its file's: `from ...linalg.pca import pca`
}
_EXPORTS = {name: topic for topic, names in _TOPICS.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.foundations.linalg has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
