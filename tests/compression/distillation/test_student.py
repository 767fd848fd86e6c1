"""What a student is given to read: the very tokens of the texts, and of the teacher's."""

import pytest
import torch
from tests.compression.distillation.test_distillation import student
from tests.compression.quantization.test_ptq import qwen
from tests.compression.test_calibration import TEXTS

from groundup.compression.compress import Piece, closed
from groundup.compression.distillation.config import DistillConfig
from groundup.compression.distillation.student import ANSWER, PROMPT, teach
from groundup.data.pipeline import streaming
from groundup.errors import InputError


@pytest.fixture
def read(monkeypatch):
    """The documents that a student is taught, in place of the training."""

    loader = streaming.Loader

    def run(texts, stop_ids=(), **told):
        found = []

        def spied(shards, *sizes):
            found.extend(shards.document(number).tolist() for number in range(shards.num_documents))
            assert shards.start_id is None, "nothing stands before a text that the text does not have"
            return loader(shards, *sizes)

        monkeypatch.setattr(streaming, "Loader", spied)
        monkeypatch.setattr("groundup.training.loop.trainer.train", lambda *given, **named: None)
        teach(qwen(), student(), texts, DistillConfig(student="s", **told), 16, stop_ids)
        return found

    return run


@pytest.mark.parametrize("way", ["logits", "features"])
def test_a_text_is_learned_by_its_own_ids_with_nothing_behind_a_cut(read, way):
    """Texts were written out and tokenized anew: a control token became the letters of its name, and each piece got an end."""
    texts = [[3, 49, 0, 7] * 5, [1, 2, 3]]
    assert read(texts, way=way) == texts


def test_a_text_of_the_teacher_has_the_token_that_ends_it_only_where_it_came(read):
    whole = read(TEXTS, way="sequences", prompts=3)
    most = min(ANSWER, 64 - PROMPT)
    assert [len(text) for text in whole] == [PROMPT + most] * 3 and [text[:PROMPT] for text in whole] == [
        text[:PROMPT] for text in TEXTS[:3]
    ]
    stop = whole[0][PROMPT + 20]
    stopped = read(TEXTS, {stop}, way="sequences", prompts=3)
    for text, other in zip(stopped, whole, strict=True):
        ends = [place for place in range(PROMPT, len(other)) if other[place] == stop]
        assert text == (other[: ends[0] + 1] if ends else other)


def test_the_end_token_stands_behind_what_ends_and_behind_nothing_else():
    cut, last = Piece([1, 2]), Piece([3, 4])
    last.ends = True
    assert closed([cut, last], 9) == [[1, 2], [3, 4, 9]] and closed([cut, last], None) == [[1, 2], [3, 4]]


def test_too_little_text_is_said(read):
    for texts in ([], [[1, 2, 3]]):
        with pytest.raises(
            InputError, match="tokens, too few for a row of 16; give more with --text or a smaller --seq-len"
        ):
            read(texts)


def test_a_student_learns_from_ids_that_its_tokenizer_does_not_know():
    """A vocabulary may be wider than its tokenizer."""
    module = student()
    before = module.embedding.weight.detach().clone()
    teach(qwen(), module, TEXTS, DistillConfig(student="s", steps=2, batch_size=2), 16)
    assert not torch.equal(before, module.embedding.weight)
