"""The stage of a constitution: what its configuration says holds in every phase."""

from types import SimpleNamespace

from groundup import files
from groundup.alignment.constitutional.config import ConstitutionalConfig
from groundup.runs.stages import constitution


def test_what_was_revised_is_learned_in_steps_of_the_batch_size(monkeypatch, tmp_path):
    """Whatever batch_size said, a step had 16 conversations."""
    heard = []
    monkeypatch.setattr(
        constitution, "shown", lambda context, handle, talks, rate, name, rows: heard.append((name, rows))
    )
    files.write_jsonl(tmp_path / constitution.REVISED, [{"question": "2?", "revision": "a", "critic_is_right": True}])
    context = SimpleNamespace(config=ConstitutionalConfig(batch_size=3), folder=tmp_path)
    assert constitution.learn_revisions(context, None, None) == 1
    assert heard == [("revisions", 3)]
