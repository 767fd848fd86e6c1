"""Equal keys mean an equal result; what cannot change a result is not in the key."""

import pytest

from groundup.errors import InputError
from groundup.runs import keys


def names(recipe):
    return {planned.stage.name: planned.key for planned in keys.plan(recipe)}


def test_the_same_recipe_has_the_same_keys(world, small):
    assert names(small()) == names(small())


def test_the_order_of_tables_and_keys_does_not_matter():
    assert keys.digest({"a": 1, "b": {"c": 2, "d": 3}}) == keys.digest({"b": {"d": 3, "c": 2}, "a": 1})


def test_a_changed_table_changes_its_stage_and_all_that_read_it(world, small):
    before, after = names(small()), names(small(tokenizer={"vocab_size": 301}))
    assert [name for name in before if before[name] != after[name]] == ["tokenizer", "train", "report"]


def test_names_and_descriptions_change_no_key(world, small):
    assert names(small()) == names(small(name="other", description="words"))


def test_the_seed_changes_every_stage_that_draws(world, small):
    before, after = names(small()), names(small(seed=2))
    assert all(before[name] != after[name] for name in before)


def test_threads_change_what_computes_and_not_the_documents(world, small):
    before, after = names(small()), names(small(machine={"threads": 1}))
    assert [name for name in before if before[name] != after[name]] == ["train", "report"]


def test_the_users_text_is_known_by_its_content(world, small, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("one")
    before = names(small(data={"text": str(text)}))
    text.touch()
    assert names(small(data={"text": str(text)})) == before
    text.write_text("two")
    assert names(small(data={"text": str(text)}))["data"] != before["data"]


def test_a_folder_is_known_by_its_names_and_contents(tmp_path):
    (tmp_path / "a").write_text("x")
    before = keys.folder_digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert keys.folder_digest(tmp_path) != before


def test_a_path_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="there is no file or folder .*nowhere; check the path"):
        keys.folder_digest(tmp_path / "nowhere")


def test_a_stage_reads_the_nearest_maker_of_a_role(world, small):
    planned = {one.stage.name: one for one in keys.plan(small())}
    assert planned["train"].reads == {"documents": "data", "tokenizer": "tokenizer"}
    assert planned["train"].folder_name == f"03-train-{planned['train'].key[:8]}"
