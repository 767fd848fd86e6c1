"""The handle: a model folder ready for use, its module, tokenizer and sampler in one object.

    model = groundup.load("runs/demo/model")
    model.generate("Once upon a time", max_new_tokens=40)
    model.chat([{"role": "user", "content": "What is 2 + 3?"}], stream=True)

The module knows no tokenizer and no sampler; here they meet.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from numbers import Integral
from pathlib import Path
from typing import Any

import torch

from groundup import files
from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.inference.decoding.config import Processor, SamplingConfig, as_order, from_generation_config
from groundup.inference.decoding.constrained.automaton import after_a_blank, automaton_of
from groundup.inference.decoding.constrained.masks import RegexConstraint, Vocabulary, constrained
from groundup.inference.decoding.ways import Way, way_of
from groundup.inference.engine.batching import steps
from groundup.inference.engine.requests import EngineConfig, Request
from groundup.inference.loading import device_of, tokenizer_of
from groundup.inference.readers import reader_of
from groundup.inference.streaming import TextStream, adds_a_blank, as_a_beginning, same_tokens
from groundup.model.architectures.labels import ABILITIES
from groundup.model.encoder_decoder import Answering, EncoderDecoder
from groundup.model.formats.hub import find
from groundup.model.formats.huggingface import load_model

DRAWING = {
    "seed",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
}  # who asks for one of these wants chance, where the folder is greedy

WORTH_PACKING = 30_000_000  # weights: a smaller model is fast enough in a conversation, whoever writes

Messages = str | Sequence[Mapping[str, str]]


class Handle:
    """A model with its tokenizer. Calling it calls the module: ids in, logits out."""

    def __init__(
        self,
        module: Any,
        tokenizer: Any = None,
        folder: Path | None = None,
        generation: Mapping[str, Any] | None = None,
    ):
        self.module = module
        self.tokenizer = tokenizer
        self.folder = folder
        self.generation = dict(generation or {})
        self.acceptance: Any = (
            None  # of the last answer with a draft: how good its guesses were (`speculative.Acceptance`)
        )
        self._one_text: Any = None  # the engine for one text at a time, after `compile`

    @property
    def config(self) -> Any:
        """The configuration of the module."""
        return self.module.config

    def __call__(self, *arguments: Any, **named: Any) -> torch.Tensor:
        """Compute logits: `module(input_ids, mask=None, positions=None, cache=None)`."""
        return self.module(*arguments, **named)

    def sampling(self, **asked: Any) -> SamplingConfig:
        """The folder's generation_config.json, overridden by what is asked; a seed or a filter asks for a draw."""
        known = {field.name for field in fields(SamplingConfig)}
        if unknown := asked.keys() - known:
            raise ConfigError(
                f"{', '.join(sorted(unknown))} is no sampling option; there are {', '.join(sorted(known))}"
            )
        default = from_generation_config(self.generation) if self.generation else SamplingConfig()
        if default.greedy and asked.keys() & DRAWING:
            default = replace(default, temperature=self.generation.get("temperature") or 1.0)
        return replace(default, **asked)

    def stop_ids(self) -> set[int]:
        """The tokens that end a text, from the generation config, the configuration and the tokenizer."""
        named = (
            self.generation.get("eos_token_id"),
            self.config.eos_token_id,
            getattr(self.tokenizer, "eos_token_id", None),
        )
        return {
            int(token) for ids in named if ids is not None for token in (ids if isinstance(ids, Sequence) else [ids])
        }

    def generate(
        self,
        prompt: str | Sequence[int],
        *,
        stream: bool = False,
        regex: str | None = None,
        beams: int | None = None,
        draft: Any = None,
        **sampling: Any,
    ) -> str | Iterator[str]:
        """Continue a text (or ids), or answer it where the model is an encoder-decoder; the new text whole, or as pieces while it comes.

        sampling: fields of `SamplingConfig`. regex: a regular expression that the new text matches as a whole, where it ends by itself
        (a prefix of such a text where max_new_tokens cuts it). A text is read with the marks that its tokenizer puts around it (`Tokenizer.encode_prompt`).
        beams: look for the likeliest answer among so many beginnings. draft: "ngram", the folder of a smaller model, or a `speculative.Draft`: guesses that
        change no answer's distribution and may make it come sooner.
        """
        self._must_write()
        if regex is not None and not isinstance(regex, str):
            raise InputError(f"regex={regex!r} is no text; write a regular expression")
        way = self._way(beams, draft, sampling if regex is None else sampling | {"regex": regex})
        tokenizer = self._tokenizer()
        ids = tokenizer.encode_prompt(prompt) if isinstance(prompt, str) else self._known(prompt)
        if regex is not None:
            sampling["order"] = (self._matching(regex), *as_order(sampling.get("order", SamplingConfig().order)))
        return self._write(ids, self.stop_ids(), stream, way, sampling)

    def chat(
        self, messages: Messages, *, stream: bool = False, beams: int | None = None, draft: Any = None, **sampling: Any
    ) -> str | Iterator[str]:
        """Answer a conversation (a list of {role, content}, or one user message as a string); the rest as for `generate`."""
        self._must_write()
        prompt = self._conversation(messages)
        stops = self.stop_ids() if isinstance(self.module, EncoderDecoder) else self._ends()
        return self._write(prompt, stops, stream, self._way(beams, draft, sampling), sampling)

    def _known(self, prompt: Sequence[int]) -> list[int]:
        """The ids of a prompt, all of them the model's."""
        given = prompt.tolist() if hasattr(prompt, "tolist") else prompt
        if not isinstance(given, Sequence) or not all(isinstance(id, Integral) for id in given):
            raise InputError(
                f"a prompt is a text, or a list of token ids, and this is {prompt!r:.60}; give one of them"
            )
        ids, count = [int(id) for id in given], self.config.vocab_size
        if outside := [id for id in ids if not 0 <= id < count]:
            raise InputError(
                f"token {outside[0]} is not in the vocabulary of {count}; encode with the model's own tokenizer"
            )
        return ids

    def _ends(self) -> set[int]:
        """The tokens that end an answer of a conversation."""
        return self.stop_ids() | end_of_turn(self.tokenizer)

    def _way(self, beams: int | None, draft: Any, asked: Mapping[str, Any]) -> Way:
        """How an answer is to be written; a draft may be named, or be a folder."""
        if isinstance(self.module, EncoderDecoder) and draft is not None:
            raise ConfigError("a draft guesses for decoders, and this model is an encoder-decoder; leave draft out")
        if not isinstance(draft, (str, Path)):
            return way_of(beams, draft, asked)
        from groundup.inference.decoding.drafts import ModelDraft, NGramDraft

        way_of(beams, draft, asked)  # refused before anything is loaded
        if draft == "ngram":
            return Way(draft=NGramDraft())
        smaller = load(draft, dtype=self.module.compute_dtype, device=str(self.module.device))
        if not same_tokens(smaller.tokenizer, self._tokenizer()):
            raise ConfigError(
                f"{draft} has another tokenizer than the model, so its ids mean something else; name a smaller model of the same family"
            )
        return Way(draft=ModelDraft(smaller.module))

    def _write(
        self, prompt: list[int], stops: set[int], stream: bool, way: Way, asked: Mapping[str, Any]
    ) -> str | Iterator[str]:
        if isinstance(self.module, EncoderDecoder):
            return self._answer_to(prompt, stream, way, asked)
        return self._answer(prompt, stops, stream, way, asked)

    def compile(self, least: int = WORTH_PACKING) -> bool:
        """Write from now on by the compiled step, and read no turn of a conversation twice; False where torch writes on.

        It packs the weights, 3 s for 134 million: for who writes many answers, of which each then comes two to four times as fast. No weight
        changes, but sums are added in another order, so the last digits of a score are others. least: weights below which it is not worth it.
        """
        from groundup.inference.compiled.choose import codec_for, why_not
        from groundup.inference.engine.engine import Engine

        large = sum(one.numel() for one in self.module.parameters()) >= least
        if self._one_text is None and large and why_not(self.module, "auto") is None:
            self._one_text = Engine(self, EngineConfig(max_rows=1, compiled=codec_for(self.module)))
        return self._one_text is not None

    def generate_file(self, source: str | Path, target: str | Path, **sampling: Any) -> Any:
        """Answer every line of a file of prompts (JSON lines with "prompt" or "messages") into another; a killed run goes on.

        What comes back counts the answers (`engine.offline.Summary`).
        """
        from groundup.inference.engine.offline import answer_file

        self._must_write()
        return answer_file(self, source, target, self.sampling(**sampling), encode=self._line)

    def _line(self, line: Mapping[str, Any]) -> tuple[list[int], set[int]]:
        """The ids of one line, and the tokens that end its answer."""
        tokenizer = self._tokenizer()
        if "prompt" in line:
            return tokenizer.encode_prompt(line["prompt"]), self.stop_ids()
        return self._conversation(line["messages"]), self._ends()

    def _conversation(self, messages: Messages) -> list[int]:
        """The ids of a conversation, up to where its answer begins."""
        tokenizer = self._tokenizer()
        if not tokenizer.chat_template:
            raise InputError(
                "this model has no chat template, so it only continues text; "
                "use generate, or tune it with `groundup tune`"
            )
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        if not isinstance(messages, Sequence) or not all(
            isinstance(one, Mapping) and isinstance(one.get("role"), str) for one in messages
        ):
            raise InputError(
                f'a conversation is a list of messages such as {{"role": "user", "content": "Hello"}}, and this is {messages!r:.60}; write it so'
            )
        return tokenizer.apply_chat_template(list(messages), add_generation_prompt=True)

    def _matching(self, regex: str) -> Processor:
        """A step that leaves the tokens with which the answer can still match."""
        ends = self.stop_ids()
        if not ends:
            raise InputError(
                "this model has no token that ends a text, so regex cannot end one; name eos_token_id in its config.json"
            )
        vocabulary = Vocabulary.of(self.tokenizer, self.config.vocab_size, ends)
        automaton = automaton_of(regex)
        if isinstance(self.module, EncoderDecoder) and adds_a_blank(self.tokenizer):
            automaton = after_a_blank(automaton)  # which `as_a_beginning` takes away
        return constrained(RegexConstraint(automaton, vocabulary))

    def _must_write(self) -> None:
        """Refuse to write with a model that does not, and say what it does."""
        if not getattr(self.config, "writes", True):
            named = self.config.to_dict()["architectures"][0]
            raise UnsupportedModel(
                f"{self.folder or 'this model'} holds a {named}, which writes no text: it {ABILITIES[self.config.head]}; "
                "call it with token ids for that, or load a language model"
            )

    def _tokenizer(self) -> Any:
        if self.tokenizer is None:
            raise InputError(
                "this model was loaded without its tokenizer; load it with tokenizer=True to work with text"
            )
        return self.tokenizer

    def _answer(
        self, prompt: list[int], stop_ids: set[int], stream: bool, way: Way, asked: Mapping[str, Any]
    ) -> str | Iterator[str]:
        sampling = self.sampling(**asked)
        context = self.config.max_position_embeddings
        if not prompt:
            raise InputError(
                "the prompt is empty and this tokenizer puts no token before a text; type at least one character"
            )
        if len(prompt) >= context:
            raise InputError(
                f"the prompt has {len(prompt)} tokens but the model's context is {context}, answer included; "
                f"shorten it by at least {len(prompt) - context + 1} tokens"
            )
        pieces = self._pieces(self.module, prompt, stop_ids, sampling, way)
        return pieces if stream else "".join(pieces)

    def _answer_to(self, source: list[int], stream: bool, way: Way, asked: Mapping[str, Any]) -> str | Iterator[str]:
        """Read a source once; then its answer is written as a decoder writes, from the token on that begins every answer."""
        sampling = self.sampling(**asked)
        if not source:
            raise InputError("the text is empty, so there is nothing to answer; type at least one character")
        with torch.inference_mode():
            read = self.module.read(torch.tensor([source], device=self.module.device))
        begin = self.generation.get("decoder_start_token_id", self.config.decoder_start_token_id)
        pieces = self._pieces(Answering(self.module, read), [begin], self.stop_ids(), sampling, way)
        pieces = as_a_beginning(pieces, self.tokenizer)
        return pieces if stream else "".join(pieces)

    def _pieces(
        self, module: Any, prompt: list[int], stop_ids: set[int], sampling: SamplingConfig, way: Way
    ) -> Iterator[str]:
        """The text pieces of one answer; the model stops as soon as a stop string came."""
        text = TextStream(self.tokenizer, sampling.stop)
        for id in self._ids(module, prompt, stop_ids, sampling, way):
            self.acceptance = way.acceptance
            if piece := text.push(id):
                yield piece
            if text.stopped:
                return
        if piece := text.finish():
            yield piece

    def _ids(
        self, module: Any, prompt: list[int], stop_ids: set[int], sampling: SamplingConfig, way: Way
    ) -> Iterator[int]:
        """The ids of one answer as they come: by the compiled step after `compile`, else by torch."""
        engine, request = self._one_text, Request(prompt_ids=prompt, sampling=sampling, stop_ids=list(stop_ids))
        if not way.plain:
            yield from way.write(module, prompt, sampling, stop_ids)
        elif engine is not None and module is self.module and engine.takes(request):
            yield from engine.write(request)
        else:
            yield from (int(step.ids[0]) for step in steps(module, [prompt], sampling, stop_ids))


def closing(tokenizer: Any) -> list[int]:
    """The control tokens with which the chat template closes an answer, in their order, found by rendering one."""
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    ids = tokenizer.apply_chat_template(messages)
    answer = ids[len(tokenizer.apply_chat_template(messages[:1], add_generation_prompt=True)) :]
    control = set(tokenizer.special_tokens.values())
    return [token for token in answer if token in control]


def end_of_turn(tokenizer: Any) -> set[int]:
    """The control tokens with which the chat template closes an answer."""
    return set(closing(tokenizer))


def load(source: str | Path, *, dtype: Any = None, device: str = "auto", tokenizer: bool = True) -> Handle:
    """Load a model folder, or a model of the Hugging Face hub by its id.

    dtype: None keeps that of the file. device: auto takes a GPU where there is one. tokenizer: False for ids only.
    """
    folder = find(source)
    module = (reader_of(folder) or load_model)(folder, dtype=dtype, device=device_of(device))
    module.eval()
    words = tokenizer_of(folder, module.config.vocab_size) if tokenizer else None
    path = folder / "generation_config.json"
    return Handle(module, words, folder, files.read_json(path) if path.is_file() else None)
