"""What a server read of prompts is there after its restart: hits, the same answers, no pages of another model, and a kill costs no folder."""

import os
import re
import signal
import subprocess
import sys
import threading
from itertools import count

import pytest
import torch

from groundup import files
from groundup.inference.engine import Engine, EngineConfig, Keeper
from groundup.serving.api.app import make_app
from groundup.serving.api.models import Models
from groundup.serving.api.service import Service
from groundup.serving.limits import Limits, LimitsConfig

httpx = pytest.importorskip("httpx")

PATH = "/v1/completions"
CONFIG = EngineConfig(max_rows=4, compiled=None)
PROMPT = "the cat sat on the mat and the dog sat on the log " * 12
GREEDY = {"prompt": PROMPT, "max_tokens": 8, "temperature": 0, "ignore_eos": True, "logprobs": 0}


@pytest.fixture
def told():
    return []


@pytest.fixture
def serving(handle, Client, told, tmp_path):
    """What a client gets of a server, from its start to its end."""

    def run(work, keep=True, served=None, **sources):
        models = Models(
            sources or {"tiny": "tiny"},
            loader=lambda source: (served or handle) if source == "tiny" else source,
            config=CONFIG,
            keeper=lambda name: Keeper(tmp_path / name, save_every_s=0, say=told.append) if keep else None,
        )
        client = Client(make_app(Service(models, Limits(LimitsConfig()))))
        try:
            return work(client)
        finally:
            client.run(models.close())
            client.close()

    return run


def said(client, **more):
    """The tokens of the answer, and how many of the prompt were known."""
    whole = client.ok(PATH, GREEDY | more)
    return whole["choices"][0]["logprobs"]["tokens"], whole["usage"]["prompt_tokens_details"]["cached_tokens"]


def changed(handle):
    """The same model after one small step of training."""
    from copy import copy, deepcopy

    other = copy(handle)
    other.module = deepcopy(handle.module)
    with torch.no_grad():
        other.module.lm_head.weight.mul_(-1)
    return other


def test_a_new_server_knows_the_prompt_and_says_the_same(serving, told):
    plain, nothing = serving(said, keep=False)
    assert serving(said) == (plain, nothing) and nothing == 0
    answer, cached = serving(said)
    assert answer == plain and cached >= 64
    assert [("saved" in line, "restored" in line) for line in told] == [(True, False), (False, True)]


def test_the_figures_are_in_the_metrics_and_only_where_there_is_a_folder(serving):
    serving(said)
    text = serving(lambda client: (said(client), client.get("/metrics").text)[1])
    (tokens,) = re.findall(r'groundup:prefix_cache_restored_tokens{model_name="tiny"} (\d+)', text)
    (hits,) = re.findall(r'vllm:prefix_cache_hits_total{model_name="tiny"} (\d+)', text)
    assert 64 <= int(hits) <= int(tokens)
    assert 'groundup:prefix_cache_saves_total{model_name="tiny"} 0.0' in text
    assert "groundup:prefix_cache" not in serving(lambda client: (said(client), client.get("/metrics").text)[1], keep=False)


def test_the_folder_of_another_model_is_refused_and_the_server_answers(serving, handle, told):
    other = changed(handle)
    serving(said)
    told.clear()
    assert serving(said, served=other) == serving(said, keep=False, served=other)
    (line,) = [line for line in told if "begins empty" in line]
    assert line.startswith("prefix cache of tiny: ") and "another model" in line


def test_a_damaged_byte_is_a_sentence_and_the_server_answers(serving, told, tmp_path):
    plain = serving(said)
    pages = tmp_path / "tiny" / "pages.safetensors"
    data = bytearray(pages.read_bytes())
    data[-100] ^= 4
    pages.write_bytes(data)
    told.clear()
    assert serving(said) == plain
    assert "begins empty" in told[0] and "pages.safetensors is damaged" in told[0]
    assert serving(said)[1] >= 64


def test_every_model_has_a_folder_of_its_own(serving, handle, tmp_path):
    other = changed(handle)
    both = lambda client: [said(client, model=name) for name in ("tiny", "b")]  # noqa: E731
    first = serving(both, tiny="tiny", b=other)
    second = serving(both, tiny="tiny", b=other)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["b", "tiny"]
    assert [tokens for tokens, _ in first] == [tokens for tokens, _ in second] and first[0][0] != first[1][0]
    assert all(cached >= 64 for _, cached in second)


def test_a_model_that_made_room_is_saved_and_restored(serving, handle, told):
    def work(client):
        client.app.state.service.models.most_loaded = 1
        return [said(client, model=name) for name in ("tiny", "b", "tiny")]

    first, _, again = serving(work, tiny="tiny", b=changed(handle))
    assert again[0] == first[0] and first[1] == 0 and again[1] >= 64


# A server of a process of its own, which is killed while it saves.


@pytest.fixture(scope="module")
def folder(handle, tmp_path_factory):
    from groundup.model.formats.huggingface import save_model

    path = tmp_path_factory.mktemp("served") / "model"
    save_model(path, handle.module, handle.tokenizer)
    return path


class Process:
    """`groundup serve`, and what it says."""

    def __init__(self, model, *flags):
        command = [sys.executable, "-m", "groundup.cli", "serve", f"tiny={model}", "--port", "0", "--threads", "1", *flags]
        environment = os.environ | {"NUMBA_NUM_THREADS": "1"}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.lines, self.url, up = [], "", threading.Event()

        def read():
            for line in self.process.stderr:
                self.lines.append(line.strip())
                if line.startswith("serving"):
                    self.url = line.split(" at ")[1].split(" ")[0]
                    up.set()
            up.set()

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        up.wait()
        assert self.url, self.lines

    def ask(self, **more):
        whole = httpx.post(f"{self.url}/completions", json=GREEDY | more, timeout=120).json()
        return whole["choices"][0]["logprobs"]["tokens"], whole["usage"]["prompt_tokens_details"]["cached_tokens"]

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()
        self.reader.join()
        return self.process.returncode

    def heard(self, word):
        return [line for line in self.lines if word in line]


@pytest.mark.slow
def test_a_served_folder_is_there_after_sigterm(folder, tmp_path):
    flags = ("--cache-folder", str(tmp_path / "cache"), "--cache-save-every", "0")
    first = Process(folder, *flags)
    plain = first.ask()
    assert first.end() == 0 and first.heard("saved in")
    second = Process(folder, *flags)
    assert second.heard("restored from")
    answer, cached = second.ask()
    assert answer == plain[0] and cached >= 64 and second.end() == 0


def unfinished(cache, part):
    """Whether a save is under way, and has come to this part of it."""
    for entry in os.listdir(cache):
        if entry.startswith(".tmp-") and (not part or os.path.exists(cache / entry / part)):
            return True
    return False


def pages(line):
    """How many a sentence of the keeper's tells."""
    return int(re.findall(r"(\d+) pages", line)[0])


PARTS = ("", "tree.json", "pages.safetensors", "checksums.json")


@pytest.mark.slow
def test_a_kill_while_it_saves_leaves_a_folder_that_the_next_server_starts_from(folder, handle, tmp_path):
    """Twelve kills, each at some part of a save, seen in the folder; some come too late and hit the next save, or the removal of the old folder."""
    cache = tmp_path / "cache"
    flags = ("--cache-folder", str(cache), "--cache-save-every", "0.001")
    server = Process(folder, *flags)
    plain, _ = server.ask()
    while max(map(pages, server.heard("saved in")), default=0) < 2:  # a save in the middle of the answer has fewer
        server.ask()
    interrupted = 0
    for kill in range(12):
        stop, part = threading.Event(), PARTS[kill % len(PARTS)]

        def more(server=server, stop=stop, kill=kill):
            for number in count():
                if stop.is_set():
                    return
                try:  # another text each time, so that there is something to save
                    server.ask(prompt=f"{kill} {number} {PROMPT}", max_tokens=1)
                except httpx.HTTPError:
                    return

        asking = threading.Thread(target=more)
        asking.start()
        while not unfinished(cache, part):
            assert server.process.poll() is None and asking.is_alive()
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        stop.set()
        asking.join()
        interrupted += any(entry.name.startswith(".tmp-") for entry in cache.iterdir())
        files.verify_checksums(cache / "tiny")
        server = Process(folder, *flags)
        (line,) = server.heard("restored from")
        assert pages(line) >= 2 and not server.heard("begins empty")
        answer, cached = server.ask()
        assert answer == plain and cached >= 64
    assert interrupted >= 4, "kills came before a save was done"
    assert server.end() == 0
    engine = Engine(handle, EngineConfig(max_rows=64))
    Keeper(cache / "tiny", say=print).restore(engine)
    assert len(engine.runner.prefixes) > 2
