"""Decoding: what may be asked for (`config`), how the next token is drawn (`sampling`, `streams`), searched (`beam`, `cached_beam`,
`contrastive`) or held to a form (`constrained`).
"""
