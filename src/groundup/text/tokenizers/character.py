"""Characters as tokens: the smallest vocabulary that still reads, and the longest texts.

Every character (code point) that a text holds gets an id, in the order of code points. Nothing is learned, nothing crosses a word, spelling
is plain to see; but a text is four or five times as many tokens as with `byte_level`, and a character that training never saw has no id:
`<unk>` stands for it (or, without one, it is refused by name). Bytes in place of characters end that: `byte_level`.

In tokenizer.json this is a split into single characters before a WordLevel model, so `tokenizers` and `transformers` read it with the same ids.
The fast form looks every code point up in one array.
"""

import functools
from collections.abc import Iterable, Sequence

import numpy as np

from groundup.errors import ConfigError, InputError
from groundup.text.preprocess.one_hot import UNKNOWN
from groundup.text.tokenizers.added_tokens import AddedToken
from groundup.text.tokenizers.aligned_text import AlignedText
from groundup.text.tokenizers.decoders import Fuse
from groundup.text.tokenizers.parts import Pattern
from groundup.text.tokenizers.pipeline import PipelineTokenizer
from groundup.text.tokenizers.pre_tokenizers import Split
from groundup.text.tokenizers.tokenizer import Packed
from groundup.text.tokenizers.word import WordLevel

EACH = Split(Pattern(r"[\s\S]", is_regex=True), "Isolated")


class CharacterTokenizer(PipelineTokenizer):
    """One id a character. Make it with `character_tokenizer` or `train_character_tokenizer`."""

    @functools.cached_property
    def _table(self) -> np.ndarray:
        """The id of every code point, int32[0x110000]; -1 where there is none."""
        unknown = self.vocabulary.get(self.model.unk_token, -1)
        table = np.full(0x110000, unknown, np.int32)
        for character, id in self.vocabulary.items():
            if len(character) == 1:
                table[ord(character)] = id
        return table

    def _encode_part(self, part: AlignedText) -> list[int]:
        return self._ids(part.text).tolist()

    def _ids(self, text: str) -> np.ndarray:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        ids = self._table[codes]
        if self._table[0x10FFFF] < 0 and len(ids) and ids.min() < 0:
            self.model.encode_piece(text[int(ids.argmin())])  # raises, and names the character
        return ids

    def _encode_packed(self, parts: Sequence[AlignedText], threads: int | None) -> Packed:
        if self.normalizer:
            return super()._encode_packed(parts, threads)
        offsets = np.cumsum([0, *(len(part.text) for part in parts)], dtype=np.int64)
        return self._ids("".join(part.text for part in parts)), offsets


def character_tokenizer(
    characters: Iterable[str], unk_token: str | None = UNKNOWN, special_tokens: Sequence[str] = ()
) -> CharacterTokenizer:
    """The tokenizer of these characters. Ids: the unknown token, the other special tokens, the characters by code point.

    unk_token: None refuses characters that are not there.
    """
    controls = [*([unk_token] if unk_token else []), *special_tokens]
    alphabet = sorted(set(characters))
    wrong = [one for one in alphabet if len(one) != 1] or [token for token in controls if len(token) < 2]
    if wrong or len(set(controls)) < len(controls):
        raise ConfigError(
            f"{(wrong or controls)[0]!r} cannot be: characters are single, special tokens longer and distinct; "
            "use a form such as '<unk>'"
        )
    surrogates = [one for one in alphabet if "\ud800" <= one <= "\udfff"]
    if surrogates:
        raise InputError(
            f"the text has half a surrogate pair (U+{ord(surrogates[0]):04X}); mend it by "
            "groundup.text.preprocess.cleaning.mend_surrogates"
        )
    vocabulary = {token: id for id, token in enumerate([*controls, *alphabet])}
    return CharacterTokenizer(
        WordLevel(vocabulary, unk_token or UNKNOWN),
        pre_tokenizer=EACH,
        decoder=Fuse(),
        added_tokens=[AddedToken(id=id, content=token) for id, token in enumerate(controls)],
        unk_token=unk_token,
    )


def train_character_tokenizer(
    texts: Iterable[str], unk_token: str | None = UNKNOWN, special_tokens: Sequence[str] = (), min_count: int = 1
) -> CharacterTokenizer:
    """The tokenizer of the characters that texts hold at least `min_count` times."""
    from groundup.text.preprocess.one_hot import count_tokens

    counts = count_tokens([texts] if isinstance(texts, str) else texts)
    found = [character for character, count in counts.items() if count >= min_count]
    if not found:
        raise InputError("there is no character to make a vocabulary of; give at least one text that is not empty")
    return character_tokenizer(found, unk_token, special_tokens)
