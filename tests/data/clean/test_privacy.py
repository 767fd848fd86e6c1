"""What leads to a person is masked; prices, dates, versions and other numbers are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data.clean import privacy
from groundup.data.clean.privacy import find, luhn, mask
from groundup.errors import ConfigError

PERSONAL = {
    "email": ["jo@example.org", "first.last+tag@mail.co.uk", "x_y-z@sub.domain.museum", "jörg@müller.de"],
    "ip": ["8.8.8.8", "185.199.108.153", "2001:4860:4860::8888", "2606:4700:4700:0:0:0:0:1111"],
    "card": [
        "4539 1488 0343 6467",
        "4111-1111-1111-1111",
        "378282246310005",
        "5555555555554444",
        "6011111111111117",
        "30569309025904",
    ],
    "iban": [
        "GB82 WEST 1234 5698 7654 32",
        "DE89370400440532013000",
        "FR1420041010050500013M02606",
        "NL91 ABNA 0417 1643 00",
    ],
    "phone": [
        "+49 30 1234567",
        "+1 (555) 123-4567",
        "0044 20 7946 0958",
        "(555) 123-4567",
        "555-123-4567",
        "555.123.4567",
        "+41/44/6681800",
    ],
}
HARMLESS = [
    "version 1.2.3.4 of v8.8.8.8",
    "On 2021-01-15 at 12:30:45 it cost 1,234,567.89 dollars.",
    "ISBN 978-3-16-148410-0, ISSN 2049-3630, arXiv:2107.06499",
    "10.0.0.1, 127.0.0.1, 192.168.1.1, 999.1.1.1 and 1.2.3",
    "pi is 3.14159265358979323846 and 0.5551234567",
    "4539 1488 0343 6468 fails, 0000 0000 0000 0000 is none, 4444444444444444 neither",
    "DE88370400440532013000 and GB83 WEST 1234 5698 7654 32",
    "std::vector<int>, a::b, 10:20:30, 00:1A:2B:3C:4D:5E and dead::beef",
    "follow @someone, git@ localhost, a@b",
    "the years 1999-2004 1914-1918, pages 555-123-45671, scores 3-2 4-1 5-5 6-0",
    "order 5551234567, model 555-1234, 1234567890123",
    "0.123.456.7890 or 1.555.123.4567.8",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in PERSONAL.items() for text in texts])
def test_what_leads_to_a_person_is_found_whole(kind, text):
    for around in ("{}", "Here: {}.", "({}), and", "{}\n", "<{}>"):
        written = around.format(text)
        begin = around.index("{")
        assert find(written) == [privacy.Found(kind, begin, begin + len(text))], written


@pytest.mark.parametrize("text", HARMLESS)
def test_other_numbers_are_left_alone(text):
    assert mask(text) == (text, [])


def test_a_word_before_a_number_makes_it_a_telephone():
    assert mask("Tel.: 030 / 12 34 567, Fax 089-7654321")[0] == "Tel.: <PHONE>, Fax <PHONE>"
    assert mask("call 5 people, phone 12, tel 1.5")[1] == []


def test_text_after_an_account_stays():
    assert mask("IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFFXXX")[0] == "IBAN <IBAN> BIC COBADEFFXXX"


def test_places_are_those_of_the_text_as_it_came():
    text = "jo@example.org, then 8.8.8.8 and jo@example.org"
    masked, found = mask(text)
    assert masked == "<EMAIL>, then <IP> and <EMAIL>"
    assert [text[one.begin : one.end] for one in found] == ["jo@example.org", "8.8.8.8", "jo@example.org"]
    assert mask(text, ("ip",))[0] == "jo@example.org, then <IP> and jo@example.org"
    with pytest.raises(ConfigError, match="did you mean 'email'"):
        mask(text, ("emails",))


@given(st.integers(0, 10**15 - 1))
def test_luhn_notices_a_wrong_digit_and_most_swaps(number):
    digits = f"{number:015d}"
    (check,) = [digit for digit in "0123456789" if luhn(digits + digit)]
    whole = digits + check
    for at in range(16):
        assert not luhn(whole[:at] + str((int(whole[at]) + 1) % 10) + whole[at + 1 :])


@given(st.text())
def test_any_text_is_masked_without_a_stumble(text):
    masked, found = mask(text)
    assert (masked == text) == (not found)


def test_long_texts_take_linear_time():
    for piece in ("1 ", "1-", "a.", "1.", "aa@", "A1", ":1", "(5", "+1"):
        mask(piece * 20_000)
