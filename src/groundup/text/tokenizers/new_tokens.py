"""New tokens for a trained tokenizer: ids behind the old ones, and a first guess for their embeddings.

The old ids stay, so every text without a new token is encoded as before. A model needs a row for each new id; a random
row lies far from all others and costs steps until it fits. The mean of the rows of the pieces that spelled the token so
far is where the model already was (Hewitt 2021; measured by Dobler & de Melo 2023, arXiv:2305.14481, among others).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot
from groundup.text.tokenizers.added_tokens import AddedToken
from groundup.text.tokenizers.tokenizer import Tokenizer, utf_8


def add_tokens(
    tokenizer: Tokenizer,
    tokens: Iterable[str],
    special: bool = False,
    *,
    single_word: bool = False,
    lstrip: bool = False,
    rstrip: bool = False,
) -> Tokenizer:
    """The tokenizer with more tokens, found in a text before anything else is looked at.

    special: control tokens, which text becomes only where the caller allows it. A token that the vocabulary has keeps its
    id; the others get the next ids in this order. The flags are those of `AddedToken`.
    """
    wanted = [tokens] if isinstance(tokens, str) else list(tokens)
    known = {token.content: token for token in tokenizer.added_tokens}
    _check(wanted, known, special)
    next_id = tokenizer.vocab_size
    for content in wanted:
        id = _id_of(content, tokenizer)
        id, next_id = (next_id, next_id + 1) if id is None else (id, next_id)
        flags = {"single_word": single_word, "lstrip": lstrip, "rstrip": rstrip}
        known[content] = AddedToken(id=id, content=content, special=special, **flags)
    return _with_added(tokenizer, list(known.values()))


def _check(wanted: Sequence[str], known: dict[str, AddedToken], special: bool) -> None:
    for i, content in enumerate(wanted):
        if not isinstance(content, str) or not content:
            raise InputError(f"token {i} is {content!r}; a new token is a text that is not empty")
        utf_8(content)
        if content in wanted[:i]:
            raise InputError(f"the new token {content!r} is given twice; leave one out")
        if content in known and known[content].special is not special:
            kind = "a control token" if known[content].special else "an added token for text"
            raise InputError(
                f"{content!r} is {kind} of this tokenizer already; leave it out or pass special={not special}"
            )


def _id_of(content: str, tokenizer: Tokenizer) -> int | None:
    """The id that a token has already, as an added or an ordinary one."""
    added = {token.content: token.id for token in tokenizer.added_tokens}
    if content in added:
        return added[content]
    ordinary = tokenizer.vocabulary
    return ordinary.get(content.encode() if isinstance(next(iter(ordinary), ""), bytes) else content)


def _with_added(tokenizer: Any, added: Sequence[AddedToken]) -> Tokenizer:
    """The same tokenizer with these added tokens; one without room for them goes through its parts."""
    if hasattr(tokenizer, "pipeline"):
        tokenizer = tokenizer.pipeline()
    make, contents = tokenizer.__reduce__()
    arguments = {**make.keywords, "added_tokens": added}
    if "special_tokens" in arguments:
        arguments["special_tokens"] = {}
    return make.func(*contents, **arguments)


def spellings(old: Tokenizer, new: Tokenizer) -> list[list[int]]:
    """For every id that `new` has and `old` has not, the ids by which `old` spelled its token."""
    first, last = old.vocab_size, new.vocab_size
    if last < first:
        raise InputError(f"the new tokenizer has {last} ids and the old one {first}; give them in the order old, new")
    texts = {token.id: token.content for token in new.added_tokens}
    return [old.encode(texts[id]) for id in range(first, last)]


@slot
def grow_rows(rows: np.ndarray, spelled: Sequence[Sequence[int]]) -> np.ndarray:
    """Embedding rows with one more for each new token: the mean of the rows of the pieces that spelled it.

    rows: (ids, hidden); spelled: the old ids of each new token. A token without pieces gets the mean of all rows. The old
    rows are copied unchanged, the type stays.

    >>> grow_rows(np.array([[0.0, 2.0], [2.0, 4.0], [9.0, 9.0]]), [[0, 1], [2]])
    array([[0., 2.],
           [2., 4.],
           [9., 9.],
           [1., 3.],
           [9., 9.]])
    """
    rows = np.asarray(rows)
    wide = rows.astype(np.float64)
    new = [wide[list(pieces)].mean(axis=0) if len(pieces) else wide.mean(axis=0) for pieces in spelled]
    return np.concatenate([rows, np.array(new, np.float64).reshape(-1, rows.shape[1]).astype(rows.dtype)])
