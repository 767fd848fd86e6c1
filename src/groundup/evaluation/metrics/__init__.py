"""Scores and how far to trust them: `calibration` (intervals and tests), `intrinsic` (bits per byte), `compressors` (xz, zstd)."""
