"""A real server in a process of its own, asked by the clients that others wrote. One process for the whole file."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")

pytestmark = pytest.mark.slow


def start(folder, *flags):
    """A server process, and where it listens."""
    command = [sys.executable, "-m", "groundup.cli", "serve", f"tiny={folder}", "--port", "0", "--threads", "1", *flags]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"NUMBA_NUM_THREADS": "1"},
    )
    for line in process.stderr:
        if line.startswith("serving"):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return process, line.split(" at ")[1].split(" ")[0]
    raise AssertionError("the server did not start")


@pytest.fixture(scope="module")
def folder(handle, tmp_path_factory):
    from groundup.model.formats.huggingface import save_model

    path = tmp_path_factory.mktemp("served") / "model"
    save_model(path, handle.module, handle.tokenizer)
    return path


@pytest.fixture(scope="module")
def url(folder):
    process, url = start(folder)
    yield url
    process.terminate()
    assert process.wait(60) == 0


MESSAGES = [{"role": "user", "content": "the cat"}]


def test_openais_client_completes_streams_embeds_and_lists(url):
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    assert [model.id for model in client.models.list()] == ["tiny"]
    whole = client.chat.completions.create(
        model="tiny", messages=MESSAGES, max_tokens=8, seed=1, logprobs=True, top_logprobs=2
    )
    assert whole.choices[0].logprobs.content[0].top_logprobs[0].bytes is not None
    stream = client.chat.completions.create(
        model="tiny", messages=MESSAGES, max_tokens=8, seed=1, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert (
        "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        == whole.choices[0].message.content
    )
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert (
        client.completions.create(model="tiny", prompt="the", max_tokens=2, echo=True, logprobs=1)
        .choices[0]
        .text.startswith("the")
    )
    assert len(client.embeddings.create(model="tiny", input=["a", "b"]).data) == 2
    response = client.responses.create(model="tiny", input="the cat", max_output_tokens=8)
    assert response.output_text is not None and response.usage.output_tokens > 0
    with client.responses.stream(model="tiny", input="the cat", max_output_tokens=8) as events:
        assert next(event.type for event in events) == "response.created"
    with pytest.raises(openai.BadRequestError, match="temperature"):
        client.chat.completions.create(model="tiny", messages=MESSAGES, temperature=-1)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt", messages=MESSAGES)


def test_openais_client_gets_tools_and_structured_output(url):
    openai, pydantic = pytest.importorskip("openai"), pytest.importorskip("pydantic")
    pytest.importorskip("llguidance")
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)

    class Answer(pydantic.BaseModel):
        good: bool

    parsed = client.chat.completions.parse(model="tiny", messages=MESSAGES, response_format=Answer, max_tokens=60)
    assert isinstance(parsed.choices[0].message.parsed, Answer)
    schema = {
        "type": "object",
        "properties": {"a": {"type": "boolean"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    tools = [{"type": "function", "function": {"name": "add", "parameters": schema}}]
    for stream in (False, True):
        told = client.chat.completions.create(
            model="tiny", messages=MESSAGES, tools=tools, tool_choice="required", max_tokens=100, stream=stream
        )
        if stream:
            deltas = [call for chunk in told for call in chunk.choices[0].delta.tool_calls or ()]
            name, arguments = deltas[0].function.name, "".join(one.function.arguments for one in deltas)
        else:
            (call,) = told.choices[0].message.tool_calls
            name, arguments = call.function.name, call.function.arguments
        assert name == "add" and set(json.loads(arguments)) == {"a"}


def test_anthropics_client_answers_and_streams(url):
    anthropic = pytest.importorskip("anthropic")
    client = anthropic.Anthropic(base_url=url.removesuffix("/v1"), api_key="none", max_retries=0)
    answer = client.messages.create(model="tiny", max_tokens=8, messages=MESSAGES, system="be brief")
    assert answer.role == "assistant" and answer.usage.output_tokens > 0
    with client.messages.stream(model="tiny", max_tokens=8, messages=MESSAGES) as stream:
        text = "".join(stream.text_stream)
        assert stream.get_final_message().usage.output_tokens > 0 and isinstance(text, str)
    assert client.messages.count_tokens(model="tiny", messages=MESSAGES).input_tokens > 0
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model="tiny", max_tokens=0, messages=MESSAGES)


def test_langchain_talks(url):
    langchain = pytest.importorskip("langchain_openai")
    chat = langchain.ChatOpenAI(base_url=url, api_key="none", model="tiny", max_tokens=6, temperature=0)
    assert isinstance(chat.invoke("the cat").content, str)
    assert "".join(piece.content for piece in chat.stream("the cat")) == chat.invoke("the cat").content


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_curl_reads_a_stream(url):
    body = json.dumps({"prompt": "the", "max_tokens": 3, "stream": True, "ignore_eos": True})
    command = ["curl", "-sN", f"{url}/completions", "-H", "content-type: application/json", "-d", body]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    assert out.endswith("data: [DONE]\n\n") and out.startswith("data: {")


def test_sigterm_lets_started_answers_finish_and_refuses_new_ones(folder):
    process, url = start(folder, "--drain-s", "120")
    body = {"prompt": "the", "max_tokens": 900, "n": 16, "stream": True, "ignore_eos": True}  # some seconds
    with httpx.stream("POST", f"{url}/completions", json=body, timeout=120) as stream:
        lines = stream.iter_lines()
        next(lines)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        try:
            refused = httpx.post(f"{url}/completions", json={"prompt": "a"}, timeout=30)
            assert refused.status_code == 503 and refused.headers["retry-after"]
        except httpx.ConnectError:
            pytest.fail("the port was closed before the answer was finished")
        assert [line for line in lines if line][-1] == "data: [DONE]"
    assert process.wait(60) == 0


def test_sigterm_under_load_cuts_no_answer(folder):
    """Two dozen clients that never stop asking: what was begun ends, what comes later hears 503, then nobody listens.

    A line may break before an answer, where a client asks over it in the moment in which the server goes; within an answer none does.
    """
    process, url = start(folder, "--max-rows", "8")
    body = {"prompt": "the", "max_tokens": 100, "stream": True, "ignore_eos": True}
    ended, refused, cut = [], [], []

    def ask():
        with httpx.Client(timeout=120) as client:
            while True:
                begun = False
                try:
                    with client.stream("POST", f"{url}/completions", json=body) as answer:
                        begun = True
                        answer.read()
                except httpx.ConnectError:
                    return
                except httpx.HTTPError:
                    cut.append(begun)
                    continue
                if answer.status_code == 200:
                    ended.append(answer.text.endswith("data: [DONE]\n\n"))
                else:
                    refused.append((answer.status_code, "retry-after" in answer.headers, answer.headers["connection"]))

    clients = [threading.Thread(target=ask) for _ in range(24)]
    for client in clients:
        client.start()
    while len(ended) < 24:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    for client in clients:
        client.join()
    assert process.wait(60) == 0
    assert all(ended) and set(refused) == {(503, True, "close")} and not any(cut)


def test_the_days_counts_are_written_when_the_server_ends(folder, tmp_path):
    process, url = start(folder, "--usage", str(tmp_path / "usage.json"), "--tokens-per-day", "1000")
    told = httpx.post(f"{url}/completions", json={"prompt": "the", "max_tokens": 5, "ignore_eos": True}, timeout=120)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    (used,) = json.loads((tmp_path / "usage.json").read_text())["used"].values()
    assert used == told.json()["usage"]["total_tokens"]


def test_a_reader_that_goes_frees_its_place(url):
    body = {"prompt": "the", "max_tokens": 900, "stream": True, "ignore_eos": True}
    for _ in range(3):
        with httpx.stream("POST", f"{url}/completions", json=body, timeout=60) as stream:
            next(stream.iter_lines())
    for _ in range(200):
        text = httpx.get(url.removesuffix("/v1") + "/metrics").text
        running = next(line for line in text.splitlines() if line.startswith("vllm:num_requests_running{"))
        if running.endswith(" 0.0"):
            break
        time.sleep(0.05)
    assert running.endswith(" 0.0") and 'finished_reason="abort"' in text


def test_without_the_extra_the_pip_line_is_printed(tmp_path):
    (tmp_path / "fastapi.py").write_text("raise ModuleNotFoundError('No module named fastapi', name='fastapi')")
    command = [sys.executable, "-m", "groundup.cli", "serve", str(tmp_path)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"},
    )
    assert (
        done.returncode == 2
        and done.stderr.strip() == "groundup: fastapi is not installed; run: pip install 'groundup[serve]'"
    )
