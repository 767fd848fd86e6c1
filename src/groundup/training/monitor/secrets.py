"""What must not stand in a log: keys and passwords are blanked before a line leaves the process.

Three ways a secret gets into words: as the value of an environment variable named like one, inside an address
(`https://user:password@host`), or by its own form (`sk-...`, `hf_...`, `Bearer ...`). Whoever reads a log sees `[secret]`.
Leaves out what looks like nothing: a password of the user's own in the text of a document.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

BLANK = "[secret]"
CONTROL = r"(?<!(?:EOS|BOS|PAD|UNK|CLS|SEP)_)(?<!MASK_)"  # a tokenizer's eos_token is no secret
NAMED = re.compile(
    rf"(?:^|_)(?:KEY|{CONTROL}TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|AUTH|AUTHORIZATION|HEADERS)(?:_|$)",
    re.IGNORECASE,
)
WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|-")  # where another spelling has a _: apiKey, api-key
FORMS = (
    (re.compile(r"(\w+://)[^/\s]+@"), rf"\1{BLANK}@"),  # up to the last @: a password may hold one
    (re.compile(r"(?i)\b(bearer|basic|(?<=authorization: )token)\s+[\w.~+/=-]{8,}"), rf"\1 {BLANK}"),
    (re.compile(r"(?i)\b(token)\s+(?=\S*\d)[\w.~+/=-]{16,}"), rf"\1 {BLANK}"),  # long and with a digit: no plain word
    (re.compile(r"\b(?:sk|pk|hf|gh[oprsu]|github_pat|glpat|xox[abp])[-_][\w-]{12,}"), BLANK),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), BLANK),
    (
        re.compile(
            r"(?i)((?:(?:api|access|secret|private)[-_]?key|(?<![a-z_])(?:(?:access|auth|refresh|session|api|id)[-_]?)?token"
            r"|passw(?:or)?d|secret)(?:\\?[\"'])?\s*[=:]\s*)"  # the name, in quotes or not
            r"(?:(\\?[\"'])(?:(?!\2).){6,}\2|[\"']?[^\s,;&\"']{6,})"  # the value, all between its quotes where it has them
        ),
        rf"\1\2{BLANK}\2",
    ),
)
SHORTEST = 6  # a shorter value (KEY=on) would blank half of the words


def secret_values(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The values of environment variables whose name says that they are secret, the longest first."""
    values = [value for name, value in environment.items() if NAMED.search(name) and len(value) >= SHORTEST]
    return sorted(values, key=len, reverse=True)


def redact(value: Any, environment: Mapping[str, str] = os.environ) -> Any:
    """A text without its secrets; inside dicts and lists too, where also a value goes whose name says what it is.

    >>> redact("cannot reach https://me:hunter22@track.example/api", {})
    'cannot reach https://[secret]@track.example/api'
    >>> redact({"api_key": "abc", "steps": 3}, {})
    {'api_key': '[secret]', 'steps': 3}
    """
    return _redacted(value, secret_values(environment))


def _redacted(value: Any, known: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: BLANK if _hides(str(key), one) else _redacted(one, known) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(one, known) for one in value]
    if not isinstance(value, str):
        return value
    for word in known:
        value = value.replace(word, BLANK)
    for form, instead in FORMS:
        value = form.sub(instead, value)
    return value


def _hides(name: str, value: Any) -> bool:
    """Whether a named value is a secret: words only, since token counts and key-value heads are numbers."""
    return isinstance(value, str) and bool(value) and bool(NAMED.search(WORDS.sub("_", name)))
