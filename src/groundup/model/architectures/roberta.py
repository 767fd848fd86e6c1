"""RoBERTa: BERT trained longer on more text, without the second sentence; positions begin after the padding's row.

Liu et al. 2019, arXiv:1907.11692, section 5. Its table of positions has two rows more than a text may have tokens: padding
has the row of its own id (1), and the first token the one after. A text's head is a layer with tanh and a matrix on the first
token; a pooler exists only in files of the bare model. XLM-RoBERTa (Conneau et al. 2020, arXiv:1911.02116) is the same in 100 languages.
"""

from dataclasses import dataclass
from typing import ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures import labels as words
from groundup.model.architectures.blueprint import MaskedHead, ScoreHead
from groundup.model.architectures.encoder_only import EncoderConfig, named
from groundup.model.formats.names import Names

MASKED_HEAD = {
    "lm_head.dense": "lm_head.dense",
    "lm_head.layer_norm": "lm_head.norm",
    "lm_head.decoder": "lm_head.decoder",
    "lm_head": "lm_head",
}
POOLER = frozenset({"roberta.pooler.dense.weight", "roberta.pooler.dense.bias"})


@dataclass(frozen=True, kw_only=True, slots=True)
class RobertaConfig(EncoderConfig):
    """The configuration of `RobertaModel` and its heads. max_position_embeddings: rows of the table, more than a text has tokens."""

    model_type: ClassVar[str] = "roberta"
    stem: ClassVar[str] = "Roberta"
    architecture: ClassVar[str] = "RobertaForMaskedLM"
    names: ClassVar[Names] = named("roberta", MASKED_HEAD, POOLER)

    pad_token_id: int | None = 1
    bos_token_id: int | None = 0
    eos_token_id: int | tuple[int, ...] | None = 2

    def __post_init__(self) -> None:
        if self.pad_token_id is None or not 0 <= self.pad_token_id < self.max_position_embeddings - 1:
            raise ConfigError(
                f"pad_token_id={self.pad_token_id} says at which of {self.max_position_embeddings} rows a text's positions "
                "begin; set the padding's id, 1 in published models"
            )
        EncoderConfig.__post_init__(self)

    @property
    def first_position(self) -> int:
        """The row after that of the padding."""
        return (self.pad_token_id or 0) + 1

    def text_head(self) -> ScoreHead:
        """A layer with tanh and a matrix on the first token."""
        return ScoreHead(labels=len(self.labels), bias=True, reads="first", dense=True)

    def described_head(self) -> MaskedHead | ScoreHead | None:
        """The masked language model bends by GELU whatever the blocks do."""
        if self.head == words.MASKED:
            return MaskedHead(activation="gelu", norm=self.norm())
        return EncoderConfig.described_head(self)

    def weight_names(self) -> Names:
        """What files hold of the pooler is read by the bare model alone."""
        if self.head == words.MASKED:
            return self.names
        heads = {name: {"classifier": "score.out_proj"} for name in words.EVERY_TOKEN}
        parts = {"classifier.dense": "score.dense", "classifier.out_proj": "score.out_proj"}
        heads |= dict.fromkeys(words.WHOLE_TEXT, parts)
        return named("roberta", heads.get(self.head, {}), frozenset() if self.head == words.NONE else POOLER)


@dataclass(frozen=True, kw_only=True, slots=True)
class XLMRobertaConfig(RobertaConfig):
    """The configuration of `XLMRobertaModel` and its heads."""

    model_type: ClassVar[str] = "xlm-roberta"
    stem: ClassVar[str] = "XLMRoberta"
    architecture: ClassVar[str] = "XLMRobertaForMaskedLM"
