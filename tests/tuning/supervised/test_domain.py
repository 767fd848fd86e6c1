import numpy as np
import pytest

from groundup.errors import ConfigError, InputError
from groundup.evaluation.metrics.intrinsic import Bits
from groundup.model.architectures import build
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.training import loop
from groundup.tuning.config import TuneConfig
from groundup.tuning.efficient.config import PromptConfig
from groundup.tuning.efficient.many import apply
from groundup.tuning.supervised.domain import Domain, bits_of, change, mixed, read_domain, steps_of

OLD = Domain(
    "old", ["the sky is blue. the sky is blue and it is the sky. "] * 40, ["the sky is blue and it is the sky. "] * 5
)
NEW = Domain("new", ["zq xv zq jk xv zq. jk xv zq xv jk zq. "] * 40, ["zq xv zq jk xv zq. "] * 5)


def told(replay, **more):
    return TuneConfig(
        task="domain",
        data="x",
        replay=replay,
        batch_size=8,
        seq_len=32,
        learning_rate=0.006,
        matrix_learning_rate=0.02,
        warmup_steps=0,
        **more,
    )


def test_so_many_rows_are_of_the_old_kind_as_the_replay_says(tokenizer, tmp_path):
    loader = mixed(NEW, OLD, tokenizer, told(0.25), tmp_path)
    kinds = np.array([source for step in range(100) for source, _ in loader.chosen(step)])
    assert abs((kinds == 1).mean() - 0.25) < 0.01
    alone = mixed(NEW, OLD, tokenizer, told(0.0), tmp_path / "alone")
    assert {source for step in range(20) for source, _ in alone.chosen(step)} == {0}
    assert steps_of(told(0.25, epochs=3), loader) == -(-3 * len(loader.rows[0]) // 6), "epochs are of the new text"


def test_new_text_makes_the_old_forgotten_and_replay_holds_it(tiny, tokenizer, tmp_path):
    before = tiny()
    loop.train(before, mixed(OLD, NEW, tokenizer, told(0.0), tmp_path / "first").batch, told(0.0).training(25))
    start, state = (
        bits_of(before, tokenizer, [NEW, OLD]),
        {name: one.clone() for name, one in before.state_dict().items()},
    )
    found = {}
    for replay in (0.0, 0.25):
        module = tiny()
        module.load_state_dict(state)
        loop.train(
            module, mixed(NEW, OLD, tokenizer, told(replay), tmp_path / str(replay)).batch, told(replay).training(25)
        )
        found[replay] = [
            change(one, other) for one, other in zip(start, bits_of(module, tokenizer, [NEW, OLD]), strict=True)
        ]
    (learned, forgot), (learned_too, kept) = found[0.0], found[0.25]
    assert learned["high"] < 0 and learned_too["high"] < 0
    assert forgot["change"] > 0.5 and kept["change"] < 0.3 * forgot["change"]


def test_a_change_is_that_of_bits_per_byte_over_the_same_documents():
    sizes = np.array([10, 30])
    before, after = Bits(np.array([10.0, 30.0]), sizes, 8), Bits(np.array([5.0, 45.0]), sizes, 8)
    found = change(before, after)
    assert found["before"] == pytest.approx(before.per_byte) and found["change"] == pytest.approx(
        after.per_byte - before.per_byte
    )


def test_a_users_text_is_divided_and_worlds_have_names(tmp_path):
    (tmp_path / "law.txt").write_text(
        "\n\n".join(f"Section {number}. Whoever does {number} shall pay {number} coins." for number in range(400))
    )
    made = read_domain(tmp_path / "law.txt", heldout_bytes=2000)
    assert made.name == "law.txt" and made.train and made.heldout and not set(made.train) & set(made.heldout)
    world = read_domain("tinyworld", heldout_bytes=2000, world_bytes=5000)
    assert sum(map(len, world.train)) >= 5000 and len(world.heldout) > 0
    with pytest.raises(InputError):
        read_domain(tmp_path / "none.txt")


def test_a_replay_that_is_no_share_is_refused():
    with pytest.raises(ConfigError, match="replay=1.0 must be at least 0 and below 1; use 0.1"):
        told(1.0)


def test_a_learned_prompt_takes_its_places_of_the_context_that_is_measured_with(tokenizer):
    """Positions of a learned table end with the context, so that a prompt before a whole window was an IndexError."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 32}
    adapted = apply(
        build(GPT2Config(vocab_size=tokenizer.vocab_size, **sizes), seed=0), PromptConfig(num_virtual_tokens=4)
    )
    long = Domain("long", [], OLD.train[:1] * 3)
    assert told(0.1, method="prompt", num_virtual_tokens=4).places == 4 and told(0.1).places == 0
    assert bits_of(adapted, tokenizer, [long], 4)[0].per_byte > 0
