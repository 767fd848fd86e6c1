"""Scores and how far to trust them.

`calibration`   intervals and paired tests
`intrinsic`     bits per byte of models and n-gram models
`compressors`   bits per byte of xz and zstd
`archive`       texts packed by a model, without a loss
"""
