"""Decoding: what may be asked for (`config`) and how the next token is drawn (`sampling`, `streams`)."""
