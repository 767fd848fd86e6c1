"""The same text only once: whole documents and paragraphs (exact)."""
