"""A tokenizer as a pipeline: normaliser, pre-tokenizer, model, post-processor, decoder, the parts of a tokenizer.json.

Any tokenizer that Hugging Face writes is such a pipeline: BERT's is BertNormalizer, BertPreTokenizer, WordPiece; T5's is
Precompiled, Metaspace, Unigram. The parts are plain objects, each readable by itself; a piece is encoded once and then
remembered. Where a kernel does the same as a whole combination, `fast_encoder` finds it; ids never depend on that.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from groundup import slots
from groundup.text.tokenizers import normalizers, pre_tokenizers
from groundup.text.tokenizers.added_tokens import AddedToken
from groundup.text.tokenizers.aligned_text import AlignedText, Place
from groundup.text.tokenizers.decoders import byte_of, unspelled
from groundup.text.tokenizers.tokenizer import Packed, Tokenizer, no_token, run_encoder, utf_8

# Functions of models that a learner may have filled: then the readable parts do the work.
_SLOTS = ("text.tokenizers.encode_word", "text.tokenizers.viterbi_segment", "text.tokenizers.spell_characters")
_SEPARATORS = frozenset("\x1c\x1d\x1e\x1f")  # white space to Python alone
_REMEMBERED = 1 << 16  # pieces; then the memory starts again


class PipelineTokenizer(Tokenizer):
    """Text to token ids and back by parts that are given.

    model: with `vocabulary` and `encode_piece`; the other parts may be None. added_tokens: control tokens and others.
    """

    def __init__(
        self,
        model: Any,
        *,
        normalizer: Any = None,
        pre_tokenizer: Any = None,
        post_processor: Any = None,
        decoder: Any = None,
        added_tokens: Sequence[AddedToken] = (),
        chat_template: str | None = None,
        **roles: str | None,
    ) -> None:
        """See the class."""
        self.model, self.pre_tokenizer, self.decoder = model, pre_tokenizer, decoder
        self.vocabulary: dict[str, int] = dict(model.vocabulary)
        self._tokens = {id: token for token, id in self.vocabulary.items()}
        self._tokens |= {token.id: token.content for token in added_tokens}
        super().__init__(
            added_tokens=added_tokens,
            vocab_size=1 + max(self._tokens, default=-1),
            normalizer=normalizer,
            post_processor=post_processor,
            chat_template=chat_template,
            roles=roles,
        )
        self._remembered: dict[str, list[int]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """To worker processes go the parts."""
        arguments = functools.partial(
            type(self),
            normalizer=self.normalizer,
            pre_tokenizer=self.pre_tokenizer,
            post_processor=self.post_processor,
            decoder=self.decoder,
            added_tokens=self.added_tokens,
            chat_template=self.chat_template,
            **self.roles,
        )
        return arguments, (_without_tables(self.model),)

    @property
    def looks_in_normalized_text(self) -> bool:
        """Whether an added token is looked for after normalising, which no kernel does."""
        return self._added.in_normalized_text

    def _kind(self) -> str:
        return type(self.model).__name__

    def _known_ids(self) -> Any:
        return self._tokens

    @functools.cached_property
    def _fast(self) -> "FastPath | None":
        return fast_encoder(self)

    @functools.cached_property
    def _words(self) -> Callable[[str], list[str]] | None:
        return pre_tokenizers.words_of(self.pre_tokenizer)

    def _pieces(self, part: AlignedText) -> list[AlignedText]:
        if self.pre_tokenizer is None:
            return [part] if part.text else []
        return [piece for piece in self.pre_tokenizer.split(part) if piece.text]

    def _encode_piece(self, piece: str) -> list[int]:
        ids = self._remembered.get(piece)
        if ids is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            ids = self._remembered[piece] = self.model.encode_piece(piece)
        return ids

    def encode(self, text: str, allow_special: bool = False, add_special_tokens: bool = False) -> list[int]:
        """As every tokenizer does, by the kernel where there is one."""
        if self._added.may_match(allow_special) or any(map(slots.filled, _SLOTS)) or self._fast is None:
            return super().encode(text, allow_special, add_special_tokens)
        utf_8(text)
        data = utf_8(self._fast.prepare(AlignedText(text)))
        ids = self._fast.encoder.encode(data, np.array([0, len(data)]))[0].tolist()
        return self._surrounded(ids) if add_special_tokens else ids

    def _encode_part(self, part: AlignedText) -> list[int]:
        known, ids = self._remembered, list[int]()
        words = self._words(part.text) if self._words and part.text else [piece.text for piece in self._pieces(part)]
        for word in words:
            ids += known.get(word) or self._encode_piece(word)
        return ids

    def _encode_packed(self, parts: Sequence[AlignedText], threads: int | None) -> Packed:
        for part in parts:
            utf_8(part.text)  # what cannot be encoded is refused before a part of the pipeline meets it
        fast = self._fast
        if fast is None:
            return super()._encode_packed(parts, threads)
        return run_encoder(fast.encoder, [fast.prepare(part) for part in parts], threads)

    def _part_offsets(self, part: AlignedText) -> tuple[list[int], list[Place]]:
        ids: list[int] = []
        places: list[Place] = []
        for piece in self._pieces(part):
            new = self._encode_piece(piece.text)
            ids += new
            places += [piece.whole_place(start, end) for start, end in self._spans(piece.text, new)]
        return ids, places

    def _spans(self, piece: str, ids: Sequence[int]) -> list[Place]:
        """The characters of a piece that each of its tokens stands for."""
        texts = [self._bare(id, k) for k, id in enumerate(ids)]
        spans, i, waiting = [], 0, b""
        for k, text in enumerate(texts):
            start = i
            byte = byte_of(text) if not piece.startswith(text, i) else None
            if byte is not None and i < len(piece):
                waiting += byte
                whole = len(waiting) == len(piece[i].encode())
                spans.append((i, i + 1))
                i, waiting = (i + 1, b"") if whole else (i, waiting)
                continue
            i = i + len(text) if piece.startswith(text, i) else self._end_of_unknown(piece, i, texts[k + 1 :])
            spans.append((start, i))
        return spans

    def _bare(self, id: int, k: int) -> str:
        """A token without the sign that it goes on, or ends, a word."""
        text, suffix = self._tokens[id], getattr(self.model, "end_of_word_suffix", None) or ""
        prefix = getattr(self.model, "continuing_subword_prefix", None) or ""
        return (text.removeprefix(prefix) if k else text).removesuffix(suffix)

    def _end_of_unknown(self, piece: str, i: int, behind: Sequence[str]) -> int:
        """Where what the vocabulary cannot spell ends: a run of such characters, or the whole piece."""
        if not behind:
            return len(piece)
        i = min(i + 1, len(piece))
        while (
            getattr(self.model, "fuse_unk", True)
            and i < len(piece)
            and piece[i] not in self.vocabulary
            and not piece.startswith(behind[0], i)
        ):
            i += 1
        return i

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = False) -> str:
        """The text that ids stand for, as the decoder writes it."""
        tokens = []
        controls = set(self.special_tokens.values()) if skip_special_tokens else ()
        for id in ids.tolist() if hasattr(ids, "tolist") else ids:
            if id not in self._tokens:
                raise no_token(id, self.vocab_size)
            if id not in controls:
                tokens.append(self._tokens[id])
        if self.decoder is None:
            return " ".join(tokens)
        return "".join(self.decoder.decode(tokens))

    def token_bytes(self, id: int) -> bytes:
        """The bytes that one token adds to a text, inside it (a word's first token brings its blank)."""
        if id not in self._tokens:
            raise no_token(id, self.vocab_size)
        token = self._tokens[id]
        if id in self._added_ids:
            return token.encode()
        if self.decoder is None:
            return b" " + token.encode()
        if "ByteLevel" in self._decoders:
            return unspelled(token)
        byte = byte_of(token) if "ByteFallback" in self._decoders else None
        if byte is not None:
            return byte
        end, whole = ("".join(self.decoder.decode(["x", *inside, "x"])).removeprefix("x") for inside in ([], [token]))
        return whole.removesuffix(end).encode()

    @functools.cached_property
    def _added_ids(self) -> frozenset[int]:
        return frozenset(token.id for token in self.added_tokens)

    @functools.cached_property
    def _decoders(self) -> frozenset[str]:
        """The kinds of decoder in use."""
        return frozenset(type(part).__name__ for part in getattr(self.decoder, "decoders", (self.decoder,)))

    def to_json(self) -> dict[str, Any]:
        """The parts of tokenizer.json that are given."""
        pre_tokenizer, decoder = (part and part.to_json() for part in (self.pre_tokenizer, self.decoder))
        return {"pre_tokenizer": pre_tokenizer, "decoder": decoder, "model": self.model.to_json()}


def _without_tables(model: Any) -> Any:
    """A copy of a model without what it computed for itself, which another process makes anew."""
    bare = object.__new__(type(model))
    computed = {name for kind in type(model).__mro__ for name in vars(kind)}
    bare.__dict__.update({name: value for name, value in vars(model).items() if name not in computed})
    return bare


class FastPath(NamedTuple):
    """A kernel, and what it takes: the text as typed for one that normalises itself, else as the parts leave it."""

    encoder: Any
    prepare: Callable[[AlignedText], str]


def fast_encoder(tokenizer: PipelineTokenizer) -> FastPath | None:
    """The kernel that does what these parts do together, or None: then the parts themselves do it."""
    if any(map(slots.filled, _SLOTS)) or tokenizer.looks_in_normalized_text:
        return None
    return {"WordPiece": _fast_bert, "Unigram": _fast_unigram, "CharacterBPE": _fast_characters}.get(
        type(tokenizer.model).__name__, lambda _: None
    )(tokenizer)


def _fast_bert(tokenizer: PipelineTokenizer) -> FastPath | None:
    """BERT: one kernel normalises, splits and matches."""
    from groundup.text.tokenizers.wordpiece_encoding import BertEncoder

    rules = tokenizer.normalizer
    if not isinstance(rules, normalizers.BertNormalizer):
        return None
    if not isinstance(tokenizer.pre_tokenizer, pre_tokenizers.BertPreTokenizer):
        return None
    options = {field.name: getattr(rules, field.name) for field in dataclasses.fields(rules)}
    return FastPath(BertEncoder(tokenizer.model, **options), lambda part: part.text)


Words = tuple[Callable[[AlignedText], str], int]  # what spells a part's blanks as signs, and where a kernel cuts


def _words(tokenizer: PipelineTokenizer) -> Words | None:
    """What the pre-tokenizer does to a text besides cutting it, and where a kernel has to cut; None where none can."""
    from groundup.text.tokenizers.unigram_encoding import BEFORE_EACH, WHOLE

    splitter = tokenizer.pre_tokenizer
    if splitter is None:
        return lambda part: part.text, WHOLE
    apart = isinstance(splitter, pre_tokenizers.Sequence) and len(splitter.pretokenizers) == 2
    if apart and isinstance(splitter.pretokenizers[0], pre_tokenizers.WhitespaceSplit):
        splitter = splitter.pretokenizers[1]
    elif apart:
        return None
    if not isinstance(splitter, pre_tokenizers.Metaspace) or splitter.replacement != normalizers.SPACE_SIGN:
        return None
    if apart:
        return (
            (_signed_words, BEFORE_EACH)
            if (splitter.prepend_scheme, splitter.split_words) == ("always", True)
            else None
        )
    whole = dataclasses.replace(splitter, split_words=False)
    return lambda part: whole.split(part)[0].text, BEFORE_EACH if splitter.split_words else WHOLE


def _signed_words(part: AlignedText) -> str:
    """The words of a text, between white space, each with the sign before it (T5's WhitespaceSplit and Metaspace)."""
    sign = normalizers.SPACE_SIGN
    if any(separator in part.text for separator in _SEPARATORS):
        words = [word.text for word in pre_tokenizers.WhitespaceSplit().split(part)]
    else:
        words = part.text.split()
    return " ".join(["", *words]).replace(" " + sign, sign).replace(" ", sign)


def _prepared(tokenizer: PipelineTokenizer, spell: Callable[[AlignedText], str]) -> Callable[[AlignedText], str]:
    rules = tokenizer.normalizer
    return (lambda part: spell(rules.normalize(part))) if rules else spell


def _fast_unigram(tokenizer: PipelineTokenizer) -> FastPath | None:
    """T5, XLM-R, ALBERT: the parts normalise, a kernel cuts words and finds the best pieces."""
    words, model = _words(tokenizer), tokenizer.model
    if words is None or any("\0" in piece for piece in model.scores):
        return None
    return FastPath(model.encoder(words[1]), _prepared(tokenizer, words[0]))


def _fast_characters(tokenizer: PipelineTokenizer) -> FastPath | None:
    """Llama 2 and what came from SentencePiece's BPE: the parts normalise, a kernel cuts words and merges."""
    from groundup.text.tokenizers.character_bpe_encoding import CharacterEncoder
    from groundup.text.tokenizers.unigram_encoding import BEFORE_RUNS, WHOLE

    words, model = _words(tokenizer), tokenizer.model
    marked = model.continuing_subword_prefix or model.end_of_word_suffix or model.ignore_merges
    if words is None or marked or model.unk_token is None:
        return None
    as_bytes = [model.vocabulary.get(f"<0x{byte:02X}>") for byte in range(256)]
    if model.byte_fallback and None in as_bytes:
        return None
    across = any(normalizers.SPACE_SIGN in piece.lstrip(normalizers.SPACE_SIGN) for piece in model.vocabulary)
    splits = BEFORE_RUNS if words[1] == WHOLE and not across else words[1]
    encoder = CharacterEncoder(
        model.vocabulary,
        model.merges,
        model.ranks,
        unk_id=model.vocabulary[model.unk_token],
        fuse=model.fuse_unk,
        byte_ids=np.array(as_bytes, np.int32) if model.byte_fallback else None,
        splits=splits,
    )
    return FastPath(encoder, _prepared(tokenizer, words[0]))
