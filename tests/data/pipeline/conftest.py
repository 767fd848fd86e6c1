"""Two servers on the loopback for the tests of this folder: a name node that speaks WebHDFS, and moto's S3."""

import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

HADOOP = {
    FileNotFoundError: (404, "FileNotFoundException"),
    PermissionError: (403, "AccessControlException"),
    FileExistsError: (403, "FileAlreadyExistsException"),
    RuntimeError: (403, "SafeModeException"),
}


class WebHdfs(http.server.BaseHTTPRequestHandler):
    """The operations of Hadoop's WebHDFS REST API (version 1) that a client of files needs, over a folder of the disk.

    As there: the name node answers CREATE, APPEND and OPEN with 307 and the address of a data node, which alone takes and
    gives bytes; errors are RemoteException in JSON; a user is named, and one that is unknown is refused.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else an answer waits for the client's word that its head came
    server: "Cluster"

    def log_message(self, *given):
        """Nothing on stderr."""

    def _handle(self):
        address = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(address.query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urllib.parse.unquote(address.path).removeprefix("/webhdfs/v1")
        operation = asked["op"].upper()
        self.server.asked.append((self.command, operation, path))
        try:
            if asked.get("user.name") not in self.server.users:
                raise PermissionError(f"Permission denied: user={asked.get('user.name', 'dr.who')}, access=EXECUTE")
            if self.server.refuse and self.server.refuse(operation, path):
                raise RuntimeError("Cannot create file. Name node is in safe mode.")
            getattr(self, f"{self.command.lower()}_{operation.lower()}")(path, asked, body)
        except tuple(HADOOP) as error:
            status, name = next(found for kind, found in HADOOP.items() if isinstance(error, kind))
            exception = {"exception": name, "javaClassName": f"org.apache.hadoop.{name}", "message": str(error)}
            self._answer(status, {"RemoteException": exception})

    do_GET = do_PUT = do_POST = do_DELETE = _handle

    def _file(self, path: str) -> Path:
        found = self.server.root / path.strip("/")
        if not found.exists():
            raise FileNotFoundError(f"File does not exist: {path}")
        return found

    def _answer(self, status: int, value=None, headers=None):
        data = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def _at_data_node(self, asked) -> bool:
        """Whether this is the second step; if not, the client is told where the second step is."""
        if asked.get("datanode"):
            return True
        query = urllib.parse.urlencode(asked | {"datanode": "1"})
        host, port = self.server.server_address[:2]
        location = f"http://{host}:{port}{urllib.parse.urlsplit(self.path).path}?{query}"
        self._answer(307, headers={"Location": location})
        return False

    def _status(self, path: Path, name: str) -> dict:
        seen = path.stat()
        return {
            "accessTime": int(1000 * seen.st_atime),
            "blockSize": 0 if path.is_dir() else 134217728,
            "group": "supergroup",
            "length": 0 if path.is_dir() else seen.st_size,
            "modificationTime": int(1000 * seen.st_mtime),
            "owner": "hdfs",
            "pathSuffix": name,
            "permission": "755" if path.is_dir() else "644",
            "replication": 0 if path.is_dir() else 3,
            "type": "DIRECTORY" if path.is_dir() else "FILE",
        }

    def get_getfilestatus(self, path, asked, body):
        self._answer(200, {"FileStatus": self._status(self._file(path), "")})

    def get_liststatus(self, path, asked, body):
        found = self._file(path)
        inner = [self._status(one, one.name) for one in sorted(found.iterdir())] if found.is_dir() else None
        self._answer(200, {"FileStatuses": {"FileStatus": [self._status(found, "")] if inner is None else inner}})

    def get_open(self, path, asked, body):
        found = self._file(path)
        if found.is_dir():
            raise FileNotFoundError(f"Path is not a file: {path}")
        if self._at_data_node(asked):
            data = found.read_bytes()[int(asked.get("offset", 0)) :]
            self._answer(200, data[: int(asked.get("length", len(data)))])

    def put_create(self, path, asked, body):
        made = self.server.root / path.strip("/")
        if made.exists() and asked.get("overwrite") != "true":
            raise FileExistsError(f"{path} already exists")
        if self._at_data_node(asked):
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_bytes(body)
            self._answer(201, headers={"Location": f"webhdfs://name-node{path}"})

    def post_append(self, path, asked, body):
        found = self._file(path)
        if self._at_data_node(asked):
            with open(found, "ab") as file:
                file.write(body)
            self._answer(200)

    def put_mkdirs(self, path, asked, body):
        (self.server.root / path.strip("/")).mkdir(parents=True, exist_ok=True)
        self._answer(200, {"boolean": True})

    def put_rename(self, path, asked, body):
        target = self.server.root / asked["destination"].strip("/")
        if target.exists() or not target.parent.is_dir():  # HDFS renames over nothing, and says so by false
            self._answer(200, {"boolean": False})
            return
        os.replace(self._file(path), target)
        self._answer(200, {"boolean": True})

    def delete_delete(self, path, asked, body):
        found = self.server.root / path.strip("/")
        if found.is_dir() and any(found.iterdir()) and asked.get("recursive") != "true":
            raise FileExistsError(f"{path} is non empty")
        there = found.exists()
        shutil.rmtree(found) if found.is_dir() else found.unlink(missing_ok=True)
        self._answer(200, {"boolean": there})


class Cluster(http.server.ThreadingHTTPServer):
    """The server, with what it was asked, and a say about what it refuses."""

    daemon_threads = True

    def __init__(self, root: Path):
        super().__init__(("127.0.0.1", 0), WebHdfs)
        self.root, self.users = root, {"hdfs"}
        self.asked: list[tuple[str, str, str]] = []
        self.refuse = None

    @property
    def address(self) -> str:
        """Its root, as a user writes it."""
        return f"webhdfs://hdfs@127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def webhdfs(tmp_path):
    """A WebHDFS server over an empty folder."""
    pytest.importorskip("requests", reason="fsspec's webhdfs:// needs requests")
    root = tmp_path / "hdfs"
    root.mkdir()
    server = Cluster(root)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def s3_server():
    """moto's server in a process of its own: the address of an S3 of this machine."""
    pytest.importorskip("moto.server", reason="moto[s3,server] is not installed")
    pytest.importorskip("s3fs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], **quiet)
    try:
        _wait(f"http://127.0.0.1:{port}/moto-api/", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(address: str, process: subprocess.Popen) -> None:
    """Until a server answers."""
    for _ in range(600):
        assert process.poll() is None, "moto's server has ended"
        with suppress(urllib.error.URLError), urllib.request.urlopen(address):
            return
        time.sleep(0.1)
    pytest.fail("moto's server does not answer")


@pytest.fixture
def s3(s3_server, monkeypatch):
    """An S3 with one empty bucket, `bucket`, as this machine's environment names it; its file system."""
    import s3fs

    settings = {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    urllib.request.urlopen(urllib.request.Request(f"{s3_server}/moto-api/reset", method="POST")).close()
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.mkdir("bucket")
    yield system
    s3fs.S3FileSystem.clear_instance_cache()
