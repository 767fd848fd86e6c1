"""The translator: torch's modules with its weights, padding, all steps at once and one by one, the folder, and texts turned round."""

import random

import pytest
import torch
from torch import nn

from groundup import files
from groundup.classical.recurrent.seq2seq import Buckets, Seq2SeqConfig, Translator, check, padded, train
from groundup.classical.recurrent.seq2seq_network import Network, Pairs, translation_loss
from groundup.errors import ConfigError, FormatError, InputError
from groundup.inference.decoding.beam import BeamConfig, beam_search

VOCAB, END = 11, 0
FORMS = (
    {},
    {"input_feeding": True},
    {"attention": "bahdanau"},
    {"cell": "lstm"},
    {"cell": "lstm", "attention": "bahdanau"},
)
TINY = {"hidden_size": 6, "embedding_size": 5, "dropout": 0.0, "label_smoothing": 0.0}


def network(**form):
    return Network(Seq2SeqConfig(**TINY, **form), VOCAB).eval()


def batch(*pairs):
    source, source_mask = padded([source for source, _ in pairs], END)
    targets, loss_mask = padded([answer for _, answer in pairs], END)
    begins = torch.full((len(pairs), 1), END)
    return Pairs(source, source_mask, torch.cat((begins, targets[:, :-1]), 1), targets, loss_mask)


SOME = (([3, 4, 5, 6, 0], [7, 8, 0]), ([3, 0], [9, 1, 2, 0]), ([10, 2, 0], [5, 0]))


def theirs(own, source, answer):
    """Luong's network by torch.nn's modules, one text alone: outputs and attention."""
    hidden, width = own.config.hidden_size, own.config.embedding_size
    encoder, decoder = (
        nn.GRU(width, hidden, bidirectional=True, batch_first=True),
        nn.GRU(width, hidden, batch_first=True),
    )
    encoder.load_state_dict(own.encoder.state_dict())
    decoder.load_state_dict(own.decoder.state_dict())
    vectors = own.embedding.weight * width**0.5
    memory, last = encoder(vectors[torch.tensor([source])])
    begin = torch.tanh(own.bridges[0](torch.cat((last[0], last[1]), -1)))
    states, _ = decoder(vectors[torch.tensor([[END, *answer[:-1]]])], begin[None])
    weights = torch.softmax(torch.einsum("bth,hw,bsw->bts", states, own.asks.weight, memory), -1)
    context = torch.einsum("bts,bsw->btw", weights, memory)
    return torch.tanh(torch.cat((context, states), -1) @ own.combine.weight.T), weights


def test_the_network_is_what_torchs_modules_make_of_its_weights():
    own = network()
    outputs, weights = own.forced(batch(*SOME))
    for row, (source, answer) in enumerate(SOME):
        wanted, looked = theirs(own, source, answer)
        assert torch.allclose(outputs[row, : len(answer)], wanted[0], atol=1e-5)
        assert torch.allclose(weights[row, : len(answer), : len(source)], looked[0], atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_of_unequal_texts_gives_what_each_gives_alone(form):
    own = network(**form)
    together = own(batch(*SOME))
    for row, (source, answer) in enumerate(SOME):
        alone = own(batch((source, answer)))[0]
        assert torch.allclose(together[row, : len(answer)], alone, atol=1e-5)
    with torch.no_grad():
        parts = [translation_loss(own, batch(pair)) for pair in SOME]
        whole, count = translation_loss(own, batch(*SOME))
    assert float(whole) == pytest.approx(sum(float(part) for part, _ in parts), rel=1e-5) and count == 9


def test_all_steps_at_once_are_the_steps_one_by_one():
    own, given = network(), batch(*SOME)
    fast = own.forced(given)
    slow = own.forced_reference(own.read(given.source, given.source_mask), own.embedding(given.input_ids))
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(fast, slow, strict=True))
    gradients = []
    for outputs in (fast, slow):
        own.zero_grad()
        outputs[0].square().sum().backward()
        gradients.append({name: one.grad.clone() for name, one in own.named_parameters() if one.grad is not None})
    assert all(torch.allclose(one, gradients[1][name], atol=1e-4) for name, one in gradients[0].items())


@pytest.mark.parametrize("form", FORMS)
def test_the_beams_sums_are_the_log_probabilities_of_the_answers(form):
    own = network(**form)
    source, mask = padded([source for source, _ in SOME], END)
    found = beam_search(own.step, own.read(source, mask), torch.full((3,), END), END, 5, BeamConfig(beams=3))
    for (text, _), answers in zip(SOME, found, strict=True):
        for answer in answers:
            given = batch((text, list(answer.ids)))
            chosen = torch.log_softmax(own(given), -1)[0].gather(1, given.targets[0][:, None])
            assert float(chosen.sum()) == pytest.approx(answer.log_probability, abs=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_a_token_is_scored_without_those_behind_it(form):
    own = network(**form)
    one, other = own(batch(([3, 4, 0], [5, 6, 7, 0]))), own(batch(([3, 4, 0], [5, 6, 9, 0])))
    assert torch.allclose(one[0, :3], other[0, :3]) and not torch.allclose(one[0, 3], other[0, 3])


def test_an_epoch_holds_every_pair_once_and_another_order_each_time():
    lengths = [1 + (7 * number) % 13 for number in range(50)]
    pairs = [([number] * length, [number] * length) for number, length in enumerate(lengths)]
    buckets = Buckets(pairs, 8, seed=1)
    epochs = [[tuple(buckets.numbers(epoch * 7 + step)) for step in range(7)] for epoch in (0, 1)]
    assert all(sorted(number for cut in epoch for number in cut) == list(range(50)) for epoch in epochs)
    assert epochs[0] != epochs[1] and tuple(Buckets(pairs, 8, seed=1).numbers(9)) == epochs[1][2]
    spread = [max(lengths[n] for n in cut) - min(lengths[n] for n in cut) for cut in epochs[0]]
    assert max(spread) <= 4 + 3, "pairs of like length meet"


def turned(count, seed=1, letters="abcdef"):
    """Texts and what they are read backwards."""
    source = random.Random(seed)
    texts = ["".join(source.choices(letters, k=source.randint(2, 5))) for _ in range(count)]
    return [(text, text[::-1]) for text in texts]


FAST = Seq2SeqConfig(
    vocab_size=257, hidden_size=24, embedding_size=16, epochs=2.0, batch_size=16, learning_rate=0.02, dropout=0.1
)


@pytest.fixture(scope="module")
def translator():
    return train(turned(64), FAST)


def test_many_texts_together_are_translated_as_each_alone(translator):
    texts = [text for text, _ in turned(9, seed=5)] + ["", "ä?"]
    for search in (BeamConfig(beams=1), BeamConfig(beams=3)):
        together = translator.translate_batch(texts, search, at_once=4)
        assert together == [translator.translate(text, search) for text in texts]
    assert translator.translate_batch([]) == []


def test_the_folder_gives_the_translator_back_and_one_seed_one_training(translator, tmp_path):
    translator.save(tmp_path / "model")
    other = Translator.load(tmp_path / "model")
    assert other.translate("fade") == translator.translate("fade") and other.config == translator.config
    assert other.align("fade", "edaf") == translator.align("fade", "edaf")
    again = train(turned(64), FAST)
    assert torch.equal(again.network.embedding.weight, translator.network.embedding.weight)
    vocabulary = files.read_json(tmp_path / "model" / "vocab.json")
    for name, damage in (("vocab.json", {}), ("config.json", {"model_type": "recurrent_seq2seq", "cell": "rnn"})):
        files.write_json(tmp_path / "model" / name, damage)
        files.write_checksums(tmp_path / "model")
        with pytest.raises(FormatError, match="train and save it again"):
            Translator.load(tmp_path / "model")
        files.write_json(tmp_path / "model" / "vocab.json", vocabulary)


def test_an_alignment_has_a_row_a_token_of_the_answer(translator):
    seen = translator.align("abc", "cb")
    assert seen.source == ("a", "b", "c", "⏎") and seen.answer == ("c", "b", "⏎")
    assert [sum(row) for row in seen.weights] == pytest.approx([1.0] * 3) and len(seen.weights[0]) == 4
    assert translator.loss(turned(20, seed=9)) == pytest.approx(
        translator.loss(turned(20, seed=9), at_once=3), rel=1e-5
    )


def test_bad_input(translator):
    with pytest.raises(InputError, match="no pair of texts"):
        train([])
    with pytest.raises(InputError, match="pair 1 is .*leave pairs with an empty one out"):
        check([("a", "b"), ("a", "")])
    with pytest.raises(InputError, match="pair 0 has 7 tokens, and max_length=5"):
        train([("abcdef", "x")], Seq2SeqConfig(vocab_size=257, max_length=5))
    with pytest.raises(InputError, match="put it into a list"):
        translator.translate_batch("abc")
    with pytest.raises(ConfigError, match="use gru or lstm"):
        Seq2SeqConfig(cell="rnn")
    with pytest.raises(ConfigError, match="leave it out"):
        Seq2SeqConfig(attention="bahdanau", input_feeding=True)
    with pytest.raises(ConfigError, match="hidden_size=0"):
        Seq2SeqConfig(hidden_size=0)
    with pytest.raises(ConfigError, match="epochs=0.0"):
        Seq2SeqConfig(epochs=0.0)
    with pytest.raises(ConfigError, match="is no share"):
        Seq2SeqConfig(dropout=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("form", [{}, {"input_feeding": True}, {"attention": "bahdanau", "cell": "lstm"}])
def test_texts_are_turned_round_after_training_and_attention_runs_backwards(form):
    told = Seq2SeqConfig(
        vocab_size=257,
        hidden_size=48,
        embedding_size=32,
        epochs=25.0,
        batch_size=32,
        learning_rate=0.01,
        dropout=0.0,
        **form,
    )
    translator, test = train(turned(600), told), turned(100, seed=2)
    found = translator.translate_batch([text for text, _ in test])
    right = sum(one == answer for one, (_, answer) in zip(found, test, strict=True))
    assert right >= 95, f"{right} of 100"
