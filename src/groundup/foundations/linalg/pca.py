"""Principal components: the directions in which data varies most, so that a few numbers tell most of it.

Take the mean away, then X = U S V': the rows of V' are the directions, s^2 / (n - 1) is the variance along each (Pearson
1901; Hotelling 1933). Going through the SVD of the data in place of the eigenvalues of the covariance X'X / (n - 1) keeps
the small variances. Two or three of them turn embeddings into a picture; whitening divides each by its own spread.

A direction's sign is free, and a picture would mirror itself from one machine to the next: as in scikit-learn's
`svd_flip`, the entry of largest size in each direction is positive. Left out: missing values, sparse data,
and choosing how many by a rule; `explained_variance_ratio` is there to look at.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.linalg.arrays import EPSILON, Array, as_matrix
from groundup.foundations.linalg.svd import jacobi_svd
from groundup.slots import slot


@dataclass(frozen=True, slots=True)
class PrincipalComponents:
    """Directions of data, with scikit-learn's names and shapes."""

    mean: Array  # (features,)
    components: Array  # (components, features): orthonormal rows, the largest variance first
    explained_variance: Array  # (components,): with n - 1
    explained_variance_ratio: Array  # (components,): of the variance of all features together

    def transform(self, data: ArrayLike) -> Array:
        """Each row as its coordinates along the directions, shape (rows, components)."""
        return (self._rows(data, "data", len(self.mean)) - self.mean) @ self.components.T

    def inverse_transform(self, scores: ArrayLike) -> Array:
        """The points with these coordinates: the data again where no variance was left out, else the nearest to it."""
        return self._rows(scores, "scores", len(self.components)) @ self.components + self.mean

    def whiten(self, data: ArrayLike) -> Array:
        """Coordinates that all have variance 1 and no correlation."""
        return self.transform(data) / self._spread()

    def unwhiten(self, scores: ArrayLike) -> Array:
        """The points with these whitened coordinates."""
        return self.inverse_transform(self._rows(scores, "scores", len(self.components)) * self._spread())

    def _spread(self) -> Array:
        """The standard deviation along each direction; one that does not vary cannot be divided by it."""
        spread = np.sqrt(self.explained_variance)
        flat = spread <= len(self.mean) * EPSILON * spread[0]
        if flat.any():
            raise InputError(
                f"component {int(flat.argmax())} (counted from 0) has no variance, so it cannot be whitened; "
                f"ask pca for {int(flat.argmax())} components"
            )
        return spread

    def _rows(self, values: ArrayLike, name: str, width: int) -> Array:
        rows = as_matrix(values, name)
        if rows.shape[1] != width:
            raise InputError(
                f"{name} has {rows.shape[1]} columns where {width} are needed; give rows of {width} numbers"
            )
        return rows


@slot
def pca(data: ArrayLike, components: int) -> PrincipalComponents:
    """The first principal components of data with one row an example.

    components: how many, at most min(rows, features). The entry of largest size in each direction is positive.
    """
    data = as_matrix(data, "data")
    rows, features = data.shape
    if rows < 2 or not 1 <= components <= min(rows, features):
        raise InputError(
            f"components={components} of data {data.shape}; give at least 2 rows and ask for 1 to {min(rows, features)}"
        )
    mean = data.mean(axis=0)
    u, s, vt = jacobi_svd(data - mean)
    directions = flip_signs(u, vt)[1][:components]
    variance = s**2 / (rows - 1)
    if s[0] <= 4 * EPSILON * np.sqrt(data.size) * np.abs(data).max():  # what rounding of the mean leaves
        raise InputError(f"all {rows} rows of data are the same, so no direction varies; give rows that differ")
    return PrincipalComponents(mean, directions, variance[:components], variance[:components] / variance.sum())


def flip_signs(u: Array, vt: Array) -> tuple[Array, Array]:
    """The same product U S V' with signs that do not depend on how it was found: in each row of V' the entry of largest size is positive."""
    largest = np.abs(vt).argmax(axis=1)
    signs = np.where(vt[np.arange(len(vt)), largest] < 0, -1.0, 1.0)
    return u * signs, vt * signs[:, None]
