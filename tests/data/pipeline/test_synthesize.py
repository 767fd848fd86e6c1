"""Synthetic data: the same prompts however many are asked for, a killed run ends with the same bytes, the card says whose texts they are."""

import pyarrow.parquet as pq
import pytest

from groundup import files
from groundup.data.pipeline.steps import Exact, Match
from groundup.data.pipeline.synthesize import SynthesisConfig, prompt, synthesize
from groundup.errors import ConfigError, InputError

CONFIG = SynthesisConfig(
    templates=("Write about {animal}.", "{animal} and {animal} meet {who}."),
    lists={"animal": ["a fox", "a bee"], "who": ["Ann"]},
    prompts=10,
    rollouts=3,
    portion=4,
)


def generate(prompt, seed):
    """A model that counts, repeats itself, and is silent at times."""
    return ["", "same", f"answer {seed}", "SECRET"][seed % 4]


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(folder):
    return [row for path in sorted((folder / "documents").iterdir()) for row in pq.read_table(path).to_pylist()]


def test_a_prompt_is_the_same_whatever_is_asked_for_beside_it():
    more = SynthesisConfig(templates=CONFIG.templates, lists=CONFIG.lists, prompts=99)
    assert [prompt(CONFIG, n) for n in range(10)] == [prompt(more, n) for n in range(10)]
    text, values = prompt(CONFIG, 0)
    assert "{" not in text and set(values) <= {"animal", "who"}
    assert len({prompt(CONFIG, n)[0] for n in range(40)}) == 4  # two animals by two templates


def test_answers_are_counted_filtered_and_told_of(tmp_path):
    report = synthesize(CONFIG, generate, tmp_path / "out", model="counter", steps=(Match(pattern="SECRET"),))
    first, second = report["steps"]
    assert (
        first["seen"] == 30 and first["dropped"] == {"no answer": 8} and second["dropped"] == {"matches the pattern": 7}
    )
    texts = [row["text"] for row in rows(tmp_path / "out")]
    assert len(texts) == report["kept"] == 15 and set(texts) == {
        "same",
        *(f"answer {seed}" for seed in range(2, 30, 4)),
    }
    assert {row["source"] for row in rows(tmp_path / "out")} == {"synthetic"}
    card = (tmp_path / "out" / "README.md").read_text()
    assert (
        "15 of 30 texts that the model `counter` wrote" in card
        and "| match | 22 | 15 | matches the pattern 7 |" in card
    )
    files.verify_checksums(tmp_path / "out")


def test_the_same_answer_again_is_dropped_within_a_prompt_alone(tmp_path):
    report = synthesize(CONFIG, lambda prompt, seed: "same", tmp_path / "out", model="m")
    assert report["steps"][0]["dropped"] == {"the same answer again": 20} and report["kept"] == 10


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path):
    synthesize(CONFIG, generate, tmp_path / "whole", model="m")
    for most in (5, 13, 20):
        asked = []

        def breaking(prompt, seed, asked=asked, most=most):
            asked.append(seed)
            if len(asked) > most:
                raise KeyboardInterrupt
            return generate(prompt, seed)

        with pytest.raises(KeyboardInterrupt):
            synthesize(CONFIG, breaking, tmp_path / "out", model="m")
            raise KeyboardInterrupt  # the last attempt needs no more than it has left
    synthesize(CONFIG, generate, tmp_path / "out", model="m")
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_another_model_is_asked_anew(tmp_path):
    synthesize(CONFIG, generate, tmp_path / "out", model="one")
    report = synthesize(CONFIG, lambda prompt, seed: f"b{seed}", tmp_path / "out", model="two")
    assert report["kept"] == 30 and report["model"] == "two"


def test_a_document_may_begin_with_its_prompt(tmp_path):
    config = SynthesisConfig(templates=("Once ",), prompts=1, rollouts=1, keep_prompt=True)
    synthesize(config, lambda prompt, seed: "upon", tmp_path / "out", model="m")
    assert rows(tmp_path / "out")[0]["text"] == "Once upon"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"templates": ()}, "templates is empty"),
        ({"templates": ("{who}",)}, r"\{who\} in '\{who\}' has no list"),
        ({"templates": ("x",), "rollouts": 0}, "rollouts=0 asks for nothing"),
    ],
)
def test_what_cannot_be_filled_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        SynthesisConfig(**settings)


def test_steps_that_compare_documents_come_afterwards(tmp_path):
    with pytest.raises(ConfigError, match="run it afterwards"):
        synthesize(CONFIG, generate, tmp_path / "out", model="m", steps=(Exact(),))


def test_a_list_that_is_none_and_a_folder_with_something_else_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"lists\.b is no list of words"):
        SynthesisConfig(templates=("a {b}",), lists={"b": 3})
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds something else"):
        synthesize(SynthesisConfig(templates=("a",), prompts=1), generate, tmp_path, model="m")
    assert (tmp_path / "thesis.txt").is_file()
