"""Decoding: what may be asked for (`config`), how the next token is drawn (`sampling`, `streams`), searched (`beam`, `cached_beam`,
`contrastive`) or held to a form (`constrained`); guesses that are checked many at once (`speculative`, from `drafts` or `medusa`); thoughts with a budget
(`thinking`), and prompts that begin an answer or ask for a middle (`beginnings`).
"""
