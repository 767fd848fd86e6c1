"""Every objective from a recipe: a small run trains its family, measures it by its own loss, and leaves a folder that loads here and in transformers."""

import itertools

import pytest

from groundup import files
from groundup.errors import Interrupted
from groundup.runs import recipe
from groundup.runs.context import Stop
from groundup.runs.runner import run
from groundup.training.objectives.registry import BLANKS, DECODER, ENCODER, ENCODER_DECODER, OBJECTIVES

pytestmark = pytest.mark.slow

FITTING = {DECODER: "qwen3", ENCODER: "bert", ENCODER_DECODER: "t5", BLANKS: "groundup-glm"}
CLASSES = {
    "masked": "BertForMaskedLM",
    "contrastive": "BertModel",
    "span": "T5ForConditionalGeneration",
    "fill_in_middle": "Qwen3ForCausalLM",
}


def recipe_of(objective, folder, **train):
    """A recipe of a few steps on a little of tinyworld; of a task for answers."""
    data = {"tinyworld_bytes": 120_000, "python_bytes": 0, "heldout_bytes": 8_000, "instructions": 0}
    if objective == "answer":
        data = {"algorithmic": "modular_addition", "algorithmic_size": 11}
    raw = {
        "name": objective,
        "stages": ["data", "tokenizer", "train", "report"],
        "machine": {"threads": 1, "dtype": "float32"},
        "data": data,
        "tokenizer": {"vocab_size": 261 if objective == "answer" else 512},
        "model": {
            "model_type": FITTING[OBJECTIVES[objective].fits], "hidden_size": 32, "intermediate_size": 64,
            "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 128,
        },
        "train": {"objective": objective, "steps": 8, "batch_size": 8, "seq_len": 48, "validate_every": 4, "sample_every": 8, "checkpoint_every": 4} | train,
    }  # fmt: skip
    made = recipe.resolve(raw, "test")
    files.write_text(folder / "recipe.toml", made.to_toml())
    return made


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_recipe_trains_measures_and_saves(objective, tmp_path):
    import groundup as gu

    run(recipe_of(objective, tmp_path), tmp_path / "run")
    stage = next((tmp_path / "run" / "stages").glob("*-train-*"))
    records = files.read_jsonl(stage / "metrics.jsonl")
    choice = OBJECTIVES[objective]
    bits = [one for one in records if any(name.startswith("bits_per_byte_") for name in one)]
    own = [one for one in records if any(name.startswith("heldout_loss_") for name in one)]
    assert bool(bits) == choice.writes and bool(own) == (objective != "causal")
    assert any("samples" in one for one in records) == (objective not in ("masked", "contrastive", "blanks"))
    module = gu.load(tmp_path / "run" / "model").module
    assert module.config.head == choice.head
    made = gu.load_tokenizer(tmp_path / "run" / "model")
    assert module.config.vocab_size == made.vocab_size and module.config.pad_token_id == made.pad_token_id
    if objective in CLASSES:
        transformers = pytest.importorskip("transformers")
        theirs = getattr(transformers, CLASSES[objective]).from_pretrained(tmp_path / "run" / "model")
        assert theirs.config.vocab_size == made.vocab_size
        if objective == "masked":
            assert (
                transformers.AutoTokenizer.from_pretrained(tmp_path / "run" / "model").mask_token_id
                == made.mask_token_id
            )


@pytest.mark.parametrize("objective", ["masked", "denoisers", "multi_token", "fill_in_middle"])
def test_a_run_that_was_stopped_ends_with_the_same_bits(objective, tmp_path, monkeypatch):
    """Stopped after 4 of 8 steps: what is hidden at step 5 does not depend on what was drawn before."""
    from safetensors.torch import load_file

    for name in ("whole", "halved"):
        (tmp_path / name).mkdir()
    run(recipe_of(objective, tmp_path / "whole"), tmp_path / "whole" / "run")
    made = recipe_of(objective, tmp_path / "halved")
    with monkeypatch.context() as stopped, pytest.raises(Interrupted):
        asked = itertools.count(1)
        stopped.setattr(Stop, "__call__", lambda self: next(asked) == 4)
        run(made, tmp_path / "halved" / "run")
    run(made, tmp_path / "halved" / "run")
    one, other = (load_file(tmp_path / name / "run" / "model" / "model.safetensors") for name in ("whole", "halved"))
    assert one.keys() == other.keys() and all((one[key] == other[key]).all() for key in one)


@pytest.mark.parametrize("objective", ["masked", "span", "prefix", "fill_in_middle", "multi_token", "blanks"])
def test_it_learns_more_than_how_often_a_token_stands(objective, tmp_path):
    """On held-out documents more guesses are right than the commonest token would be, by half."""
    from collections import Counter

    import groundup as gu
    from groundup.data.folder import DataFolder

    # one in seven tokens is asked for, behind norms on the stream: BERT stays longer where only frequencies are known
    pace = {"steps": 400, "learning_rate": 0.003} if objective == "masked" else {"steps": 150, "learning_rate": 0.01}
    made = recipe_of(objective, tmp_path, batch_size=16, validate_every=0, sample_every=0, **pace)
    run(made, tmp_path / "run")
    stages = tmp_path / "run" / "stages"
    last = files.read_jsonl(next(stages.glob("*-train-*")) / "metrics.jsonl")
    accuracy = next(one for one in reversed(last) if "trained_accuracy" in one)["heldout_accuracy_tinyworld"]
    texts = DataFolder.open(next(stages.glob("*-data-*")) / "documents").texts("tinyworld", "heldout")
    counts = Counter(
        token for ids in gu.load_tokenizer(tmp_path / "run" / "model").encode_batch(texts) for token in ids
    )
    commonest = max(counts.values()) / counts.total()
    assert accuracy > 1.5 * commonest, f"{accuracy:.3f} right, and the commonest token is {commonest:.3f} of all"
