"""What every tokenizer is: text to ids and back, control tokens, chats, files; the kinds differ in a few hooks.

A text is first searched for added tokens, then normalised; what lies between goes to the hook that turns ordinary text
into ids. `encode` adds nothing unless asked, and text that spells a control token stays text unless the caller allows
otherwise: the two defaults that Hugging Face has the other way round, and where most silent mistakes come from.

Left out: truncation and padding, which belong to whoever makes a batch.
"""

import functools
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from groundup.errors import InputError
from groundup.processor import cores
from groundup.text.tokenizers.added_tokens import ROLES, AddedToken, AddedTokens, swallowed
from groundup.text.tokenizers.aligned_text import AlignedText, Place
from groundup.text.tokenizers.post_processors import PLAIN, carry_out
from groundup.text.tokenizers.special_tokens import ChatTemplate, ControlTokens, answer_mask

_PARALLEL_BYTES = 1 << 21  # from here on, counted in characters, a second thread pays for itself
_LOT = 1 << 19  # characters
Packed = tuple[np.ndarray, np.ndarray]  # int32 ids, int64 offsets: text t is ids[offsets[t]:offsets[t + 1]]


def utf_8(text: str) -> bytes:
    """The bytes of a text; half of a surrogate pair, which has none, is refused."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the text has half a surrogate pair (U+{ord(text[error.start]):04X}) at character {error.start}; mend it "
            "by text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
        ) from error


def run_encoder(encoder: Any, texts: Sequence[str], threads: int | None = None) -> Packed:
    """Encode texts with an object that has `encode(utf-8, offsets)`, lot by lot, side by side when there is enough text.

    A lot is small enough to stay in the processor's cache on its way from text to ids. All at once takes a tenth longer on one
    thread, and two threads then wait for each other at every copy.
    """
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    wanted = np.arange(1, ends[-1] // _LOT + 1) * _LOT
    edges = np.unique(np.concatenate([[0], np.searchsorted(ends, wanted), [len(texts)]])).tolist()

    def encode(edge: tuple[int, int]) -> Packed:
        documents = list(map(utf_8, texts[slice(*edge)]))
        ids, offsets = encoder.encode(b"".join(documents), np.cumsum([0, *map(len, documents)], dtype=np.int64))
        # a copy, so that the room that was made for the ids, four times as much, serves the next lot
        return ids.copy() if len(edges) > 2 else ids, offsets

    workers = min(threads or cores(), 1 + int(ends[-1]) // _PARALLEL_BYTES)
    lots = list(itertools.pairwise(edges)) or [(0, 0)]
    if workers == 1:
        return joined(list(map(encode, lots)))
    with ThreadPoolExecutor(workers) as pool:
        return joined(list(pool.map(encode, lots)))


def joined(parts: Sequence[Packed]) -> Packed:
    """Several packed lots as one."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([0, *(len(ids) for ids, _ in parts)])
    starts = [own[:-1] + before for (_, own), before in zip(parts, ends, strict=False)]
    return np.concatenate([ids for ids, _ in parts]), np.concatenate([*starts, ends[-1:]])


def packed(lists: Iterable[Sequence[int]]) -> Packed:
    """Lists of ids as one array and offsets."""
    lists = list(lists)
    offsets = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    return np.fromiter(itertools.chain.from_iterable(lists), np.int32, int(offsets[-1])), offsets


def as_lists(ids: np.ndarray, offsets: np.ndarray, numbers: np.ndarray) -> list[list[int]]:
    """A list a text of packed ids. numbers: the ids as Python objects, np.arange(vocab_size).astype(object).

    Lists of objects that exist are made twice as fast as new objects, and take a fifth of the memory.
    """
    edges = offsets.tolist()
    return [numbers.take(ids[start:end]).tolist() for start, end in zip(edges, edges[1:], strict=False)]


def no_token(id: int, vocab_size: int) -> InputError:
    """What is said to an id that stands for nothing."""
    return InputError(f"id {id} is no token of this tokenizer; its ids are 0 to {vocab_size - 1}")


class Tokenizer:
    """Text to token ids and back; the kinds are `ByteLevelTokenizer` and `PipelineTokenizer`.

    special_tokens: the id of each control token; added_tokens: these and the others, with their flags. eos_token and the
    other roles: the control token for that use, or None. A kind has `vocabulary` and the hooks at the end of the class.
    """

    vocabulary: Any
    bos_token: str | None
    eos_token: str | None
    pad_token: str | None
    unk_token: str | None
    cls_token: str | None
    sep_token: str | None
    mask_token: str | None

    def __init__(
        self,
        *,
        added_tokens: Sequence[AddedToken],
        vocab_size: int,
        normalizer: Any = None,
        post_processor: Any = None,
        chat_template: str | None = None,
        roles: Mapping[str, str | None],
    ) -> None:
        """roles: the control token of each of `ROLES` that there is."""
        self.added_tokens = tuple(sorted(added_tokens, key=lambda token: token.id))
        self.special_tokens = {token.content: token.id for token in added_tokens if token.special}
        self.vocab_size, self.chat_template = vocab_size, chat_template
        self.normalizer, self.post_processor = normalizer, post_processor
        for role in ROLES:
            setattr(self, role, roles.get(role))
        self._controls = ControlTokens(self.special_tokens)
        self._added = AddedTokens(self.added_tokens, normalizer)

    def __len__(self) -> int:
        """Number of ids, control tokens included."""
        return self.vocab_size

    def __repr__(self) -> str:
        """What it is, in one line."""
        controls = ", ".join(self.special_tokens)
        return f"{type(self).__name__}({self.vocab_size} ids, {self._kind()}, control tokens {controls})"

    @property
    def roles(self) -> dict[str, str]:
        """The control token of each role that is filled."""
        return {role: getattr(self, role) for role in ROLES if getattr(self, role) is not None}

    def _role_id(self, token: str | None) -> int | None:
        return None if token is None else self.special_tokens[token]

    @property
    def eos_token_id(self) -> int | None:
        """The id that ends a document."""
        return self._role_id(self.eos_token)

    @property
    def pad_token_id(self) -> int | None:
        """The id that fills the rest of a row."""
        return self._role_id(self.pad_token)

    @property
    def bos_token_id(self) -> int | None:
        """The id that stands before a document's first token; `encode` adds it only when asked."""
        return self._role_id(self.bos_token)

    @property
    def unk_token_id(self) -> int | None:
        """The id of what the vocabulary cannot spell."""
        return self._role_id(self.unk_token)

    @property
    def cls_token_id(self) -> int | None:
        """The id before a text whose state there stands for all of it (BERT)."""
        return self._role_id(self.cls_token)

    @property
    def sep_token_id(self) -> int | None:
        """The id behind each of two texts (BERT)."""
        return self._role_id(self.sep_token)

    @property
    def mask_token_id(self) -> int | None:
        """The id that hides a token to be guessed (BERT)."""
        return self._role_id(self.mask_token)

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides ids and text: equal for equal tokenizers, whatever folder they came from."""
        from groundup.text.tokenizers.formats import to_dicts

        return hashlib.sha256(json.dumps(to_dicts(self), sort_keys=True).encode()).hexdigest()

    @functools.cached_property
    def _numbers(self) -> np.ndarray:
        """Every id as the one Python object that all lists share."""
        return np.arange(self.vocab_size).astype(object)

    @functools.cached_property
    def token_lengths(self) -> np.ndarray:
        """Bytes of text that each id stands for, int32[vocab_size]; 0 for control tokens."""
        controls = set(self.special_tokens.values())
        known = self._known_ids()
        lengths = (0 if id in controls or id not in known else len(self.token_bytes(id)) for id in range(len(self)))
        return np.fromiter(lengths, np.int32, len(self))

    def encode(self, text: str, allow_special: bool = False, add_special_tokens: bool = False) -> list[int]:
        """Token ids of a text.

        allow_special: whether a control token spelled in the text becomes its id; otherwise it is text like any other.
        add_special_tokens: whether the marks come with it that the model wants around a text, such as <s> or [CLS].
        """
        if self._added.may_match(allow_special):
            parts = self._parts(text, allow_special)
            ids = [id for part, token in parts for id in (self._encode_part(part) if token is None else [token.id])]
        else:
            utf_8(text)
            ids = self._encode_part(self._normal(AlignedText(text)))
        return self._surrounded(ids) if add_special_tokens else ids

    def encode_prompt(self, text: str) -> list[int]:
        """Ids of a text as its model met texts in training: with the marks that the tokenizer puts around them.

        Llama's texts begin with <s>, Qwen's with nothing, those of a tokenizer trained here with <|endoftext|>: its
        post-processor says so. A bos_token alone says nothing of that (SmolLM2's opens a turn of a chat, and <|im_end|> ends it).
        Folders that were trained here before they said so have no post-processor at all, and one token that both begins and ends
        texts: every document stood behind it.
        """
        ids, begin = self.encode(text, add_special_tokens=True), self.bos_token_id
        if self.post_processor is None and begin is not None and begin == self.eos_token_id:
            return [begin, *ids]
        return ids

    def encode_pair(
        self, first: str, second: str, allow_special: bool = False, add_special_tokens: bool = True
    ) -> tuple[list[int], list[int]]:
        """Ids and type ids of two texts as one input, as [CLS] A [SEP] B [SEP] with 0 for A and 1 for B."""
        texts = [self.encode(text, allow_special) for text in (first, second)]
        return carry_out(self._steps(True) if add_special_tokens else PLAIN[1], texts)

    def _steps(self, pair: bool) -> Any:
        return self.post_processor.steps(pair) if self.post_processor else PLAIN[pair]

    def _surrounded(self, ids: Sequence[int]) -> list[int]:
        return carry_out(self._steps(False), [ids])[0]

    def offsets(
        self, text: str, allow_special: bool = False, add_special_tokens: bool = False
    ) -> tuple[list[int], list[Place]]:
        """Token ids of a text, and of each the part of the text (first character, one after the last) it stands for.

        A mark that is not in the text stands at (0, 0). Blanks belong to the token that holds them.
        """
        ids: list[int] = []
        places: list[Place] = []
        for part, token in self._parts(AlignedText.of(text), allow_special):
            new = ([token.id], [part.whole_place(0, len(part.text))]) if token else self._part_offsets(part)
            ids += new[0]
            places += new[1]
        if not add_special_tokens:
            return ids, places
        around = carry_out(self._steps(False), [range(-len(ids), 0)])[0]
        return [ids[i] if i < 0 else i for i in around], [places[i] if i < 0 else (0, 0) for i in around]

    def _parts(self, text: str | AlignedText, allow_special: bool) -> Any:
        """The text between added tokens, normalised, and these tokens."""
        whole = AlignedText(text) if isinstance(text, str) else text
        utf_8(whole.text)
        return self._added.split(whole, allow_special)

    def encode_batch(
        self, texts: Sequence[str], allow_special: bool = False, add_special_tokens: bool = False
    ) -> list[list[int]]:
        """Token ids of each text."""
        lists = as_lists(*self.encode_packed(texts, allow_special=allow_special), self._numbers)
        return list(map(self._surrounded, lists)) if add_special_tokens else lists

    def encode_packed(self, texts: Iterable[str], threads: int | None = None, allow_special: bool = False) -> Packed:
        """All texts' ids in one int32 array, and int64 offsets: text t is ids[offsets[t]:offsets[t + 1]].

        threads: None takes one a core when the texts are long enough. The result does not depend on it.
        """
        if not self._added.may_match(allow_special):
            return self._encode_whole(texts, threads)
        documents = [list(self._typed_parts(text, allow_special)) for text in texts]
        between = [part for document in documents for part, token in document if token is None]
        ids, offsets = self._encode_packed(between, threads)
        if all(len(document) == 1 and document[0][1] is None for document in documents):
            return ids, offsets
        return _with_tokens(documents, ids, offsets)

    def _typed_parts(self, text: str, allow_special: bool) -> Any:
        utf_8(text)
        return self._added.split(AlignedText(text), allow_special, normalize=self._added.in_normalized_text)

    def _encode_packed(self, parts: Sequence[AlignedText], threads: int | None) -> Packed:
        """Ids of parts of texts; not normalised yet, unless a token was looked for after normalising."""
        if self._added.in_normalized_text:
            done = [self._encode_part(part) for part in parts]
        else:
            done = [self._encode_part(self._normal(part)) for part in parts]
        return packed(done)

    def _encode_whole(self, texts: Iterable[str], threads: int | None) -> Packed:
        """Ids of texts in which no token is looked for."""
        return self._encode_packed([AlignedText(text) for text in texts], threads)

    def _normal(self, part: AlignedText) -> AlignedText:
        return self.normalizer.normalize(part) if self.normalizer else part

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = False) -> str:
        """The text that ids stand for. Bytes that are no UTF-8 (half a character) become U+FFFD."""
        raise NotImplementedError

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes that ids stand for; control tokens as they are spelled."""
        return self.decode(ids).encode()

    def token_bytes(self, id: int) -> bytes:
        """The bytes that one token adds to a text, inside it (a word's first token brings its blank)."""
        raise NotImplementedError

    @functools.cached_property
    def _template(self) -> ChatTemplate:
        if self.chat_template is None:
            raise InputError("this tokenizer has no chat template; set tokenizer.chat_template or use a chat model")
        return ChatTemplate(self.chat_template, self._controls, self.roles)

    def apply_chat_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool = False,
        tokenize: bool = True,
        return_assistant_mask: bool = False,
        **variables: Any,
    ) -> Any:
        """Write messages as the model was taught to read them: token ids, or the text when not `tokenize`.

        Control tokens come from the template alone; one spelled in a message stays text. return_assistant_mask: give
        (ids, mask), where 1 marks the assistant's words and the control token that closes them: what tuning learns.
        variables: further names that the template asks for, such as tools.
        """
        rendering = self._template.render(messages, add_generation_prompt, variables)
        if not tokenize:
            return rendering.text
        parts = list(self._rendered_parts(rendering.parts, return_assistant_mask))
        if not return_assistant_mask:
            return list(
                itertools.chain.from_iterable([token.id] if token else self._encode_part(part) for part, token in parts)
            )
        answers = self._template.answers(messages, rendering.text, variables)
        return self._masked(parts, answers, rendering.text)

    def _masked(self, parts: Any, answers: Sequence[Place], text: str) -> tuple[list[int], list[int]]:
        """Ids of a rendered conversation, and the mask of the answers, whose places count characters of `text`."""
        ids: list[int] = []
        starts: list[int] = []
        for part, token in parts:
            new = ([token.id], [part.whole_place(0, len(part.text))]) if token else self._part_offsets(part)
            ids += new[0]
            starts += [start for start, _ in new[1]]
        in_bytes = np.cumsum([0, *(len(character.encode()) for character in text)])
        edges = in_bytes[[*starts, len(text)]]
        places = [(int(in_bytes[start] - edges[0]), int(in_bytes[end] - edges[0])) for start, end in answers]
        return ids, answer_mask(np.diff(edges).tolist(), places)

    def _rendered_parts(self, rendered: Sequence[tuple[str, bool]], aligned: bool) -> Any:
        """A rendered conversation as the text between tokens, normalised, and tokens; only the template wrote controls."""
        text = "".join(part for part, _ in rendered)
        utf_8(text)
        whole = AlignedText.of(text) if aligned else AlignedText(text)
        known = {token.content: token for token in self.added_tokens}
        last = start = 0
        for part, control in rendered:
            end = start + len(part)
            if control:
                first, behind = swallowed(text, start, end, known[part])
                if first > last:
                    yield from self._added.split(whole.between(last, first))
                yield whole.between(max(first, last), behind), known[part]
                last = behind
            start = end
        if last < len(text):
            yield from self._added.split(whole.between(last, len(text)))

    def save(self, folder: str | Path) -> None:
        """Write tokenizer.json and tokenizer_config.json, which `transformers` and others read too."""
        from groundup.text.tokenizers.formats import save_tokenizer

        save_tokenizer(folder, self)

    # The hooks of a kind of tokenizer.

    def _kind(self) -> str:
        """What the line of `repr` says about it."""
        raise NotImplementedError

    def _known_ids(self) -> Any:
        """The ids that stand for a token: a container."""
        raise NotImplementedError

    def _encode_part(self, part: AlignedText) -> list[int]:
        """Ids of normalised text without added tokens."""
        raise NotImplementedError

    def _part_offsets(self, part: AlignedText) -> tuple[list[int], list[Place]]:
        """The same, and where each token stands in the text that came in (`part` knows the places)."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """The parts of tokenizer.json that the kind decides: pre_tokenizer, decoder and model."""
        raise NotImplementedError


def _with_tokens(documents: Sequence[Sequence[Any]], ids: np.ndarray, offsets: np.ndarray) -> Packed:
    """Packed ids of whole documents from those of the text between added tokens."""
    pieces: list[np.ndarray] = []
    ends = [0]
    between = itertools.pairwise(offsets.tolist())
    for document in documents:
        for _, token in document:
            start, end = next(between) if token is None else (0, 0)
            pieces.append(ids[start:end] if token is None else np.array([token.id], np.int32))
        ends.append(sum(map(len, pieces[len(pieces) - len(document) :])) + ends[-1])
    return np.concatenate([np.empty(0, np.int32), *pieces]), np.array(ends, np.int64)
