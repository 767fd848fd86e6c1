"""How one answer is written: token by token, by a beam, or with a draft that guesses; and what of this goes together.

    way = way_of(beams=4)                              ids = way.write(module, prompt, sampling, stop_ids)
    way = way_of(draft=NGramDraft())                   ... and `way.acceptance` afterwards

A beam looks for the likeliest answer, so whatever shapes a draw says nothing to it and is refused; the folder's own settings for drawing do not
take part. A draft changes no answer's distribution (`speculative`), so everything goes with it but a beam.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.errors import ConfigError
from groundup.inference.decoding.config import SamplingConfig

WITH_A_BEAM = {"max_new_tokens", "stop"}


@dataclass
class Way:
    """beams: 0 for none. draft: who guesses, or None. acceptance: of the last answer that was written with a draft."""

    beams: int = 0
    draft: Any = None
    acceptance: Any = None

    @property
    def plain(self) -> bool:
        """Whether tokens are drawn one by one."""
        return not self.beams and self.draft is None

    def write(
        self, module: Any, prompt: Sequence[int], sampling: SamplingConfig, stop_ids: Collection[int]
    ) -> Iterator[int]:
        """The ids of the answer as they come; of a beam all at its end."""
        if self.beams:
            from groundup.inference.decoding.beam import BeamConfig
            from groundup.inference.decoding.cached_beam import beam_answers

            config = BeamConfig(beams=self.beams)
            return iter(beam_answers(module, prompt, sampling.max_new_tokens, stop_ids, config)[0].ids)
        from groundup.inference.decoding.speculative import speculate

        return self._guessed(speculate(module, prompt, sampling, self.draft, stop_ids))

    def _guessed(self, chunks: Iterable[Any]) -> Iterator[int]:
        """The ids, and how good the guesses were, also where somebody stops taking them."""
        from groundup.inference.decoding.speculative import Acceptance

        taken: list[Any] = []
        for chunk in chunks:
            taken.append(chunk)
            self.acceptance = Acceptance.of(taken)
            yield from chunk.ids


def way_of(beams: int | None = None, draft: Any = None, asked: Mapping[str, Any] | None = None) -> Way:
    """What was asked for, if it goes together. draft: a `Draft`. asked: sampling options that the user named."""
    if beams is None:
        return Way(draft=draft)
    if not isinstance(beams, int) or beams < 1:
        raise ConfigError(f"beams={beams!r} keeps nothing; use a few, such as 5, or leave beams out")
    if draft is not None:
        raise ConfigError("beams and draft are two ways to write; leave one of them out")
    for name, value in (asked or {}).items():
        if name not in WITH_A_BEAM and not (name == "temperature" and value == 0):
            raise ConfigError(
                f"{name} shapes a draw, and a beam draws nothing: it looks for the likeliest answer; leave {name} or beams out"
            )
    return Way(beams=beams)
