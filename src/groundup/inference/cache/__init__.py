"""Cache: the keys and values of earlier tokens (`kv_cache`)."""
