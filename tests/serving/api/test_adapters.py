"""Adapters as models of a server: listed, named in a request, loaded and unloaded while it answers; each answer is the merged model's."""

import asyncio
import copy
from pathlib import Path

import pytest
import torch

from groundup.cli.serve import adapters_of
from groundup.errors import ConfigError, InputError
from groundup.inference.engine import EngineConfig
from groundup.inference.handle import Handle
from groundup.model.formats import shards
from groundup.serving.api.app import make_app
from groundup.serving.api.models import Models
from groundup.serving.api.service import Service
from groundup.tuning.efficient.config import LoraConfig, PromptConfig
from groundup.tuning.efficient.many import Adapted, add, merge
from groundup.tuning.efficient.peft_files import load_adapter, save_adapter

ASKED = {"prompt": "the cat sat on", "max_tokens": 12, "temperature": 0}


@pytest.fixture
def fresh(handle):
    """A handle whose module no other test has."""
    return lambda: Handle(copy.deepcopy(handle.module), handle.tokenizer)


@pytest.fixture
def folder(tmp_path, fresh):
    """Make the folder of an adapter with numbers of its own."""

    def make(name, seed, config=None):
        adapted = Adapted(fresh().module)
        add(adapted, "default", config or LoraConfig(r=2))
        draw = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in adapted.adapters["default"].parameters():
                parameter.add_(torch.randn(parameter.shape, generator=draw) * 0.4)
        save_adapter(tmp_path / name, adapted)
        return tmp_path / name

    return make


@pytest.fixture
def serving(fresh, Client):
    """Make a client of a server with adapters."""
    clients = []

    def make(adapters, loading=False, **more):
        models = Models({"tiny": "tiny"}, loader=lambda _: fresh(), config=EngineConfig(max_rows=4, compiled=None), adapters={"tiny": adapters})
        client = Client(make_app(Service(models, adapter_loading=loading)))
        client.models = models
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.run(client.models.close())
        client.close()


def text(told):
    return told["choices"][0]["text"]


def merged_text(fresh, folder):
    one = fresh()
    one.module = merge(load_adapter(folder, one.module))
    return one.generate(ASKED["prompt"], max_new_tokens=12, temperature=0.0)


def test_adapters_are_models_and_each_answers_as_its_merged_model_does_beside_the_others(serving, folder, fresh):
    folders = {"poet": folder("poet", 1), "cook.v2": folder("cook", 2)}
    client = serving(folders)
    assert [(one["id"], one.get("parent")) for one in client.get("/v1/models").json()["data"]] == [
        ("tiny", None),
        ("poet", "tiny"),
        ("cook.v2", "tiny"),
    ]
    assert client.get("/v1/models/poet").json()["parent"] == "tiny"
    names = ["tiny", "poet", "cook.v2", "tiny:poet", "tiny", "poet"]

    async def all_at_once():
        return await asyncio.gather(*(client.http.post("/v1/completions", json=ASKED | {"model": name}) for name in names))

    told = [response.json() for response in client.run(all_at_once())]
    expected = {name: merged_text(fresh, one) for name, one in folders.items()}
    expected |= {"tiny": fresh().generate(ASKED["prompt"], max_new_tokens=12, temperature=0.0)}
    assert [text(one) for one in told] == [expected[name.removeprefix("tiny:")] for name in names]
    assert len(set(expected.values())) == 3
    assert [one["model"] for one in told] == ["tiny", "poet", "cook.v2", "poet", "tiny", "poet"]


def test_a_conversation_is_answered_under_its_adapter(serving, folder):
    client = serving({"poet": folder("poet", 1)})
    asked = {"messages": [{"role": "user", "content": "a cat"}], "max_tokens": 10, "temperature": 0}
    answers = [client.ok("/v1/chat/completions", asked | {"model": name}) for name in ("tiny", "poet")]
    said = [one["choices"][0]["message"]["content"] for one in answers]
    assert said[0] != said[1] and [one["model"] for one in answers] == ["tiny", "poet"]
    streamed = client.chunks("/v1/chat/completions", asked | {"model": "poet"})
    assert "".join(one["choices"][0]["delta"].get("content") or "" for one in streamed) == said[1]


def test_what_is_not_there_is_refused_with_the_names(serving, folder):
    client = serving({"poet": folder("poet", 1)})
    error = client.refused("/v1/completions", ASKED | {"model": "pote"}, 404)
    assert "does not exist; this server has tiny, poet" in error["message"]
    error = client.refused("/v1/completions", ASKED | {"model": "tiny:pote"}, 404)
    assert "has no adapter 'pote'; it has poet" in error["message"]
    assert "ask 'tiny' for vectors" in client.refused("/v1/embeddings", {"input": "a", "model": "poet"})["message"]


def test_adapters_come_and_go_while_the_server_answers(serving, folder, fresh):
    first, second = folder("one", 1), folder("two", 2)
    client = serving({}, loading=True)
    load, unload = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"
    base = text(client.ok("/v1/completions", ASKED))
    for one in (first, second):  # under the same name: nothing that was kept of the first is found
        client.ok(load, {"lora_name": "poet", "lora_path": str(one)})
        assert text(client.ok("/v1/completions", ASKED | {"model": "poet"})) == merged_text(fresh, one) != base
        assert "is taken" in client.refused(load, {"lora_name": "poet", "lora_path": str(one)})["message"]
        client.ok(unload, {"lora_name": "poet"})
        client.refused("/v1/completions", ASKED | {"model": "poet"}, 404)
    assert text(client.ok("/v1/completions", ASKED)) == base
    assert "no folder" in client.refused(load, {"lora_name": "poet", "lora_path": "/nowhere"})["message"]
    assert "is a model and no adapter" in client.refused(unload, {"lora_name": "tiny"})["message"]


def test_an_adapter_for_another_base_or_of_no_matrices_is_a_sentence_and_the_server_goes_on(serving, folder, fresh, tmp_path):
    client = serving({}, loading=True)
    soft = folder("soft", 1, PromptConfig())
    error = client.refused("/v1/load_lora_adapter", {"lora_name": "soft", "lora_path": str(soft)})
    assert "no change of matrices" in error["message"]
    wide = folder("wide", 1)
    tensors = {name: one.clone() for name, one in shards.read_file(wide / "adapter_model.safetensors").items()}
    key = next(name for name in tensors if "q_proj.lora_A" in name)
    tensors[key] = torch.zeros(2, 99)
    shards.write_file(wide / "adapter_model.safetensors", tensors)
    error = client.refused("/v1/load_lora_adapter", {"lora_name": "wide", "lora_path": str(wide)})
    assert "another base" in error["message"] and "(2, 99)" in error["message"] and "(32, 32)" in error["message"]
    client.refused("/v1/completions", ASKED | {"model": "wide"}, 404)
    assert text(client.ok("/v1/completions", ASKED))


def test_whoever_asks_may_not_name_folders_unless_he_was_allowed_to(serving, folder):
    client = serving({})
    body = {"lora_name": "poet", "lora_path": str(folder("poet", 1))}
    assert "--adapter-loading" in client.refused("/v1/load_lora_adapter", body, 403)["message"]
    assert "--adapter-loading" in client.refused("/v1/unload_lora_adapter", {"lora_name": "poet"}, 403)["message"]


def test_the_flag_names_an_adapter_and_its_model(tmp_path):
    models = {"demo": Path("d"), "b": Path("e")}
    assert adapters_of((f"poet={tmp_path}", f"b:cook={tmp_path}"), models) == {"demo": {"poet": tmp_path}, "b": {"cook": tmp_path}}
    for word in ("poet", f"demo={tmp_path}", f"c:poet={tmp_path}", f"={tmp_path}"):
        with pytest.raises(ConfigError, match="is not NAME=FOLDER"):
            adapters_of((word,), models)
    with pytest.raises(InputError, match="no folder /nowhere"):
        adapters_of(("poet=/nowhere",), models)
