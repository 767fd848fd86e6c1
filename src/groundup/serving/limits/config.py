"""What a server is told about its limits, checked where it is said.

0 means without a limit, in every field whose docstring says so. A key's own line in the key file comes before what stands here.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from groundup.errors import ConfigError

COUNTS = ("requests_per_minute", "tokens_per_minute", "tokens_per_day", "max_waiting", "max_completion_tokens", "stream_timeout_s")
POSITIVE = ("burst_s", "max_body_bytes", "request_timeout_s", "write_timeout_s", "keep_alive_s", "drain_s")


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitsConfig:
    """Who may ask, how fast, how much, how long; and the outside of the server."""

    keys: Annotated[Path | None, tyro.conf.arg(name="api-keys")] = None
    """a file of hashed API keys, read again when it changes; left out: everybody may ask"""
    requests_per_minute: float = 0.0
    """of one key, or of one address where there are no keys; 0: without limit"""
    tokens_per_minute: float = 0.0
    """the same for tokens, prompt and answer together; 0: without limit"""
    burst_s: float = 60.0
    """how many seconds of a rate may come at once"""
    tokens_per_day: int = 0
    """of one key, from midnight to midnight UTC; 0: without limit"""
    usage: Path | None = None
    """a file that keeps the day's counts over a restart; left out: they begin anew"""
    max_waiting: int = 256
    """requests that wait for the model; the next one is told to come again; 0: without limit"""
    max_body_bytes: int = 4 << 20
    """of one request"""
    max_prompt_tokens: int | None = None
    """of one prompt; left out: what the model's context holds"""
    max_completion_tokens: int = 0
    """of one answer; 0: what the model's context holds"""
    request_timeout_s: float = 600.0
    """from a request's arrival to the end of its answer, where that is not streamed"""
    stream_timeout_s: float = 3600.0
    """of an answer that is streamed, which ends with an error then; 0: without limit"""
    write_timeout_s: float = 30.0
    """how long a reader may take none of its answer"""
    keep_alive_s: float = 5.0
    """how long an idle connection stays open"""
    drain_s: float = 30.0
    """how long answers may go on after the server was told to stop"""
    cors_origins: tuple[str, ...] = ()
    """web pages (scheme://host) that may ask from a browser; * for all"""
    ssl_certfile: Path | None = None
    """TLS: the certificate, PEM"""
    ssl_keyfile: Path | None = None
    """TLS: its private key, PEM"""
    root_path: str = ""
    """a prefix that a proxy takes from the path, such as /llm"""

    def __post_init__(self) -> None:
        for name in (*COUNTS, *POSITIVE):
            self._check(name, getattr(self, name), least=0 if name in COUNTS else None)
        if self.max_prompt_tokens is not None and self.max_prompt_tokens < 1:
            raise ConfigError(
                f"max_prompt_tokens={self.max_prompt_tokens} lets nothing in; use 1 or more, or leave it out"
            )
        if (self.ssl_certfile is None) != (self.ssl_keyfile is None):
            raise ConfigError("TLS wants both ssl_certfile and ssl_keyfile; give the other one too")
        for path in (self.ssl_certfile, self.ssl_keyfile):
            if path is not None and not Path(path).is_file():
                raise ConfigError(f"{path} is not there; give the PEM file of the certificate and that of its key")
        if self.root_path and (not self.root_path.startswith("/") or self.root_path.endswith("/")):
            raise ConfigError(f"root_path={self.root_path!r} is no prefix of a path; write it as /llm")
        for origin in self.cors_origins:
            if origin != "*" and not origin.startswith(("http://", "https://")):
                raise ConfigError(f"cors_origins holds {origin!r}, which is no origin; write https://host, or *")

    def _check(self, name: str, value: float, least: float | None) -> None:
        """Refuse what is no number of that kind."""
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(f"{name}={value!r} is no number; give a finite one")
        if value < (least or 0) or (least is None and value == 0):
            raise ConfigError(
                f"{name}={value:g} cannot be; use {'0 (without limit) or more' if least == 0 else 'more than 0'}"
            )
