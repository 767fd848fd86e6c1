"""Secrets: blanked by name, by value and by form, and nothing else is."""

import pytest

from groundup.training.monitor.secrets import redact


@pytest.mark.parametrize(
    "text",
    [
        "https://me:hunter22@host/x",
        "Authorization: Bearer abcdef0123456789",
        "key sk-proj-abcdefghijklmnop given",
        "hf_abcdefghijklmnop is wrong",
        "AKIAABCDEFGHIJKLMNOP",
        "url?api_key=secret123&x=1",
        "password: hunter22",
    ],
)
def test_a_secret_is_known_by_its_form(text):
    said = redact(text, {})
    assert "[secret]" in said
    assert not any(word in said for word in ("hunter22", "abcdef", "ABCDEF", "secret123"))


def test_a_secret_is_known_by_the_variable_that_holds_it():
    environment = {"WANDB_API_KEY": "0123456789", "HOME": "/root/home", "DB_PASSWORD": "open sesame", "KEY": "on"}
    assert redact("sent 0123456789 and open sesame from /root/home, on", environment) == (
        "sent [secret] and [secret] from /root/home, on"
    )


def test_settings_are_searched_and_numbers_are_no_secrets():
    settings = {
        "tokens": 5,
        "num_key_value_heads": 2,
        "hub_token": "x",
        "list": ["hf_abcdefghijklmnop"],
        "text_key": "",
    }
    assert redact(settings, {}) == {**settings, "hub_token": "[secret]", "list": ["[secret]"]}


def test_plain_words_stay():
    for text in ("loss 3.2 at step 40", "the token of step 7", "a bearer of news", "sk-short"):
        assert redact(text, {}) == text
