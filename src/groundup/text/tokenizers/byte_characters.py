"""The 256 visible characters that GPT-2 gave the bytes, so that a vocabulary of bytes can stand in a JSON file."""

import functools


@functools.cache
def byte_characters() -> list[str]:
    """The character that spells each byte: itself where it is visible, else the next one from U+0100 on.

    >>> byte_characters()[ord("A")], byte_characters()[ord(" ")]
    ('A', 'Ġ')
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in visible else chr(next(others)) for byte in range(256)]


@functools.cache
def character_bytes() -> dict[str, int]:
    """The byte that each of the 256 characters spells."""
    return {character: byte for byte, character in enumerate(byte_characters())}


def spell(token: bytes) -> str:
    """A token as tokenizer.json spells it.

    >>> spell(b" a")
    'Ġa'
    """
    return "".join(byte_characters()[byte] for byte in token)


def unspell(text: str) -> bytes:
    """The bytes that tokenizer.json means; KeyError for a character that spells none."""
    known = character_bytes()
    return bytes([known[character] for character in text])
