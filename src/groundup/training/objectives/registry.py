"""Which objectives a run can choose, what each asks for, of which models, and which tokens it needs; importing it loads no torch.

    [train]
    objective = "masked"        and a [model] that it fits, such as model_type = "bert"

A recipe is checked against this table before anything runs, and its tokenizer gets the tokens that the objective needs. How an objective
makes its batches and its loss: `task.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.errors import ConfigError, InputError
from groundup.model.architectures import labels as heads
from groundup.text.tokenizers.config import MASK

DECODER, ENCODER, ENCODER_DECODER, BLANKS = "decoder", "encoder", "encoder-decoder", "decoder with two places a token"
FILL_IN_MIDDLE = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")  # as Qwen's and Mistral's code models call them
PIECE_START, PIECE_END = "<|startofpiece|>", "<|endofpiece|>"  # GLM
MODES = {"R": "[NLU]", "S": "[S2S]", "X": "[NLG]"}  # UL2: regular, sequential, extreme
SHARE = {"span": 0.15, "denoisers": 0.5}  # of a text's tokens, hidden at most
SPAN = 3.0  # mean length of the shortest spans
WRITERS = ("tune", "align", "eval")  # stages that read a model that goes on with a text


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """An objective as a run chooses it.

    asks: in words, for an error. whole: each document has a row of its own. writes: the trained model gives every next token its
    probability, so that bits per byte and later stages mean something. longer: tokens that it adds to a text.
    marks: the tokens it needs in rows of so many tokens.
    """

    asks: str
    fits: str = DECODER
    head: str = heads.LANGUAGE_MODEL
    whole: bool = False
    writes: bool = False
    scores_tokens: bool = True
    longer: int = 0
    marks: Callable[[int], tuple[str, ...]] = lambda seq_len: ()


def sentinels(objective: str, seq_len: int) -> tuple[str, ...]:
    """As many of T5's sentinels as a text of seq_len tokens can need, one behind the last span among them.

    >>> sentinels("span", 40)
    ('<extra_id_0>', '<extra_id_1>', '<extra_id_2>')
    """
    spans = max(round(round(seq_len * SHARE[objective]) / SPAN), 1)
    return tuple(f"<extra_id_{number}>" for number in range(spans + 1))


OBJECTIVES: dict[str, Choice] = {
    "causal": Choice(asks="every next token", writes=True),
    "multi_token": Choice(asks="the next three tokens at once", writes=True),
    "fill_in_middle": Choice(
        asks="the middle of a text behind its end",
        whole=True,
        writes=True,
        longer=4,
        marks=lambda seq_len: FILL_IN_MIDDLE,
    ),
    "prefix": Choice(asks="what follows a beginning that is read both ways", whole=True),
    "answer": Choice(asks="what follows the ="),
    "masked": Choice(asks="the hidden tokens", fits=ENCODER, head=heads.MASKED, marks=lambda seq_len: (MASK,)),
    "contrastive": Choice(
        asks="the other view of a text", fits=ENCODER, head=heads.NONE, whole=True, scores_tokens=False
    ),
    "span": Choice(
        asks="the spans that were cut out",
        fits=ENCODER_DECODER,
        whole=True,
        marks=lambda seq_len: sentinels("span", seq_len),
    ),
    "denoisers": Choice(
        asks="the spans and endings that were cut out",
        fits=ENCODER_DECODER,
        whole=True,
        marks=lambda seq_len: (*MODES.values(), *sentinels("denoisers", seq_len)),
    ),
    "blanks": Choice(
        asks="the spans that were cut out, in any order",
        fits=BLANKS,
        whole=True,
        marks=lambda seq_len: (MASK, PIECE_START, PIECE_END),
    ),
}


def text_length(objective: str, seq_len: int) -> int:
    """How many tokens a text may have, so that its row has seq_len at most."""
    length = seq_len - OBJECTIVES[objective].longer
    if length < 2:
        raise ConfigError(
            f"seq_len={seq_len} has no room for {objective}'s marks and a text; use seq_len={seq_len - length + 2} or more"
        )
    return length


def kind_of(config: Any) -> str:
    """Which kind of model a configuration describes."""
    from groundup.model.architectures.encoder_decoder import EncoderDecoderConfig
    from groundup.model.architectures.encoder_only import EncoderConfig
    from groundup.model.architectures.glm import GLM2022Config

    kinds = {EncoderDecoderConfig: ENCODER_DECODER, EncoderConfig: ENCODER, GLM2022Config: BLANKS}
    return next((kind for made, kind in kinds.items() if isinstance(config, made)), DECODER)


def families(kind: str) -> list[str]:
    """The model_types of a kind, for an error; of decoders a few."""
    from groundup.model.architectures import FAMILIES
    from groundup.model.architectures.encoder_decoder import EncoderDecoderConfig
    from groundup.model.architectures.encoder_only import EncoderConfig

    if kind == BLANKS:
        return ["groundup-glm"]
    if kind == DECODER:
        return ["qwen3", "llama", "gpt2"]
    parent = EncoderConfig if kind == ENCODER else EncoderDecoderConfig
    return [name for name, (made, _) in FAMILIES.items() if issubclass(made, parent)]


def check(model: Any, train: Any, stages: Sequence[str] = ()) -> None:
    """Refuse an objective that the model cannot learn, or whose model a later stage cannot use; say what fits."""
    choice, kind = OBJECTIVES[train.objective], kind_of(model)
    if choice.fits != kind:
        others = [name for name, other in OBJECTIVES.items() if other.fits == kind]
        raise ConfigError(
            f"train.objective = {train.objective!r} asks a{'n' if choice.fits[0] == 'e' else ''} {choice.fits} for {choice.asks}, and "
            f"model_type {model.model_type!r} is a{'n' if kind[0] == 'e' else ''} {kind}; use a model_type such as {', '.join(families(choice.fits))}, "
            f"or train.objective = {' or '.join(map(repr, others))}"
        )
    if train.z_loss and not choice.scores_tokens:
        raise ConfigError(
            f"train.z_loss={train.z_loss} holds the scores of a vocabulary, and train.objective = {train.objective!r} scores none; "
            "leave z_loss out"
        )
    if (reader := next((stage for stage in stages if stage in WRITERS), None)) and not choice.writes:
        writers = [name for name, other in OBJECTIVES.items() if other.writes]
        raise ConfigError(
            f"stage {reader!r} reads a model that writes text, and train.objective = {train.objective!r} makes none; "
            f"leave {reader!r} out of stages, or use train.objective = {' or '.join(map(repr, writers))}"
        )


def check_head(model: Any, objective: str) -> None:
    """Refuse a head that a recipe asks for and its objective does not train; the family's usual one is replaced in silence."""
    usual = type(model).__dataclass_fields__["head"].default
    if model.head not in (usual, OBJECTIVES[objective].head):
        raise ConfigError(
            f"model_type {model.model_type!r} with head {model.head!r} writes no text and is not what train.objective = {objective!r} "
            "trains; leave head out of [model]"
        )


def with_marks(tokenizer: Any, train: Any) -> tuple[str, ...]:
    """The control tokens of a tokenizer that is to be trained, and those that the objective needs behind them."""
    wanted = OBJECTIVES[train.objective].marks(train.seq_len)
    return (*tokenizer.special_tokens, *(mark for mark in wanted if mark not in tokenizer.special_tokens))


def marks_of(tokenizer: Any, objective: str, seq_len: int) -> list[int]:
    """The ids of the tokens that an objective needs; InputError names those that a finished tokenizer lacks."""
    known, wanted = tokenizer.special_tokens, OBJECTIVES[objective].marks(seq_len)
    ids = [tokenizer.mask_token_id if mark == MASK and tokenizer.mask_token else known.get(mark) for mark in wanted]
    missing = [mark for mark, id in zip(wanted, ids, strict=True) if id is None]
    if missing:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise InputError(
            f"train.objective = {objective!r} needs the control tokens {shown}, which this tokenizer lacks; "
            "put the stage 'tokenizer' before 'train', which adds them"
        )
    return [id for id in ids if id is not None]
