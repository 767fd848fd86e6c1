"""Layers: `linear`, `norms`, `embedding`, `feed_forward`, `residual`, and their first values (`initialization`)."""
