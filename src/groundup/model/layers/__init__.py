"""Layers: `linear`, `norms`, `embedding`, `feed_forward`, `residual`, `soft_cap`, and their first values (`initialization`)."""
