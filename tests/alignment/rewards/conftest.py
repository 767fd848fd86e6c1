"""Pairs that every kind of reward model can learn."""

import pytest

from groundup.alignment.preferences.data import Encoded


@pytest.fixture
def pairs(tokenizer, stops):
    """b is preferred to a, whatever is asked."""
    made = []
    for number in range(32):
        prompt = tokenizer.apply_chat_template([{"role": "user", "content": f"{number % 8}?"}], add_generation_prompt=True)
        good, bad = ([*tokenizer.encode(letter), max(stops)] for letter in "ba")
        made.append(Encoded(prompt, good, bad))
    return made
