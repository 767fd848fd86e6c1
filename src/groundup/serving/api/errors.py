"""A mistake as the client's library expects to read it: a status, and a body of the API that was asked.

    OpenAI      {"error": {"message", "type", "param", "code"}}
    Anthropic   {"type": "error", "error": {"type", "message"}}

A `GroundupError` is the sender's mistake and becomes 400 with its own sentence. Everything else is a fault of ours, 500, of which only the
kind and the place are logged: the message of an exception may hold a prompt. https://platform.openai.com/docs/guides/error-codes,
https://docs.anthropic.com/en/api/errors
"""

import logging
import traceback
from typing import Any

from groundup.errors import GroundupError

log = logging.getLogger("groundup.serving")

OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}
LONGEST_MESSAGE = 600  # characters; what a client sent may stand in it


class ApiError(Exception):
    """What a request is answered with instead of an answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after_s: float | None = None,
    ):
        super().__init__(message)
        self.status, self.param, self.code, self.retry_after_s = status, param, code, retry_after_s
        self.message = shortened(message)

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After in whole seconds, at least one, where waiting helps."""
        return {} if self.retry_after_s is None else {"Retry-After": str(max(1, round(self.retry_after_s + 0.49)))}


def shortened(message: str) -> str:
    """One line of a bounded length that any encoder can write.

    >>> shortened("a" + chr(10) + "b"), len(shortened("x" * 5000))
    ('a b', 600)
    """
    line = " ".join(message[: 4 * LONGEST_MESSAGE].split()).encode(errors="replace").decode()
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 3] + "..."


def bad(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """A request that cannot be."""
    return ApiError(400, message, param=param, code=code)


def from_exception(error: BaseException) -> ApiError:
    """Any exception as the answer that it deserves; a fault of ours is logged without its words."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, GroundupError):
        return bad(str(error))
    where = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(where))
    log.error("a fault of ours: %s at %s", type(error).__name__, places)
    return ApiError(500, "the server made a mistake of its own; it is in its log", code="internal_error")


def openai_body(error: ApiError) -> dict[str, Any]:
    """The body that OpenAI's clients read.

    >>> openai_body(bad("no", "n"))
    {'error': {'message': 'no', 'type': 'invalid_request_error', 'param': 'n', 'code': None}}
    """
    usual = "server_error" if error.status >= 500 else "invalid_request_error"
    kind = OPENAI_TYPES.get(error.status, usual)
    return {"error": {"message": error.message, "type": kind, "param": error.param, "code": error.code}}


def anthropic_body(error: ApiError) -> dict[str, Any]:
    """The body that Anthropic's clients read."""
    usual = "api_error" if error.status >= 500 else "invalid_request_error"
    return {"type": "error", "error": {"type": ANTHROPIC_TYPES.get(error.status, usual), "message": error.message}}
