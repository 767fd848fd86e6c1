"""`groundup tune --task`, `--data`, `--freeze`, as a user types them."""

import json

import pytest

from groundup import cli, files

SIZES = [part for key in ("steps=2", "batch_size=2", "seq_len=32") for part in ("--set", f"tune.{key}")]


@pytest.fixture
def said(tmp_path):
    files.write_jsonl(tmp_path / "said.jsonl", [{"prompt": f"{n}?", "answer": "ab"[n % 2]} for n in range(20)])
    return tmp_path / "said.jsonl"


def tune(model, out, *more):
    return cli.main(
        [
            "tune",
            str(model),
            *map(str, more),
            *SIZES,
            "--threads",
            "1",
            "--dtype",
            "float32",
            "--out",
            str(out),
            "--json",
        ]
    )


def numbers(capsys):
    return json.loads(capsys.readouterr().out)["numbers"]


@pytest.mark.slow
def test_reviews_are_learned_and_the_kept_ones_measured(model_folder, tmp_path, capsys):
    rows = "".join(f"the film is {'good' if n % 2 else 'bad'},{'like' if n % 2 else 'dislike'}\n" for n in range(40))
    (tmp_path / "reviews.csv").write_text("text,label\n" + rows)
    assert tune(model_folder, tmp_path / "c", "--task", "classify", "--data", tmp_path / "reviews.csv") == 0
    found = numbers(capsys)
    assert found["rows"] == 36 and found["heldout"] == 4 and found["labels"] == 2 and 0 <= found["accuracy_value"] <= 1
    config = files.read_json(tmp_path / "c" / "model" / "config.json")
    assert config["architectures"][0].endswith("ForSequenceClassification") and set(config["id2label"].values()) == {
        "like",
        "dislike",
    }


@pytest.mark.slow
def test_kept_conversations_are_asked_before_and_after(model_folder, said, tmp_path, capsys):
    more = ["--data", said, "--set", "tune.heldout=5", "--freeze", "model.embed_tokens", "--unfreeze-every", "1"]
    assert tune(model_folder, tmp_path / "t", *more) == 0
    found = numbers(capsys)
    assert found["conversations"] == 15 and found["asked"] == 5
    assert found["exact_gain_low"] <= found["exact_gain"] == pytest.approx(found["exact_after"] - found["exact_before"])


@pytest.mark.slow
def test_new_text_is_learned_and_the_old_is_measured(model_folder, tmp_path, capsys):
    (tmp_path / "law.txt").write_text(
        "\n\n".join(f"Section {n}. Whoever does {n} shall pay {n} coins." for n in range(300))
    )
    more = ["--task", "domain", "--data", tmp_path / "law.txt", "--set", "tune.old_data=tinyworld"]
    assert tune(model_folder, tmp_path / "d", *more) == 0
    found = numbers(capsys)
    assert found["new_domain"] == "law.txt" and found["old_domain"] == "tinyworld"
    assert found["new_after"] - found["new_before"] == pytest.approx(found["new_change"], abs=1e-6)
    assert (tmp_path / "d" / "model" / "config.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["prompt", "lora"])
def test_of_a_domain_too_an_adapter_is_kept_as_it_is(model_folder, tmp_path, capsys, method):
    """Prompts were trained to the end and then refused, and a LoRA was merged without being asked."""
    (tmp_path / "law.txt").write_text(
        "\n\n".join(f"Section {n}. Whoever does {n} shall pay {n} coins." for n in range(300))
    )
    more = ["--task", "domain", "--data", tmp_path / "law.txt", "--set", "tune.old_data=tinyworld", "--method", method]
    assert tune(model_folder, tmp_path / "d", *more) == 0
    found, made = numbers(capsys), tmp_path / "d" / "model"
    assert (made / "adapter_config.json").is_file() and not (made / "config.json").exists()
    assert found["method"] == method and found["adapter_bytes"] > 0 and "new_change" in found


@pytest.mark.slow
def test_kept_rows_that_cannot_be_scored_are_said_before_the_training(model_folder, tmp_path, capsys):
    rows = "".join(f"the film is {'good' if n % 2 else 'bad'},{'like' if n % 2 else 'dislike'}\n" for n in range(20))
    (tmp_path / "reviews.csv").write_text("text,label\n" + rows + "a film,mixed\n")
    more = ["--task", "classify", "--data", tmp_path / "reviews.csv", "--set", "tune.heldout=3"]
    assert tune(model_folder, tmp_path / "c", *more) == 2
    assert "held-out rows have the labels mixed, and no row to learn from has them" in capsys.readouterr().err
    assert not list((tmp_path / "c").rglob("metrics.jsonl"))


@pytest.mark.parametrize(
    "more, wrong",
    [
        (["--task", "classify"], "learns from the user's own file; name it with --data"),
        (
            ["--task", "tag", "--data", "x.conll", "--method", "lora"],
            "puts a new head on the model, which has to learn too",
        ),
        (["--method", "lora", "--freeze", "model.norm"], "freezes the whole model already"),
        (["--set", "tune.replay=1.5"], "replay=1.5 must be at least 0 and below 1"),
        (["--set", "tune.heldout=-1"], "heldout=-1 is below 0"),
        (["--data", "not-there.jsonl"], "there is no file or folder not-there.jsonl"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_nothing_is_made(model_folder, tmp_path, capsys, more, wrong):
    assert tune(model_folder, tmp_path / "t", *more) == 2
    assert wrong in capsys.readouterr().err and not (tmp_path / "t").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "more, wrong",
    [
        (["--set", "tune.heldout=20"], "heldout=20 of 20 conversations leaves none to learn from"),
        (["--freeze", "model.layer.0"], "no weight is called 'model.layer.0'"),
        (["--method", "lora", "--set", "tune.r=5000"], "r=5000"),
        (["--set", "tune.seq_len=4"], "is cut before its answer begins; use --set tune.seq_len"),
    ],
)
def test_what_only_the_data_or_the_model_tell_is_one_sentence_too(model_folder, said, tmp_path, capsys, more, wrong):
    assert (
        cli.main(
            [
                "tune",
                str(model_folder),
                "--data",
                str(said),
                *SIZES,
                "--threads",
                "1",
                "--dtype",
                "float32",
                "--out",
                str(tmp_path / "t"),
                *more,
            ]
        )
        == 2
    )
    assert wrong in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "record, wrong",
    [
        ({"messages": [{"content": "no role"}]}, "without role and content"),
        ({"prompt": "a", "answer": ""}, "has an empty answer"),
        (
            {"messages": [{"role": "system", "content": "a"}] * 2 + [{"role": "assistant", "content": "b"}]},
            "has two system messages",
        ),
    ],
)
def test_a_bad_record_is_named_by_its_number(model_folder, tmp_path, capsys, record, wrong):
    files.write_jsonl(tmp_path / "bad.jsonl", [{"prompt": "a?", "answer": "b"}, record])
    assert tune(model_folder, tmp_path / "t", "--data", tmp_path / "bad.jsonl") == 2
    error = capsys.readouterr().err
    assert "record 2" in error and wrong in error and "Traceback" not in error


@pytest.mark.slow
def test_an_encoder_decoder_learns_answers(model_folder, said, tmp_path, capsys):
    from groundup.model.architectures import build
    from groundup.model.architectures.t5 import T5Config
    from groundup.model.formats.huggingface import save_model
    from groundup.text.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(model_folder)
    sizes = {
        "hidden_size": 16,
        "head_dim": 8,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id or 0}
    save_model(tmp_path / "t5", build(T5Config(vocab_size=tokenizer.vocab_size, **sizes, **ends), seed=0), tokenizer)
    assert tune(tmp_path / "t5", tmp_path / "t", "--data", said, "--set", "tune.heldout=5") == 0
    found = numbers(capsys)
    assert found["answers"] == 15 and found["heldout_answers"] == 5, "rows were kept back and never looked at"
    assert found["heldout_loss_before"] != found["heldout_loss_after"]
    assert files.read_json(tmp_path / "t" / "model" / "config.json")["architectures"] == ["T5ForConditionalGeneration"]
    assert tune(tmp_path / "t5", tmp_path / "u", "--data", said, "--method", "lora") == 2
    assert "is for decoders, and this model is an encoder-decoder" in capsys.readouterr().err
