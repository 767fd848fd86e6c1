from groundup.runs import told


def test_every_stage_says_what_it_has_and_nothing_else():
    stages = [
        {"name": "data", "numbers": {"documents": 3}},
        {"name": "reward", "numbers": {"pairs": 8000, "accuracy": 0.8, "limit": None}},
        {"name": "compress", "numbers": {"bytes_before": 4000, "method": "gptq"}},
    ]
    assert told.rows(stages) == [
        ("reward", "pairs", "8,000"),
        ("reward", "accuracy on pairs held out", "80.0%"),
        ("compress", "bytes of weights before", "4,000"),
    ]
