"""The named steps: each drops and changes what it says, by the name that a recipe uses, with the reason that its room gives."""

import json
from pathlib import Path

import pytest

from groundup.data.documents import Document
from groundup.data.pipeline import domains, steps
from groundup.data.pipeline.etl import Pipeline, run
from groundup.data.pipeline.steps import Dropped
from groundup.errors import ConfigError

PROSE = "The fox went to the river with a bee, and they have seen that the water was high. " * 8


def applied(kind, text, metadata=None, **settings):
    """What a step makes of a text."""
    verdict = steps.find(kind)(**settings).opened()(Document("d", text, "s", metadata or {}))
    return (verdict.reason, verdict.detail) if isinstance(verdict, Dropped) else verdict.text


def test_every_step_describes_itself_and_has_a_name():
    assert {"length", "exact", "match", "remove", "rules", "minhash", "pii", "language", "extract"} <= set(
        steps.known()
    )
    assert all(made.__doc__ and made.kind == kind for kind, made in steps.known().items())


def test_the_guide_lists_every_step_and_every_pipeline():
    guide = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    assert not [kind for kind in steps.known() if f"| `{kind}` |" not in guide]
    assert not [name for name in domains.PIPELINES if f"`{name}`" not in guide]


def test_rules_name_the_one_that_was_broken():
    assert applied("rules", "Buy now! " * 40)[0] == "stop words"
    assert applied("rules", "The cat sat.", bounds={"words": [1, 9]}, name="gopher-quality")[0] == "stop words"
    assert applied("rules", PROSE, name="gopher-quality") == PROSE


def test_people_are_masked_and_lines_that_are_no_sentences_go():
    assert applied("pii", "Write to jo@example.org.") == "Write to <EMAIL>."
    assert applied("c4_lines", "Home | News\nThis line is a whole sentence.") == "This line is a whole sentence."
    assert applied("c4_lines", "Home | News") == ("no line that ends like a sentence", "")


def test_toxic_texts_say_by_what():
    assert applied("toxicity", "fucking assholes everywhere")[0] == "toxic, by rules"


def test_pages_become_text_and_text_stays():
    page = "<html><body><nav><a href=/>Home</a></nav><p>" + PROSE + "</p></body></html>"
    assert applied("extract", page, by="readable").strip() == PROSE.strip()
    assert applied("extract", PROSE, by="readable") == PROSE
    assert applied("extract", "<html><body></body></html>", by="readable") == ("no main text", "")


def test_wrong_encodings_are_repaired_and_addresses_blocked(tmp_path):
    assert applied("mojibake", "cafÃ©") == "café"
    (tmp_path / "list.txt").write_text("example.com/ads\n")
    blocked = applied("blocklist", "x", {"url": "https://example.com/ads/1"}, list=str(tmp_path / "list.txt"))
    assert blocked[0] == "on a block list" and "example.com/ads" in blocked[1]
    assert applied("blocklist", "x", {"url": "https://example.com/"}, list=str(tmp_path / "list.txt")) == "x"


def test_other_languages_go():
    pytest.importorskip("py3langid")
    german = "Der Fuchs ging mit einer Biene an den Fluss, und sie sahen, dass das Wasser hoch stand. " * 3
    assert (
        applied("language", german)[0] == "another language" and applied("language", german, wanted=("de",)) == german
    )


def test_benchmark_text_is_found_with_its_row(tmp_path):
    (tmp_path / "quiz.jsonl").write_text(json.dumps({"question": PROSE[:80]}) + "\n")
    reason, detail = applied("decontaminate", "Before. " + PROSE, benchmarks=str(tmp_path))
    assert reason == "holds benchmark text" and "quiz" in detail


def test_near_duplicates_name_the_one_that_stays(tmp_path):
    words = [f"word{n}" for n in range(60)]
    rows = [" ".join(words), "something else altogether", " ".join([*words, "more"])]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    report = run(Pipeline(steps=(steps.find("minhash")(),)), tmp_path / "in.jsonl", tmp_path / "out")
    assert report["steps"][0]["dropped"] == {"near duplicate of another": 1}
    assert report["steps"][0]["samples"]["near duplicate of another"][0]["detail"] == "first seen in in.jsonl:1"


@pytest.mark.parametrize("name", domains.PIPELINES)
def test_the_pipelines_that_are_there_run(tmp_path, name):
    texts = [PROSE, PROSE + " ", "x", "def fox():\n    return 1\n" * 9]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    report = run(domains.PIPELINES[name], tmp_path / "in.jsonl", tmp_path / "out")
    assert report["steps"][0]["seen"] == 4 and report["kept"]["documents"] <= 3


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("rules", {"name": "goffer"}),
        ("rules", {"bounds": {"words": [1]}}),
        ("minhash", {"threshold": 2.0}),
        ("lenght", {}),
    ],
)
def test_settings_that_cannot_be_are_refused(kind, settings):
    with pytest.raises(ConfigError):
        steps.find(kind)(**settings)
