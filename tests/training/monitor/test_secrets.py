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
        "access_token=abcdef123456",
        "https://host/x?access_token=abcdef123456&page=2",
        "client_secret: abcdef123456",
        "{'password': 'hunter22x'}",
        '{"api_key": "abcdef123456"}',
        r'"{\"apiKey\": \"abcdef123456\"}"',
        "password = 'horse battery hunter22'",
        "github_pat_11ABCDEF0abcdefghijkl",
        "Authorization: Token abcdef0123456789",
        "Authorization: Token abcdefghijklmnopqrstu",
        "sent with token abcdef0123456789",
        "https://me:p@hunter22@host/x",
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


def test_a_name_is_known_in_every_spelling():
    told = dict.fromkeys(("api-key", "apiKey", "hubToken", "Authorization", "X-Auth-Token"), "x y z")
    assert set(redact(told, {}).values()) == {"[secret]"}


def test_what_stands_around_a_secret_stays():
    assert redact("https://me:p@ss@host/x", {}) == "https://[secret]@host/x"
    assert (
        redact("https://host/x?access_token=abcdef123456&page=2", {}) == "https://host/x?access_token=[secret]&page=2"
    )
    assert redact("{'password': 'hunter22x', 'steps': 3}", {}) == "{'password': '[secret]', 'steps': 3}"
    assert redact('{"api_key": "abcdef 123456"}', {}) == '{"api_key": "[secret]"}'


@pytest.mark.parametrize(
    "text",
    [
        "loss 3.2 at step 40",
        "the token of step 7",
        "a bearer of news",
        "sk-short",
        "eos_token: <|endoftext|>",
        "tokens: 123456",
        "12345678 tokens/s",
        "each token representation-learning asks for",
        "https://host/x, written to me@host",
    ],
)
def test_plain_words_stay(text):
    assert redact(text, {}) == text


def test_a_tokenizers_tokens_are_no_secrets():
    tokens = {"eos_token": "<|endoftext|>", "pad_token": "<pad>", "mask_token": "[MASK]", "tokenizer": "byte_bpe"}
    assert redact(tokens, {}) == tokens
