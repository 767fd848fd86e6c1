"""The handle: text in, text out, the same streamed or whole; and every way it can go wrong says what to do."""

import re
import sys
import types

import pytest
import torch

import groundup
from groundup.errors import ConfigError, FormatError, InputError, MissingExtra, UnsupportedModel
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import Engine, EngineConfig, Request
from groundup.inference.handle import Handle, device_of, end_of_turn, load
from groundup.model.formats.huggingface import save_model
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

TEXT = ["the cat sat on the mat and the dog sat on the log", "a cat has a hat and a dog has a frog 😀"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXT, TokenizerConfig(vocab_size=280))


@pytest.fixture
def folder(tiny, tokenizer, tmp_path):
    """A whole model folder, random weights and a real tokenizer."""
    save_model(tmp_path / "model", tiny(vocab_size=280), tokenizer)
    return tmp_path / "model"


@pytest.fixture
def saying(tokenizer):
    """A handle whose model says given ids, whatever it is asked, and keeps the prompt."""

    def make(ids, generation=None):
        module = types.SimpleNamespace(config=types.SimpleNamespace(max_position_embeddings=64, eos_token_id=None))
        handle, seen = Handle(module, tokenizer, generation=generation), {}

        def steps(module, prompts, sampling, stop_ids=(), **_):
            seen.update(prompt=prompts[0], stop_ids=set(stop_ids), sampling=sampling, said=0)
            for token in ids:
                seen["said"] += 1
                yield types.SimpleNamespace(ids=[token])
                if token in stop_ids:
                    return

        return handle, seen, steps

    return make


def test_groundup_load_gives_a_handle_that_computes_generates_and_chats(folder):
    handle = groundup.load(folder)
    assert handle.folder == folder and handle.config.vocab_size == 280
    assert handle(torch.tensor([[1, 2, 3]])).shape == (1, 3, 280)
    assert isinstance(handle.generate("the cat", max_new_tokens=5), str)
    assert isinstance(handle.chat("the cat", max_new_tokens=5), str)
    assert not handle.module.training


@pytest.mark.parametrize("sampling", [dict(temperature=0), dict(seed=4), dict(seed=4, top_p=0.9, temperature=1.5)])
def test_the_joined_stream_is_the_unstreamed_text_and_a_seed_repeats_it(folder, sampling):
    handle = load(folder)
    whole = handle.generate("the cat", max_new_tokens=30, **sampling)
    assert "".join(handle.generate("the cat", max_new_tokens=30, stream=True, **sampling)) == whole
    assert load(folder).generate("the cat", max_new_tokens=30, **sampling) == whole


def test_streaming_equals_decoding_the_ids_that_the_batch_engine_gives(folder):
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine.batching import generate_batch

    handle = load(folder)
    prompt = [handle.tokenizer.bos_token_id, *handle.tokenizer.encode("the cat")]
    ids = generate_batch(handle.module, [prompt], SamplingConfig(max_new_tokens=40, seed=9), handle.stop_ids())[0].ids
    expected = handle.tokenizer.decode(ids, skip_special_tokens=True)
    assert handle.generate("the cat", max_new_tokens=40, seed=9) == expected


def test_a_text_begins_with_the_beginning_of_text_and_a_conversation_as_its_template_says(
    saying, tokenizer, monkeypatch
):
    handle, seen, steps = saying([])
    monkeypatch.setattr("groundup.inference.handle.steps", steps)
    handle.generate("the cat")
    assert seen["prompt"] == [tokenizer.bos_token_id, *tokenizer.encode("the cat")]
    handle.chat("the cat")
    assert tokenizer.decode(seen["prompt"]) == "<|im_start|>user\nthe cat<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize(
    "marks, config, expected",
    [
        (None, {}, []),  # SmolLM2's: its bos_token opens a turn
        (None, {"add_bos_token": False, "bos_token": None}, []),  # Qwen's
        ("<|im_start|>", {}, [1]),  # Llama's
        ("<|im_start|>", {"add_bos_token": False}, [1]),  # tokenizer.json decides where there is one
    ],
)
def test_a_text_gets_the_marks_that_transformers_gives_it(
    saying, tokenizer, monkeypatch, tmp_path, marks, config, expected
):
    transformers = pytest.importorskip("transformers")
    from groundup import files
    from groundup.text.tokenizers import load_tokenizer
    from groundup.text.tokenizers.post_processors import surrounded

    tokenizer.save(tmp_path)
    raw = files.read_json(tmp_path / "tokenizer.json")
    raw["post_processor"] = surrounded([(marks, 1)]).to_json() if marks else None
    files.write_json(tmp_path / "tokenizer.json", raw)
    roles = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
    files.write_json(
        tmp_path / "tokenizer_config.json", files.read_json(tmp_path / "tokenizer_config.json") | roles | config
    )
    handle, seen, steps = saying([])
    handle.tokenizer = load_tokenizer(tmp_path)
    monkeypatch.setattr("groundup.inference.handle.steps", steps)
    handle.generate("the cat")
    assert seen["prompt"] == expected + tokenizer.encode("the cat")
    assert seen["prompt"] == transformers.AutoTokenizer.from_pretrained(tmp_path)("the cat").input_ids


def test_a_control_token_that_the_user_typed_stays_text(saying, tokenizer, monkeypatch):
    handle, seen, steps = saying([])
    monkeypatch.setattr("groundup.inference.handle.steps", steps)
    handle.chat("hi<|im_end|>")
    assert seen["prompt"].count(tokenizer.special_tokens["<|im_end|>"]) == 1
    handle.generate("hi<|im_end|>")
    assert seen["prompt"].count(tokenizer.special_tokens["<|im_end|>"]) == 0


def test_an_answer_ends_where_the_template_closes_it_and_a_text_at_its_end(saying, tokenizer, monkeypatch):
    assert end_of_turn(tokenizer) == {tokenizer.special_tokens["<|im_end|>"]}
    handle, seen, steps = saying(
        [*tokenizer.encode("a cat"), tokenizer.special_tokens["<|im_end|>"], *tokenizer.encode(" more")]
    )
    monkeypatch.setattr("groundup.inference.handle.steps", steps)
    assert handle.chat("?") == "a cat"
    assert seen["stop_ids"] == {tokenizer.special_tokens["<|im_end|>"], tokenizer.eos_token_id}


def test_a_stop_string_over_several_tokens_ends_the_text_and_the_model_stops_there(saying, tokenizer, monkeypatch):
    ids = [token for letter in "the dog sat" for token in tokenizer.encode(letter)]
    handle, seen, steps = saying(ids)
    monkeypatch.setattr("groundup.inference.handle.steps", steps)
    assert handle.generate("x", stop="dog") == "the "
    assert seen["said"] == len("the dog")


def test_an_emoji_of_four_tokens_is_one_piece(saying, tokenizer, monkeypatch):
    handle, _, steps = saying([tokenizer.vocabulary[bytes([byte])] for byte in "😀🎉".encode()])
    monkeypatch.setattr("groundup.inference.handle.steps", steps)
    assert list(handle.generate("x", stream=True)) == ["😀", "🎉"]


def test_the_folders_generation_config_is_the_default_and_what_is_asked_overrides_it(saying):
    handle, _, _ = saying([], generation={"do_sample": True, "temperature": 0.3, "top_k": 7, "eos_token_id": [4, 5]})
    assert (handle.sampling().temperature, handle.sampling().top_k) == (0.3, 7)
    assert handle.sampling(temperature=0).greedy
    assert handle.stop_ids() >= {4, 5}


def test_who_gives_a_greedy_folder_a_seed_or_a_filter_wants_a_draw(saying):
    handle, _, _ = saying([], generation={"do_sample": False, "temperature": 0.6})
    assert handle.sampling().greedy and handle.sampling(max_new_tokens=3).greedy
    assert handle.sampling(seed=3).temperature == handle.sampling(top_p=0.5).temperature == 0.6
    assert handle.sampling(top_p=0.5, temperature=0).greedy


def test_what_was_set_in_generation_config_travels_with_the_folder(tiny, tokenizer, tmp_path):
    save_model(tmp_path / "m", tiny(vocab_size=280), tokenizer, {"do_sample": False, "max_new_tokens": 3})
    assert load(tmp_path / "m").sampling().greedy and load(tmp_path / "m").sampling().max_new_tokens == 3


def test_a_prompt_longer_than_the_context_is_refused_with_the_number_of_tokens_to_drop(folder):
    with pytest.raises(
        InputError,
        match=r"the prompt has 7\d tokens but the model's context is 64, answer included; shorten it by at least",
    ):
        load(folder).generate("😀" * 18)


def test_ids_that_the_model_does_not_know_are_named(folder):
    for ids in ([5, 280], [-1]):
        with pytest.raises(InputError, match=rf"token {ids[-1]} is not in the vocabulary of 280; encode"):
            load(folder).generate(ids)


def test_an_error_comes_at_the_call_also_when_the_answer_is_streamed(folder):
    with pytest.raises(InputError, match="context"):
        load(folder).chat("😀" * 40, stream=True)


def test_chat_refuses_a_model_without_a_chat_template_and_says_what_to_do(folder):
    handle = load(folder)
    handle.tokenizer.chat_template = None
    with pytest.raises(InputError, match=r"no chat template, .*; use generate, or tune it with `groundup tune`"):
        handle.chat("hi")


def test_an_unknown_sampling_option_is_named(folder):
    with pytest.raises(ConfigError, match=r"top_q is no sampling option; there are .*top_p"):
        load(folder).generate("hi", top_q=0.5)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (dict(top_k="5"), "top_k='5' is not possible; use a whole number"),
        (dict(temperature="hot"), "temperature='hot' is not possible; use a number"),
        (dict(temperature=float("nan")), "temperature=nan is not possible"),
        (dict(seed=1.5), "seed=1.5 is not possible; use a whole number"),
        (dict(max_new_tokens=True), "max_new_tokens=True is not possible"),
        (dict(stop=5), "stop=5 is not possible; use a text"),
        (dict(stop=["a", 5]), "use a text, or a list of texts"),
        (dict(order=7), "order=7 is not possible; use a list of names and functions"),
        (dict(beams="3"), "beams='3' keeps nothing"),
        (dict(regex=5), "regex=5 is no text"),
    ],
    ids=str,
)
def test_an_option_of_a_wrong_kind_is_a_sentence(folder, asked, words):
    with pytest.raises(ConfigError if "regex" not in asked else InputError, match=re.escape(words)):
        load(folder, device="cpu").generate("the", **asked)


@pytest.mark.parametrize("prompt", [5, None, ["the"], [1.5], {"a": 1}])
def test_a_prompt_of_a_wrong_kind_is_a_sentence(folder, prompt):
    model = load(folder, device="cpu")
    with pytest.raises(InputError, match="a prompt is a text, or a list of token ids"):
        model.generate(prompt)
    with pytest.raises(InputError, match="a conversation is a list of messages"):
        model.chat(prompt)


def test_without_its_tokenizer_a_model_computes_but_does_not_read(folder):
    handle = load(folder, tokenizer=False)
    assert handle(torch.tensor([[1]])).shape == (1, 1, 280)
    with pytest.raises(InputError, match="load it with tokenizer=True"):
        handle.generate("hi")


def test_a_folder_without_tokenizer_is_refused_with_the_way_out(folder):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(FormatError, match=r"has no tokenizer.json; "):
        load(folder)


def test_a_tokenizer_of_another_model_is_refused(tiny, tokenizer, tmp_path):
    save_model(tmp_path / "m", tiny(vocab_size=100), tokenizer)
    with pytest.raises(UnsupportedModel, match=r"tokenizer.json has 280 tokens but the model only 100; copy both"):
        load(tmp_path / "m")


def test_devices_are_found_or_refused():
    assert device_of("cpu") == torch.device("cpu")
    assert device_of("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(ConfigError, match="device 'abacus' is not available here; use auto"):
        device_of("abacus")


def test_a_name_of_the_form_owner_slash_model_is_asked_of_the_hub(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    asked = []
    hub = types.ModuleType("huggingface_hub")
    hub.snapshot_download = lambda name, allow_patterns: (asked.append(name), str(folder))[1]
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert load("someone/tiny").folder == folder and asked == ["someone/tiny"]


def test_a_hub_that_cannot_be_reached_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    hub = types.ModuleType("huggingface_hub")

    def unreachable(name, allow_patterns):
        raise OSError("no route\nto host")

    hub.snapshot_download = unreachable
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    with pytest.raises(
        InputError, match=r"no folder someone/tiny, and the hub .*\(no route\); check the path or the network"
    ):
        load("someone/tiny")


def test_without_the_hubs_package_the_pip_line_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match=r"pip install 'groundup\[hub\]'"):
        load("someone/tiny")


def test_a_mistyped_path_is_not_asked_of_the_hub(tmp_path):
    with pytest.raises(InputError, match="there is no model folder"):
        load(tmp_path / "modle")


@pytest.mark.parametrize(
    "family, head, words",
    [
        ("bert", "masked_language_model", "BertForMaskedLM, which writes no text: it scores every token of its"),
        ("bert", "none", "BertModel, which writes no text: it gives every token its hidden state"),
        ("llama", "reward", "LlamaForSequenceClassification, which writes no text: it gives a text one number"),
        ("llama", "tagging", "LlamaForTokenClassification, which writes no text: it scores the labels of every token"),
    ],
)
def test_a_model_that_does_not_write_says_what_it_does_instead(tokenizer, tmp_path, family, head, words):
    from groundup.model.architectures import FAMILIES, build

    sizes = dict(vocab_size=280, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2)
    save_model(tmp_path / "m", build(FAMILIES[family][0](**sizes, head=head), seed=0), tokenizer)
    handle = load(tmp_path / "m")
    for ask in (handle.generate, handle.chat):
        with pytest.raises(UnsupportedModel, match=words) as error:
            ask("the cat")
        assert "; call it with token ids for that, or load a language model" in str(error.value)
    assert handle(torch.tensor([[5, 6, 7]])).isfinite().all()


# ───────── encoder-decoders ─────────


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    """A tiny random T5 of transformers' with a tokenizer of T5's kind; theirs, and the folder."""
    transformers, tokenizers = pytest.importorskip("transformers"), pytest.importorskip("tokenizers")
    from tokenizers import decoders, models, pre_tokenizers, processors

    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["\u2581", *(f"\u2581{letter}" for letter in letters), *letters, *(a + b for a in "aeiou" for b in "nrst")]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((word, -3.0 - len(word)) for word in words)]
    made = tokenizers.Tokenizer(models.Unigram(pieces, unk_id=2))
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    words = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    config = transformers.T5Config(
        vocab_size=len(made.get_vocab()),
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
    )
    torch.manual_seed(0)
    model = transformers.T5ForConditionalGeneration(config).eval()
    # A tied head would answer with padding alone.
    model.lm_head.weight = torch.nn.Parameter(torch.randn(config.vocab_size, 32))
    for parameter in model.parameters():
        parameter.data.add_(0.3 * torch.randn(parameter.shape))
    folder = tmp_path_factory.mktemp("t5")
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return model, words, folder


@torch.no_grad()
@pytest.mark.parametrize("text", ["translate this", "a", "the sentence is a little longer than the answer will be"])
def test_a_t5_answers_as_transformers_greedy_does(t5, text):
    model, words, folder = t5
    ids = words(text, return_tensors="pt").input_ids
    expected = words.decode(model.generate(ids, max_new_tokens=12, do_sample=False)[0], skip_special_tokens=True)
    handle = load(folder, device="cpu")
    assert handle.generate(text, max_new_tokens=12, temperature=0.0) == expected != ""
    assert "".join(handle.generate(text, max_new_tokens=12, temperature=0.0, stream=True)) == expected
    assert handle.generate(ids[0].tolist(), max_new_tokens=12, temperature=0.0) == expected
    assert torch.equal(handle(ids, ids), handle.module(ids, ids))


def test_an_answer_of_a_t5_ends_where_the_pages_do(t5):
    """It used to be pushed out by itself, and could never come back: steps without end."""
    engine = Engine(load(t5[2], device="cpu"), EngineConfig(pages=1, page_size=4))
    engine.add(Request(prompt_ids=[5, 6, 1], sampling=SamplingConfig(max_new_tokens=9, temperature=0.0)))
    events = [event for _ in range(12) for event in engine.step()]
    assert events[-1].finish_reason == "length" and events[-1].usage.completion == 3


def test_a_t5_cannot_answer_nothing(t5):
    with pytest.raises(InputError, match="nothing to answer; type at least one character"):
        load(t5[2], device="cpu").generate([], temperature=0.0)


@pytest.mark.parametrize("asked", [dict(), dict(temperature=0.0), dict(top_p=0.3, seed=5)], ids=str)
def test_a_text_matches_the_regular_expression_that_was_asked_for(folder, asked):
    handle = groundup.load(folder)
    text = handle.generate("ab", regex="[a-c]{2,4}-x?", max_new_tokens=30, **asked)
    assert re.fullmatch("[a-c]{2,4}-x?", text)
    with pytest.raises(InputError, match=r"character 2: a \( is not closed"):
        handle.generate("ab", regex="(", max_new_tokens=3)


@pytest.mark.parametrize("order", ["top_k", lambda logits, ids: logits], ids=["a name", "a function"])
def test_a_regular_expression_goes_with_an_order_of_one_step(folder, order):
    text = groundup.load(folder).generate("ab", regex="[a-c]{2,4}-x?", max_new_tokens=30, order=order)
    assert re.fullmatch("[a-c]{2,4}-x?", text)


@pytest.mark.parametrize("regex", ["[a-z]{2,4}", " [a-z]{2}"])
def test_a_t5_may_begin_with_the_blank_of_its_first_word_under_a_regular_expression(t5, regex):
    handle, begun = load(t5[2], device="cpu"), set()
    words = [id for id in range(len(handle.tokenizer)) if handle.tokenizer.token_bytes(id).startswith(b" ")]

    def with_a_blank(logits, ids):
        begun.add(bool(torch.isfinite(logits[:, words]).any()))
        return logits

    for seed in range(4):
        assert re.fullmatch(regex, handle.generate("ab", regex=regex, max_new_tokens=12, seed=seed, order=with_a_blank))
    assert True in begun


def test_a_compiled_handle_writes_what_the_engine_writes_and_a_left_stream_leaves_nothing_behind(tiny, tokenizer):
    from groundup.inference.engine import Engine, EngineConfig, Request

    handle, asked = (
        Handle(tiny(vocab_size=280, head_dim=16).bfloat16(), tokenizer),
        dict(max_new_tokens=8, temperature=0.0),
    )
    assert not handle.compile() and handle.compile(least=0)
    text = handle.generate("the cat", **asked)
    engine = Engine(handle, EngineConfig(max_rows=1, compiled="bf16"))
    ids = engine.write(Request(prompt_ids=tokenizer.encode_prompt("the cat"), sampling=handle.sampling(**asked)))
    assert text == tokenizer.decode(list(ids))
    stream = handle.generate("the cat", stream=True, **asked)
    next(stream)
    stream.close()
    assert not handle._one_text.has_work and handle.generate("the cat", **asked) == text
