import copy
import gzip
from pathlib import Path

import pytest

from groundup import files
from groundup.alignment.preferences.data import (
    Pair,
    bayes_limit,
    drawn,
    encoded,
    read_pairs,
    that_fit,
    to_judged,
    to_pair,
    write_pairs,
)
from groundup.errors import InputError

DATA = Path(__file__).parents[4] / "shared" / "data"
USER = {"role": "user", "content": "Why?"}
GOOD, BAD = {"role": "assistant", "content": "So."}, {"role": "assistant", "content": "No."}
ASKED = ({"role": "user", "content": "Why?"},)


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        {"instruction": "Why?", "chosen": "So.", "rejected": "No."},
        {"messages": [USER], "chosen": "So.", "rejected": "No."},
        {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
        {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"prompt": "Why?", "chosen": [USER, GOOD], "rejected": [USER, BAD]},  # UltraFeedback says the prompt again
        {"chosen": "\n\nHuman: Why?\n\nAssistant: So.", "rejected": "\n\nHuman: Why?\n\nAssistant: No."},
        {"prompt": "\n\nHuman: Why?\n\nAssistant:", "chosen": "So.", "rejected": "No."},
    ],
)
def test_every_shape_is_the_same_pair(record):
    assert to_pair(record) == Pair(ASKED, "So.", "No.")


SYSTEM = {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize(
    "record",
    [
        {"system": "Be brief.", "question": "Why?", "chosen": "So.", "rejected": "No."},  # Intel/orca_dpo_pairs
        {"system": "Be brief.", "messages": [SYSTEM, USER], "chosen": "So.", "rejected": "No."},
        {"system": "Be brief.", "chosen": [USER, GOOD], "rejected": [USER, BAD]},
    ],
)
def test_a_system_message_beside_the_question_stands_before_it(record):
    assert to_pair(record) == Pair((SYSTEM, USER), "So.", "No.")
    assert to_pair(record | {"system": ""}).messages[-1:] == ASKED
    judged = to_judged({"system": "Be brief.", "prompt": "Why?", "completion": "So.", "label": True})
    assert judged.messages == (SYSTEM, USER)


def test_a_developer_speaks_as_in_tuning():
    developer = {"role": "developer", "content": "Be brief."}
    assert to_pair({"messages": [developer, USER], "chosen": "So.", "rejected": "No."}).messages == (developer, USER)


def test_what_both_conversations_share_is_the_prompt_to_the_last_turn_of_the_user():
    begin = "\n\nHuman: One\n\nAssistant: Two\n\nHuman: Three\n\nAssistant: "
    pair = to_pair({"chosen": begin + "four", "rejected": begin + "five"})
    assert [turn["content"] for turn in pair.messages] == ["One", "Two", "Three"]
    assert (pair.chosen, pair.rejected) == ("four", "five")


@pytest.mark.parametrize(
    "record, sentence",
    [
        ({"prompt": "Why?", "chosen": "So."}, "has not both a chosen and a rejected answer; write lines such as"),
        (
            {"prompt": "Why?", "chosen": "So.", "rejected": "So."},
            "the same answer as chosen and as rejected; leave it out",
        ),
        ({"chosen": "So.", "rejected": "No."}, "two answers and no prompt before them; write lines"),
        ({"prompt": "Why?", "chosen": "So.", "rejected": " "}, "has an empty answer"),
        ({"prompt": "Why?", "chosen": 3, "rejected": "No."}, "neither a text nor messages"),
        ("text", "has not both"),
        (
            {"system": 3, "prompt": "Why?", "chosen": "So.", "rejected": "No."},
            "a system message that is no text; write one",
        ),
        (
            {"prompt": "Why?", "chosen": "So.", "rejected": "No.", "margin": "wide"},
            "the margin 'wide', which is no finite",
        ),
        ({"prompt": "Why?", "chosen": "So.", "rejected": "No.", "margin": float("nan")}, "the margin nan, which is no"),
    ],
)
def test_what_prefers_nothing_is_one_sentence(record, sentence):
    with pytest.raises(InputError, match=sentence):
        to_pair(record)


def test_records_that_prefer_nothing_are_counted_or_refused(tmp_path):
    path = tmp_path / "pairs.jsonl"
    same = {"prompt": "Why?", "chosen": "So.", "rejected": "So."}
    files.write_jsonl(path, [{"prompt": "Why?", "chosen": "So.", "rejected": "No."}, same])
    read = read_pairs(path)
    assert (len(read.pairs), read.left_out) == (1, 1) and "record 2" in read.reason
    with pytest.raises(InputError, match="record 2 has the same answer"):
        read_pairs(path, strict=True)
    files.write_jsonl(path, [same])
    with pytest.raises(InputError, match="record 1 has the same answer"):
        read_pairs(path)


def test_a_file_that_is_no_whole_gzip_is_one_sentence(tmp_path):
    (tmp_path / "pairs.jsonl.gz").write_bytes(gzip.compress(b'{"prompt": "Why?", "chosen": "So."}' * 9)[:-9])
    (tmp_path / "plain.jsonl.gz").write_text("{}")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(InputError, match="no whole gzip of JSON lines"):
            read_pairs(path)


def test_what_was_written_is_read_back(tmp_path):
    pairs = [Pair(ASKED, "So.", "No."), Pair(ASKED, "Yes.", "No.", margin=2.0)]
    write_pairs(tmp_path / "pairs.jsonl", pairs)
    assert read_pairs(tmp_path / "pairs.jsonl").pairs == pairs


def test_hh_rlhf_is_read_whole():
    path = DATA / "hh-rlhf" / "harmless-base-test.jsonl.gz"
    if not path.exists():
        pytest.skip("the data set is not here")
    read = read_pairs(path)
    assert (len(read.pairs), read.left_out) == (2308, 4)
    assert all(pair.messages[-1]["role"] == "user" and pair.chosen != pair.rejected for pair in read.pairs)


def test_the_best_possible_judge_orders_the_likelier_way():
    pairs = list(drawn(3, 400))
    limit = bayes_limit(pairs)
    expected = sum(max(pair.probability, 1 - pair.probability) for pair in pairs) / len(pairs)
    assert limit == pytest.approx(expected, abs=0.06)  # 2.5 deviations of 400 draws
    with pytest.raises(InputError, match="draw pairs from tinyworld"):
        bayes_limit([Pair(ASKED, "a", "b")])


def test_an_answers_first_letters_never_merge_with_the_prompts_last(tokenizer):
    """The ids of prompt and answer are those of each alone (huggingface/trl#2209)."""
    pair = encoded(Pair(ASKED, "assistant", "user"), tokenizer)
    assert pair.prompt_ids == tokenizer.apply_chat_template(list(ASKED), add_generation_prompt=True)
    end = tokenizer.special_tokens["<|im_end|>"]
    assert pair.chosen_ids == [*tokenizer.encode("assistant"), end]
    assert pair.rejected_ids == [*tokenizer.encode("user"), end]


def test_an_answer_ends_in_the_first_token_that_closes_it(tokenizer):
    """The smallest id of those that close stood there: after <|im_end|> a template may write the end of the text, which has a smaller one."""
    first, then = tokenizer.special_tokens["<|im_end|>"], min(tokenizer.special_tokens.values())
    assert then < first
    words = copy.copy(tokenizer)
    (name,) = (name for name, token in tokenizer.special_tokens.items() if token == then)
    words.chat_template = tokenizer.chat_template.replace("<|im_end|>", f"<|im_end|>{name}")
    assert words.chat_template != tokenizer.chat_template
    assert encoded(Pair(ASKED, "a", "b"), words).chosen_ids == [*tokenizer.encode("a"), first]


def test_pairs_that_do_not_fit_are_counted(tokenizer):
    short, long = (encoded(Pair(ASKED, answer, "x"), tokenizer) for answer in ("a", "a" * 200))
    assert that_fit([short, long], 100) == ([short], 1)
    with pytest.raises(InputError, match="none of 1 pairs fits into 100 tokens"):
        that_fit([long], 100)
