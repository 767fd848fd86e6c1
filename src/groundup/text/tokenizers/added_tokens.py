"""Added tokens: what is found in a text before anything else looks at it, with the flags that Hugging Face gives them.

A token with `normalized` is looked for in the normalised text, one without in the text as typed. `lstrip` and `rstrip`
swallow the white space beside it, `single_word` wants it to stand alone. A special token is a control token: text may
not become one unless the caller allows it. Of two that start at one place the longer is meant, and a place that was
looked at and left (a control token that is not allowed, a word that goes on) is not looked at for a shorter one.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from groundup.text.tokenizers import normalizers, unicode_classes
from groundup.text.tokenizers.aligned_text import AlignedText

# What a control token may be there for.
ROLES = ("bos_token", "eos_token", "pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
# As `unicode_classes` packs them; derived from `tokenizers` 0.23, whose engine here knows Unicode 16.
WORD = (
    "1c a 7 q 4 1 1 q 1b 1 a 1 4 1 5 n 1 v 1 cq 4 c e 5 7 1 1 1 h 39 1 2 2 4 1 1 6 1 1 3 1 1 1 k 1 2b 1 3v 1 4t 1 12 "
    "2 1 6 15 8 19 1 1 1 2 1 2 1 1 8 r 4 4 t b 5 22 4 2u 1 8 2 a 1 j 2 1 g 1n 2 2t e 1i 4 1 2 1 2 1a i s 4 b 5 o 1 6 "
    "8 23 1 3l 2 a 1 j 1 8 2 2 2 m 1 7 1 1 3 4 2 9 2 2 2 4 8 1 4 2 1 5 2 c a 1 1 1 2 3 1 6 4 2 2 m 1 7 1 2 1 2 1 2 2 "
    "1 1 5 4 2 2 3 3 1 7 4 1 1 7 g b 3 1 9 1 3 1 m 1 7 1 2 1 5 2 a 1 3 1 3 2 1 f 4 2 a 9 7 1 3 1 8 2 2 2 m 1 7 1 2 1 "
    "5 2 9 2 2 2 3 7 3 4 2 1 5 2 a 1 1 g 2 1 6 3 3 1 4 3 2 1 1 1 2 3 2 3 3 3 c 4 5 3 3 1 4 2 1 6 1 e a g d 1 3 1 n 1 "
    "g 2 9 1 3 1 4 7 2 1 3 2 1 2 4 2 a g 4 1 8 1 3 1 n 1 a 1 5 2 9 1 3 1 4 7 2 6 2 1 4 2 a 1 3 c d 1 3 1 1f 1 3 1 5 5 "
    "4 7 5 2 a a 6 1 3 1 i 3 o 1 9 1 1 2 7 3 1 4 6 1 1 1 8 6 a 2 2 d 1m 5 f 1 a 13 2 1 1 1 5 1 o 1 1 1 n 2 5 1 1 1 7 "
    "1 a 2 4 w 1 n 2 6 a b 1 1 1 1 1 4 a 1 10 4 k 1 i 1 10 9 1 1l 22 6 26 2 12 1 1 5 1 2 17 1 99 1 4 2 7 1 1 1 4 2 15 "
    "1 4 2 x 1 4 2 7 1 1 1 4 2 f 1 1l 1 4 2 1v 2 3 w g g 2e 2 6 3 h8 2 h 1 q 5 23 3 b 7 m 9 m b k c d 1 3 1 2 c 2c 3 "
    "1 4 2 2 a x 3 1 b 6 2h 7 17 5 1y a v 1 c 4 c a 14 2 5 b 18 4 q 6 a 12 s 4 1r 1 t 2 b 6 a d 1 8 v 1d 25 3 a h 9 c "
    "38 c 1k 8 a 3 1d 2 b 5 17 2 3 g 3 1 13 5 eu 2 6 2 12 2 6 2 8 1 1 1 1 1 1 1 v 2 1h 1 7 1 1 3 3 1 7 3 4 2 6 4 d 5 "
    "3 1 7 f 2 1d 2 j 1 s 1 d 1 g d 1f x h 1 4 1 2 a 1 1 3 5 6 1 1 1 1 1 1 4 1 b 2 4 5 5 4 1 h 15 ml 1g 1ee 6d 6 9 c "
    "12 1 1 5 1 2 1k 7 1 f o 9 7 1 7 1 7 1 7 1 7 1 7 1 7 1 7 1 w 1b 1 d1 3 p f 1 5 2 5 4 2e 2 2 2 3 1 2i 1 4 5 17 1 "
    "2m h w 1c g e8 534 1s h3h 1v 1a 2 7h 3 s k 1f 1 a 1 37 11 9 2 2v 2 1v 2 2 1 1 1 8 l 1i 4 1 j 1g c 1y a a 6 o 3 1 "
    "1 1d 2 10 c t 3 1t e b 6 v 1 1j 9 e 2 a 6 n 3 21 o 3 2 g 2 5 a 6 2 6 2 6 9 7 1 7 1 17 1 e 6 3f 1 2 2 a 6 8mc c n "
    "4 1d 6is a6 2 2y 12 7 c 5 5 c 1 d 1 5 1 1 1 2 1 2 1 30 x a3 i 1s 2 1i 14 c 4 g g g 3 2 o 3 w 5 1 3r j a 7 q 4 1 "
    "1 q b 2h 3 6 2 6 2 6 2 3 z c 1 q 1 j 1 2 1 f 2 e y 3f 1x 1h 3s 1 3m t 3 1d f 1 v w d u 5 17 5 u 2 10 4 8 1 5 16 "
    "4e 2 a 6 10 4 10 4 14 8 1g c b 1 f 1 7 1 2 1 b 1 f 1 7 1 2 3 1g c 8n 9 m a 8 o 6 1 16 1 9 1x 6 2 1 1 18 1 2 3 1 "
    "2 n a n 9 v 1t j 1 2 a m a q 1y 1k 6 2 1s 4 1 2 5 8 1 3 1 t 2 3 4 1 w t 3 t z 8 1 u p 1i a m a j d i 32 21 1j 1f "
    "d 1f d 14 8 a 6 12 3 5 1 n 6y 16 1 2 3 2 g 3 1j x a 1 8 x v m 16 l r n 9 1z v g 9 1o 7 1 d p 7 a 6 1h 1 a 4 4 8 "
    "10 2 1 9 1x 4 4 1 d 1 1 z i 1 11 6 4 1q 7 1 1 1 4 1 f 1 a 7 1n 5 a 6 4 1 8 2 2 2 m 1 7 1 2 1 5 1 a 2 2 2 3 2 1 6 "
    "1 5 7 2 7 3 5 b a 1 1 2 1 1 12 1 a 1 1 2 1 1 4 1 8 d 2 t 23 5 a 4 4 u 1y 1 1 8 a 4m 1i 2 9 n 6 y 1t 3 1 b a 12 "
    "1l 7 a 6 k s r 2 f 4 a 6 7 55 1n 2t 22 l 8 2 1 2 8 1 2 1 u 1 2 2 9 c a 1y 8 2 1a 2 8 1 2 r 1r 8 1 8 22 3 1 i 21 "
    "5j x f a 6 9 1 19 1 9 f a o u 2 m 1 e 21 7 1 2 1 18 3 1 1 2 1 9 8 a 6 6 1 2 1 11 1 2 1 6 7 a 8m n 9 h 1 15 3 5 d "
    "b 2d 1 27 pm 2u 33 h 5g 218 2p f ts g m a 32z 5 g7 5a1 1m 1c6 ft 7 v 1 a 6 27 1 a 6 u 2 5 b 1j 9 4 c a 9 l 5 j "
    "c0 19 3 a 5i 1s 3k 23 4 1l 7 h 1s 2 1 2 b 2 e 4qg 8 ye 15 a 6w7 4 1 7 1 2 1 83 f 1 t 3 2 1 e 4 8 b0 1s4 2z 5 d 3 "
    "9 7 a 3 2 381 a ee 1a 2 n f2 5 3 6 8 8 2 7 u 4 44 3 cb 2d 1 1z 1 2 2 1 2 2 2 4 1 c 1 1 1 7 1 1t 1 4 2 8 1 7 1 s "
    "1 4 1 5 1 1 3 7 1 9g 2 p 1 p 1 v 1 p 1 v 1 p 1 v 1 p 1 v 1 p 1 8 2 1e e8 1j 4 1e 8 1 e 1 m 5 1 f uo v 6 6 5x 7 1 "
    "h 2 7 1 2 1 5 5 1q x 1 34 19 3 e 2 a 4 1 8x v h 1m d2 16 5y 17 dh 7 1 4 1 2 1 f 1 5h b 7 15 24 4 a x2 4 1 r 1 2 "
    "1 1 2 1 1 a 1 4 1 1 1 1 6 1 4 1 1 1 1 1 1 3 1 2 1 1 2 1 1 1 1 1 1 1 1 1 1 2 1 1 2 4 1 7 1 4 1 4 1 1 1 a 1 h 5 3 "
    "1 5 1 h hg q 6 q 6 q 21y a sm wyo w 37e 6 66 2 4g2 e 5rl f ha 1wi f2 15u 3t7 5 38g f9e8 6o "
)


@functools.cache
def word_characters() -> frozenset[str]:
    r"""What a word is made of: \w of the regular expressions that Hugging Face uses."""
    return frozenset(chr(code) for first, last in unicode_classes.unpack(WORD) for code in range(first, last + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedToken:
    """A token beside the model's vocabulary, as tokenizer.json lists it."""

    id: int
    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False
    special: bool = True

    def to_json(self) -> dict[str, Any]:
        """As the file has it."""
        return asdict(self)


def _alternatives(tokens: Iterable[AddedToken]) -> re.Pattern[str] | None:
    contents = sorted((token.content for token in tokens if token.content), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, contents))) if contents else None


class AddedTokens:
    """All added tokens of a tokenizer, to find them in a text; what lies between comes back normalised."""

    def __init__(self, tokens: Sequence[AddedToken], normalizer: Any = None) -> None:
        """normalizer: with `normalize`, or None."""
        self.tokens, self._normalizer = tuple(tokens), normalizer
        typed = [token for token in tokens if not token.normalized]
        normalized = [token for token in tokens if token.normalized]
        self._typed = {token.content: token for token in typed}
        self._normalized = {self._normal(token.content): token for token in normalized}
        self._find_typed = _alternatives(typed)
        self._find_normalized = re.compile(
            "|".join(map(re.escape, sorted(filter(None, self._normalized), key=len, reverse=True)))
        ) if any(self._normalized) else None  # fmt: skip
        self._ordinary = any(not token.special for token in tokens)

    def _normal(self, text: str) -> str:
        return self._normalizer.normalize(AlignedText(text)).text if self._normalizer else text

    def may_match(self, allow_special: bool) -> bool:
        """Whether there is any token to look for."""
        return self._ordinary or (allow_special and bool(self.tokens))

    @property
    def in_normalized_text(self) -> bool:
        """Whether a token has to be looked for after normalising."""
        return self._normalizer is not None and self._find_normalized is not None

    def split(
        self, text: AlignedText, allow_special: bool = False, normalize: bool = True
    ) -> Iterator[tuple[AlignedText, AddedToken | None]]:
        """The text in parts: added tokens, and what lies between. normalize: False leaves the text as it was typed."""
        for part, token in _cut(text, self._find_typed, self._typed, allow_special):
            if token is not None:
                yield part, token
                continue
            normal = self._normalizer.normalize(part) if self._normalizer and normalize else part
            yield from _cut(normal, self._find_normalized, self._normalized, allow_special)


def _cut(
    text: AlignedText, pattern: re.Pattern[str] | None, known: dict[str, AddedToken], allow_special: bool
) -> Iterator[tuple[AlignedText, AddedToken | None]]:
    last = 0
    for found in pattern.finditer(text.text) if pattern else ():
        token = known[found[0]]
        if token.special and not allow_special:
            continue
        if token.single_word and _goes_on(text.text, found.start(), found.end()):
            continue
        start, end = swallowed(text.text, found.start(), found.end(), token)
        start = max(start, last)
        if start > last:
            yield text.between(last, start), None
        yield text.between(start, end), token
        last = end
    if last < len(text.text):
        yield text.between(last, len(text.text)), None


def _goes_on(text: str, start: int, end: int) -> bool:
    """Whether a word goes on before or behind text[start:end]."""
    before, behind = text[start - 1 : start], text[end : end + 1]
    return before in word_characters() or behind in word_characters()


def swallowed(text: str, start: int, end: int, token: AddedToken) -> tuple[int, int]:
    """The place of a token with the white space that belongs to it."""
    while token.lstrip and start > 0 and normalizers.is_space(text[start - 1]):
        start -= 1
    while token.rstrip and end < len(text) and normalizers.is_space(text[end]):
        end += 1
    return start, end


def _read_added(raw: Mapping[str, Any]) -> AddedToken:
    """A token of `added_tokens`, or of added_tokens_decoder with its id."""
    flags = {key: raw[key] for key in ("single_word", "lstrip", "rstrip", "normalized", "special") if key in raw}
    if not isinstance(raw["content"], str) or any(type(flag) is not bool for flag in flags.values()):
        raise TypeError(f"{raw} is no added token")
    return AddedToken(id=raw["id"], content=raw["content"], **flags)


def token_text(value: Any) -> str | None:
    """A token in tokenizer_config.json: a string, or a dict that holds it."""
    return value["content"] if isinstance(value, Mapping) else value


def added_tokens_of(
    listed: Any, config: Mapping[str, Any], vocabulary: Mapping[str, int]
) -> tuple[list[AddedToken], dict[str, str | None]]:
    """The added tokens of a folder, and which of them fill a role.

    listed: those of tokenizer.json. tokenizer_config.json may know more (added_tokens_decoder), and what it gives a role
    is a control token also when it stands in the vocabulary alone.
    """
    added = {token.content: token for token in map(_read_added, listed or ())}
    for id, token in (config.get("added_tokens_decoder") or {}).items():
        if token["content"] not in added:
            added[token["content"]] = _read_added({"id": int(id), **token})
    roles = {role: token_text(config.get(role)) for role in ROLES}
    others = config.get("additional_special_tokens") or config.get("extra_special_tokens") or []
    others = others.values() if isinstance(others, Mapping) else others
    for content in [*roles.values(), *map(token_text, others)]:
        if content is None or (content in added and added[content].special):
            continue
        if content not in added and content not in vocabulary:
            raise ValueError(f"{content!r} is named in tokenizer_config.json but is no added token")
        id = added[content].id if content in added else vocabulary[content]
        added[content] = AddedToken(id=id, content=content)
    return list(added.values()), roles
