"""API keys: a file that knows each key by name and by a hash, never the key itself.

    gu-1f0c9a5e-Zm9v...        id, then 32 random bytes

The id finds the line of the file at once; the rest is compared as a salted BLAKE2b hash, in a time that does not depend on how much
of it is right. A slow hash (scrypt) protects words that people choose, which can be guessed; 256 random bits cannot, and a slow hash
would let anybody who sends wrong keys keep the processor busy: 30 ms each in place of 2 microseconds. So keys are made here, not chosen.

The file is JSON that its owner alone can read. It is read again when it changes, so a key that is taken away stops working while the
server runs; a file that was damaged meanwhile is reported once, and the keys of before stay. A log names a key by its name.

A key given as plain text (an environment variable, as other servers have it) is hashed when the server starts: `KeyFile.of`.
"""

import hashlib
import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import FormatError, InputError, did_you_mean
from groundup.progress import say

LOOK_AGAIN_S = 1.0  # how often the file's time is asked for
SECRET_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """What is known of a key: its name, its hash, and what it may do. None: what the server grants everybody."""

    name: str
    id: str = ""
    salt: str = ""
    hash: str = ""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    tokens_per_day: int | None = None
    priority: int = 0
    weight: float = 1.0  # its share where keys compete, beside the others'
    expires_s: float | None = None  # seconds since 1970


def digest(secret: str, salt: str) -> str:
    """The salted hash under which a key is kept."""
    return hashlib.blake2b(
        secret.encode("utf-8", "surrogatepass"), salt=bytes.fromhex(salt), digest_size=32
    ).hexdigest()


def new_key(name: str, **granted: Any) -> tuple[str, Key]:
    """A new key as text, to be shown once, and what is kept of it. granted: fields of `Key`."""
    id, salt = secrets.token_hex(4), secrets.token_hex(hashlib.blake2b.SALT_SIZE)
    text = f"gu-{id}-{secrets.token_urlsafe(SECRET_BYTES)}"
    return text, _sound(Key(name=name, id=id, salt=salt, hash=digest(text, salt), **granted), "a new key")


def add_key(path: str | Path, name: str, **granted: Any) -> str:
    """Add a key to a file (made where there is none) and give its text, which is nowhere kept."""
    path = Path(path)
    keys = read_keys(path) if path.is_file() else {}
    if any(key.name == name for key in keys.values()):
        raise InputError(f"{path} has a key named {name!r} already; choose another name, or remove that one first")
    text, key = new_key(name, **granted)
    _write(path, {**keys, key.id: key})
    return text


def remove_key(path: str | Path, name: str) -> None:
    """Take a key out of a file; a running server sees it within a second."""
    keys = read_keys(path)
    kept = {id: key for id, key in keys.items() if key.name != name}
    if len(kept) == len(keys):
        raise InputError(f"{path} has no key named {name!r}; {did_you_mean(name, [key.name for key in keys.values()])}")
    _write(Path(path), kept)


def _write(path: Path, keys: Mapping[str, Key]) -> None:
    """The file, readable by its owner alone from its first byte on."""
    lines = [{name: value for name, value in asdict(key).items() if value is not None} for key in keys.values()]
    before = os.umask(0o077)
    try:
        files.write_json(path, {"keys": lines})
    finally:
        os.umask(before)


def read_keys(path: str | Path) -> dict[str, Key]:
    """The keys of a file by their ids. FormatError names the entry that cannot be."""
    content = files.read_json(path)
    entries = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise FormatError(
            f'{path} holds no keys; it should be {{"keys": [...]}} as `groundup serve --new-key NAME` writes it'
        )
    known, keys = {field.name for field in fields(Key)}, dict[str, Key]()
    for number, entry in enumerate(entries, 1):
        where = f"{path}, key {number}"
        if not isinstance(entry, dict):
            raise FormatError(f"{where} is no object; remove it")
        if unknown := sorted(entry.keys() - known):
            raise FormatError(f"{where} has a field {unknown[0]!r}; {did_you_mean(unknown[0], known)}")
        if missing := [name for name in ("name", "id", "salt", "hash") if not isinstance(entry.get(name), str)]:
            raise FormatError(f"{where} has no {missing[0]}; make the key again")
        key = _sound(Key(**entry), where)
        if key.id in keys or key.name in {one.name for one in keys.values()}:
            raise FormatError(f"{where} has the name or id of another key ({key.name!r}); remove one of them")
        keys[key.id] = key
    return keys


def _sound(key: Key, where: str) -> Key:
    """Refuse a key whose fields cannot be."""
    if not key.name or len(key.name) > 64 or not key.name.isprintable():
        raise FormatError(f"{where} is named {key.name[:80]!r}; a name has 1 to 64 printable characters")
    try:
        salted = len(bytes.fromhex(key.salt)) == hashlib.blake2b.SALT_SIZE and len(bytes.fromhex(key.hash)) == 32
    except ValueError:
        salted = False
    if not salted:
        raise FormatError(f"{where} ({key.name!r}) has a salt or a hash that is damaged; make the key again")
    for name in ("requests_per_minute", "tokens_per_minute", "tokens_per_day", "weight", "expires_s"):
        value = getattr(key, name)
        if value is not None and not (isinstance(value, int | float) and 0 <= value < float("inf")):
            raise FormatError(f"{where} ({key.name!r}) has {name}={value!r}; use a number from 0 on, or leave it out")
    if not key.weight or not isinstance(key.priority, int):
        raise FormatError(
            f"{where} ({key.name!r}) has weight={key.weight!r} and priority={key.priority!r}; use a weight above 0 and a whole number"
        )
    return key


class KeyFile:
    """The keys of a file while a server runs."""

    def __init__(self, path: str | Path | None = None, *, clock: Callable[[], float] = time.time):
        self.path = None if path is None else Path(path)
        self.clock = clock
        self._lock = threading.Lock()
        self._looked_s, self._stamp = clock(), self._stamp_of()
        self._keys = {} if self.path is None else read_keys(self.path)

    @classmethod
    def of(cls, plain: Mapping[str, str], *, clock: Callable[[], float] = time.time) -> "KeyFile":
        """Keys that stand nowhere: {name: key}. They have no id, so each is compared in turn."""
        made, salt = cls(clock=clock), secrets.token_hex(hashlib.blake2b.SALT_SIZE)
        for name, text in plain.items():
            if len(text) < 16:
                raise InputError(f"the key of {name!r} has {len(text)} characters and could be guessed; use 16 or more")
            made._keys[f"plain {name}"] = _sound(Key(name=name, salt=salt, hash=digest(text, salt)), "a given key")
        return made

    def find(self, text: str) -> Key | None:
        """Whose key this is; None: nobody's, or one that has expired."""
        self._look()
        id = text.split("-", 2)[1] if text.startswith("gu-") and text.count("-") >= 2 else ""
        keys = self._keys
        candidates = [keys[id]] if id in keys else [key for key in keys.values() if not key.id]
        found = None
        for key in candidates:
            if hmac.compare_digest(digest(text, key.salt), key.hash):
                found = key
        return found if found is None or found.expires_s is None or self.clock() < found.expires_s else None

    def _stamp_of(self) -> tuple[int, int, int] | None:
        """What changes when the file does: its time, size and inode (a new one at each atomic write)."""
        try:
            told = os.stat(self.path) if self.path is not None else None
        except OSError:
            return None
        return (told.st_mtime_ns, told.st_size, told.st_ino) if told else None

    def _look(self) -> None:
        """Read the file again if it changed; at most once a second."""
        if self.path is None or abs(self.clock() - self._looked_s) < LOOK_AGAIN_S:
            return
        with self._lock:
            self._looked_s, stamp = self.clock(), self._stamp_of()
            if stamp == self._stamp:
                return
            self._stamp = stamp
            try:
                self._keys = read_keys(self.path)
            except (FormatError, InputError) as error:
                say(f"the keys of before stay: {error}")


def granted(key: Key, **everybody: Any) -> Key:
    """A key with what the server grants everybody where its own line says nothing."""
    return replace(key, **{name: value for name, value in everybody.items() if getattr(key, name) is None})
