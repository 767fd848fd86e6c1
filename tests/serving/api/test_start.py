"""What keeps a server from starting is one sentence, and leaves nothing behind."""

import asyncio
import socket

import pytest

from groundup.errors import ConfigError, InputError

server = pytest.importorskip("groundup.serving.api.server", reason="the extra serve is not installed")


def start(service, host="127.0.0.1", port=0):
    asyncio.run(server.serve(service, host, port, say=lambda line: None))


def test_a_port_that_is_taken_is_said(handle, service_of):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}.*--port"):
            start(service_of(handle), port=port)


def test_a_certificate_that_is_none_is_said(handle, service_of, tmp_path):
    from groundup.serving.limits import LimitsConfig

    path = tmp_path / "bad.pem"
    path.write_text("junk")
    with pytest.raises(ConfigError, match="bad.pem.*PEM"):
        start(service_of(handle, LimitsConfig(ssl_certfile=path, ssl_keyfile=path)))


def test_a_first_model_that_cannot_be_loaded_is_the_users_mistake(tmp_path):
    from groundup.serving.api.models import Models
    from groundup.serving.api.service import Service

    with pytest.raises(InputError, match="cannot be loaded"):
        start(Service(Models({"a": tmp_path / "nothing"})))
