"""What a recipe may combine: every objective with its family, and one sentence for what does not fit."""

import pytest

from groundup.errors import ConfigError
from groundup.runs import recipe
from groundup.text.tokenizers.config import TokenizerConfig
from groundup.training.config import TrainConfig
from groundup.training.objectives import registry
from groundup.training.objectives.registry import (
    OBJECTIVES,
    check,
    families,
    kind_of,
    sentinels,
    text_length,
    with_marks,
)

MODEL = dict(
    hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=256
)
FITTING = {
    registry.DECODER: "qwen3",
    registry.ENCODER: "bert",
    registry.ENCODER_DECODER: "t5",
    registry.BLANKS: "groundup-glm",
}


def raw(objective, model_type, stages=("data", "tokenizer", "train", "report"), **changes):
    return {
        "stages": list(stages), "tokenizer": {"vocab_size": 512}, "model": {"model_type": model_type} | MODEL,
        "train": {"objective": objective, "seq_len": 64} | changes,
    }  # fmt: skip


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_an_objective_resolves_with_its_family_and_gets_its_tokens(objective):
    choice = OBJECTIVES[objective]
    made = recipe.resolve(raw(objective, FITTING[choice.fits]), "test")
    assert kind_of(made.configs["model"]) == choice.fits
    assert made.configs["tokenizer"].special_tokens == (*TokenizerConfig().special_tokens, *choice.marks(64))
    again = recipe.resolve(recipe.parse(made.to_toml(), "again"), "again")
    assert again.configs == made.configs, "the written recipe is the same recipe"


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("model_type", FITTING.values())
def test_a_model_of_another_kind_is_refused_by_name(objective, model_type):
    if FITTING[OBJECTIVES[objective].fits] == model_type:
        return
    with pytest.raises(ConfigError) as error:
        recipe.resolve(raw(objective, model_type), "test")
    said = str(error.value)
    assert (
        said.startswith(f"test: train.objective = {objective!r} asks a") and f"model_type {model_type!r} is a" in said
    )
    assert "\n" not in said and FITTING[OBJECTIVES[objective].fits] in said


def test_the_sentence_for_a_masked_llama():
    with pytest.raises(
        ConfigError,
        match="asks an encoder for the hidden tokens, and model_type 'llama' is a decoder; use a model_type such as bert, roberta",
    ):
        recipe.resolve(raw("masked", "llama"), "test")


@pytest.mark.parametrize("stage", ["tune", "align", "eval"])
def test_a_stage_that_reads_a_writer_is_refused_after_an_objective_that_makes_none(stage):
    with pytest.raises(
        ConfigError,
        match=f"stage '{stage}' reads a model that writes text, and train.objective = 'masked' makes none; leave",
    ):
        recipe.resolve(raw("masked", "bert", ("data", "tokenizer", "train", stage)), "test")
    recipe.resolve(raw("fill_in_middle", "qwen3", ("data", "tokenizer", "train", stage)), "test")


def test_a_z_loss_without_a_vocabulary_is_refused():
    with pytest.raises(
        ConfigError, match="z_loss=0.0001 holds the scores of a vocabulary, and .* 'contrastive' scores none; leave"
    ):
        recipe.resolve(raw("contrastive", "bert", z_loss=1e-4), "test")


def test_a_vocabulary_without_room_for_the_tokens_is_refused():
    table = raw("denoisers", "t5", seq_len=1024)
    table["tokenizer"]["vocab_size"] = 300
    with pytest.raises(ConfigError, match=r"test: vocab_size=300 is smaller than the 256 bytes and \d+ special tokens"):
        recipe.resolve(table, "test")


def test_the_default_changes_nothing():
    assert TrainConfig().objective == "causal" and TrainConfig().z_loss == 0
    assert with_marks(TokenizerConfig(), TrainConfig()) == TokenizerConfig().special_tokens


def test_an_unknown_objective_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="objective='mask' is not known; did you mean 'masked'"):
        TrainConfig(objective="mask")


def test_there_are_sentinels_for_the_longest_text():
    """As many as the most spans that a text of this length can be given, and one more."""
    import torch

    from groundup.training.objectives.denoisers import MIXTURE, draw_denoised
    from groundup.training.objectives.span import draw_spans

    for length in (8, 40, 100, 333):
        source = torch.Generator().manual_seed(0)
        for size in range(2, length + 1, 7):
            assert len(draw_spans(size, source)) < len(sentinels("span", length))
            assert all(len(draw_denoised(size, one, source)) < len(sentinels("denoisers", length)) for one in MIXTURE)


def test_a_row_has_room_for_the_marks():
    assert text_length("fill_in_middle", 64) == 60 and text_length("causal", 64) == 64
    with pytest.raises(
        ConfigError, match="seq_len=5 has no room for fill_in_middle's marks and a text; use seq_len=6 or more"
    ):
        text_length("fill_in_middle", 5)


@pytest.mark.parametrize("kind", FITTING)
def test_families_that_are_named_are_of_the_kind(kind):
    from groundup.model.architectures import FAMILIES

    for name in families(kind):
        made = FAMILIES[name][0](vocab_size=64, **MODEL)
        assert kind_of(made) == kind
        check(made, TrainConfig(objective=next(one for one, choice in OBJECTIVES.items() if choice.fits == kind)))
