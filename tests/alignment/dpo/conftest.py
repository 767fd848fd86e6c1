import pytest


@pytest.fixture
def rows():
    """Even numbers prefer a, odd ones b; answers of unequal length."""
    return [
        {"prompt": f"{number}?", "chosen": "ab"[number % 2] * (1 + number % 3), "rejected": "ba"[number % 2]}
        for number in range(8)
    ]
