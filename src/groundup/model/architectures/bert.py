"""BERT: an encoder of post-norm blocks with learned positions and two token types, trained to fill masks.

Devlin et al. 2019, arXiv:1810.04805, sections 3 and A.2: base is 12 blocks of 768 in 12 heads, large 24 of 1024 in 16; GELU;
a linear layer with tanh over [CLS] (the pooler), trained on whether the second sentence follows the first.
A file of the whole training (BertForPreTraining) is read as the masked language model that it holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures import labels as words
from groundup.model.architectures.blueprint import ScoreHead
from groundup.model.architectures.encoder_only import EncoderConfig, named
from groundup.model.formats.names import Names

MASKED_HEAD = {
    "cls.predictions.transform.dense": "lm_head.dense",
    "cls.predictions.transform.LayerNorm": "lm_head.norm",
    "cls.predictions.decoder": "lm_head.decoder",
    "cls.predictions": "lm_head",
}
# what published files of masked language models hold from the training that the model no longer reads
PRETRAINING = frozenset(
    f"{part}.{kind}" for part in ("bert.pooler.dense", "cls.seq_relationship") for kind in ("weight", "bias")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class BertConfig(EncoderConfig):
    """The configuration of `BertModel` and its heads."""

    model_type: ClassVar[str] = "bert"
    stem: ClassVar[str] = "Bert"
    architecture: ClassVar[str] = "BertForMaskedLM"
    older_classes: ClassVar[Mapping[str, str]] = {"BertForPreTraining": words.MASKED}
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        **EncoderConfig.harmless,
        "directionality": ("bidi",),
        "pooler_type": ("first_token_transform",),
    }
    without_effect: ClassVar[frozenset[str]] = EncoderConfig.without_effect | frozenset(
        "pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head".split()
    )
    names: ClassVar[Names] = named("bert", MASKED_HEAD, PRETRAINING)

    pad_token_id: int | None = 0

    def text_head(self) -> ScoreHead:
        """One matrix on the pooler's vector."""
        return ScoreHead(labels=len(self.labels), bias=True, reads="pooler")

    def weight_names(self) -> Names:
        """What files hold of the pooler is read where there is one."""
        if self.head == words.MASKED:
            return self.names
        head = {"classifier": "score.out_proj"} if self.head in words.LABELLED else {}
        return named("bert", head, PRETRAINING if self.head in words.EVERY_TOKEN else frozenset())
