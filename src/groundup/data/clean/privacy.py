"""What leads to a person, masked: e-mail and IP addresses, telephone numbers, cards and bank accounts.

A model repeats addresses that stood in its training text (Carlini et al. 2021, arXiv:2012.07805). Numbers are everywhere in
text, and most of them are prices, dates and measures, so a number is masked only where it proves itself: a card by its
prefix, its length and the check digit of Luhn (ISO/IEC 7812-1), an account by its country's length and the remainder 1 modulo 97
(ISO 13616), an IP address by standing for a public host, a telephone number by its country's prefix, by the way it
is written, or by the word before it.

Leaves out: names and postal addresses, which need a tagger and err far more often.
"""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from groundup.errors import ConfigError, did_you_mean
from groundup.slots import slot

DIGIT = re.compile(r"\d")
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24}(?![\w-]|@)")
CARD = re.compile(r"(?<![\w.,+-])\d(?:[ -]?\d){12,18}(?![\w]|[.,-]\d)")
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
VERSION = re.compile(r"(?:\bv(?:ersion|er|\.)?|release|section|chapter|§)\s*$", re.IGNORECASE)
PHONE = re.compile(
    r"""(?<![\w.,/+-])(?:
        (?:\+|00)[1-9]\d{0,2}[ ./-]?(?:\(\d{1,4}\)[ ./-]?)?\d(?:[ ./-]?\d){5,12}   # with the country's prefix
        | \(\d{3}\)[ ]?\d{3}[ .-]\d{4} | (?:1[ .-])?\d{3}([.-])\d{3}\1\d{4}         # as North Americans write it
    )(?![\w]|[.,/-]\d)""",
    re.VERBOSE,
)
CALLED = re.compile(
    r"\b((?:tele(?:fon|phone)|phone|tel|mobile?|fax|call(?: us)?|whatsapp)\b[ .:]{1,3})(\(?0?\d(?:[ ./()-]{0,3}\d){5,13})(?![\w]|[.,]\d)",
    re.IGNORECASE,
)
CARDS = (  # prefixes and lengths: American Express, Diners, Discover, JCB, Maestro, Mastercard, Visa
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"3(?:0[0-5]|[68])"), (14,)),
    (re.compile(r"6(?:011|5|4[4-9])"), (16, 19)),
    (re.compile(r"35(?:2[89]|[3-8])"), (16,)),
    (re.compile(r"5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"), (16,)),
    (re.compile(r"4"), (13, 16, 19)),
)
IBAN_LENGTHS = dict(
    pair.split(":")  # ISO 13616 registry
    for pair in (
        "AD:24 AE:23 AT:20 BE:16 BG:22 BR:29 CH:21 CY:28 CZ:24 DE:22 DK:18 EE:20 EG:29 ES:24 FI:18 FR:27 GB:22 GR:27 HR:21 HU:28 IE:22 "
        "IL:23 IS:26 IT:27 LI:21 LT:20 LU:20 LV:21 MC:27 MT:31 NL:18 NO:15 PL:28 PT:25 QA:29 RO:24 RS:22 SA:24 SE:24 SI:19 SK:24 TR:26 UA:29"
    ).split()
)
MASKS = {"email": "<EMAIL>", "iban": "<IBAN>", "card": "<CARD>", "ip": "<IP>", "phone": "<PHONE>"}  # in order of trust


@dataclass(frozen=True, slots=True)
class Found:
    """Characters begin ... end - 1 of a text lead to a person."""

    kind: str
    begin: int
    end: int


@slot
def luhn(digits: str) -> bool:
    """Whether the check digit is right: every second digit from the right doubled, all digits added, 0 modulo 10.

    >>> luhn("4539148803436467"), luhn("4539148803436468")
    (True, False)
    """
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def is_card(number: str) -> bool:
    """Whether digits, blanks and hyphens apart, are the number of a card."""
    digits = re.sub("[ -]", "", number)
    issued = any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in CARDS)
    return issued and len(set(digits)) > 1 and luhn(digits)


def is_iban(account: str) -> bool:
    """Whether letters and digits are an account's number: letters as 10 ... 35, the first four at the end, 1 modulo 97.

    >>> is_iban("GB82 WEST 1234 5698 7654 32"), is_iban("GB83 WEST 1234 5698 7654 32")
    (True, False)
    """
    plain = account.replace(" ", "")
    if str(len(plain)) != IBAN_LENGTHS.get(plain[:2]):
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def _public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found.is_global and not found.is_multicast and (found.version == 4 or int(found) >> 125 == 1)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for match in EMAIL.finditer(text) if "@" in text else ():
        begin = match.start() + len(match[0]) - len(match[0].lstrip(".+-"))
        if text[begin] != "@" and ".." not in match[0]:
            yield begin, match.end()


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in IBAN.finditer(text):
        length = IBAN_LENGTHS.get(match[0][:2])
        ends = [at for at in range(len(match[0]), 14, -1) if str(at - match[0].count(" ", 0, at)) == length]
        for end in ends:  # words in capitals may follow the number
            if match[0][end - 1] != " " and is_iban(match[0][:end]):
                yield match.start(), match.start() + end
                break


def _cards(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in CARD.finditer(text) if is_card(match[0]))


def _ips(text: str) -> Iterator[tuple[int, int]]:
    for match in IPV4.finditer(text):
        if _public(match[0]) and not VERSION.search(text[max(0, match.start() - 12) : match.start()]):
            yield match.span()
    for match in IPV6.finditer(text) if ":" in text else ():
        if _public(match[0]):
            yield match.span()


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in PHONE.finditer(text):
        if 7 <= sum(map(str.isdigit, match[0])) <= 15:
            yield match.span()
    for match in CALLED.finditer(text):
        if 7 <= sum(map(str.isdigit, match[2])) <= 15:
            yield match.span(2)


FINDERS = {"email": _emails, "iban": _ibans, "card": _cards, "ip": _ips, "phone": _phones}


def find(text: str, kinds: tuple[str, ...] = tuple(MASKS)) -> list[Found]:
    """All that leads to a person, in the text's order; of two that overlap the one whose proof is stronger."""
    if unknown := [kind for kind in kinds if kind not in MASKS]:
        raise ConfigError(f"'{unknown[0]}' cannot be masked; {did_you_mean(unknown[0], MASKS)}")
    found: list[Found] = []
    if "@" not in text and DIGIT.search(text) is None:
        return found
    for kind in (kind for kind in MASKS if kind in kinds):
        for begin, end in FINDERS[kind](text):
            if all(end <= other.begin or begin >= other.end for other in found):
                found.append(Found(kind, begin, end))
    return sorted(found, key=lambda one: one.begin)


def mask(text: str, kinds: tuple[str, ...] = tuple(MASKS)) -> tuple[str, list[Found]]:
    """The text with marks in place of what leads to a person, and what that was (places in the text as it came).

    >>> mask("Write to jo@example.org or +49 30 1234567.")[0]
    'Write to <EMAIL> or <PHONE>.'
    """
    found = find(text, kinds)
    pieces, behind = [], 0
    for one in found:
        pieces += [text[behind : one.begin], MASKS[one.kind]]
        behind = one.end
    return "".join([*pieces, text[behind:]]), found
