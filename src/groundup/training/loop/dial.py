"""One dial: the depth of a model sets its shape, its rates, its batch and how long it is trained.

    width           32 a layer                          shape hardly matters within wide bounds (Kaplan et al. 2020, arXiv:2001.08361, sec. 3.1);
                                                        one ratio makes models of all sizes alike
    heads           32 wide, 64 from width 512,         small heads where the whole model is small, so that there are several
                    128 from 2048, then in pairs
    key-value heads the largest divisor of the heads    (Ainslie et al. 2023, arXiv:2305.13245)
                    that is at most half of them
    inner width     8/3 of the width, to a multiple     three matrices then weigh what two of 4 times the width do (Shazeer 2020,
                    of 32                               arXiv:2002.05202)
    rate            0.01 sqrt(128 / width)              of embedding, gains and the tied head: what is read as an embedding wants the
                                                        same at every width, what is read as a head 1 / width (Yang et al. 2022,
                                                        arXiv:2203.03466, table 8); tied, between them
    matrix rate     0.02                                Muon's steps have the same spectral size whatever the width (Jordan et al. 2024)
    horizon         20 tokens a parameter               (Hoffmann et al. 2022, arXiv:2203.15556, table 3)
    batch           4,096 tokens at 22 M tokens of      the batch beyond which more rows help little grows with the tokens, not with
                    horizon, growing with its root      the size (Zhang et al. 2024, arXiv:2410.21676)

Tried at depth 1, 2 and 3 on the small demo's texts, 200 steps each: the loss fell from 7.8 to 3.1, 8.1 to 2.3 and 7.6 to 2.2, the bits per
byte of tinyworld were 0.98, 0.61 and 0.51, and no step stood out. That these rates are the best at each depth was not measured.
0.01, 0.02, 4,096 and the ratio of 32 are those of the project's demo (depth 4 is its model), which were tried out there; the rest is by rule.
`groundup run demo --depth 3`, or `depth = 3` in a recipe; a key that is given beside it stays as given. Left out: the data, of which
there should be at least a quarter of the horizon (read more than four times a text teaches little: Muennighoff et al. 2023, arXiv:2305.16264).
"""

import math
from typing import Any

from groundup.errors import ConfigError

DEEPEST = 64  # 2,048 wide and three billion parameters: beyond it the rules were not looked at by anybody here
WIDTH_PER_LAYER = 32
HEAD_WIDTHS = ((2048, 128), (512, 64), (0, 32))  # from this width on, that head
RATE, RATE_WIDTH, MATRIX_RATE = 0.01, 128, 0.02
TOKENS_PER_PARAMETER = 20
BATCH_TOKENS, BATCH_HORIZON = 4096, 22e6
FEWEST_ROWS = 4
LOOKING_BACK = 3  # layers that a recipe's `initialization = "look_back"` needs


def dial(depth: int, vocab_size: int = 3072, seq_len: int = 256) -> dict[str, dict[str, Any]]:
    """The tables [model] and [train] of a depth, as a recipe would write them.

    >>> tables = dial(4)
    >>> tables["model"]["hidden_size"], tables["model"]["num_attention_heads"], tables["train"]["batch_size"]
    (128, 4, 16)
    """
    if not 1 <= depth <= DEEPEST:
        raise ConfigError(
            f"depth={depth} is not on the dial; use 1 to {DEEPEST}, such as 4 for about a million parameters"
        )
    model = shape(depth)
    tokens = TOKENS_PER_PARAMETER * parameters(model, vocab_size)
    train = length(model["hidden_size"], tokens, seq_len)
    train |= {"initialization": "scaled"} if depth < LOOKING_BACK else {}
    return {"model": model | {"max_position_embeddings": seq_len}, "train": train}


def shape(depth: int) -> dict[str, Any]:
    """The model: a Qwen 3 of that many layers."""
    head = next(head for least, head in HEAD_WIDTHS if depth * WIDTH_PER_LAYER >= least)
    # many heads come in pairs, so that there can be half as many for the keys
    pairs = 1 if head == HEAD_WIDTHS[-1][1] else 2
    heads = pairs * math.ceil(depth * WIDTH_PER_LAYER / head / pairs)
    width = heads * head
    return {
        "model_type": "qwen3",
        "hidden_size": width,
        "intermediate_size": math.ceil(8 * width / 3 / 32) * 32,
        "num_hidden_layers": depth,
        "num_attention_heads": heads,
        "num_key_value_heads": max(
            [divisor for divisor in range(1, heads // 2 + 1) if heads % divisor == 0], default=1
        ),
        "head_dim": head,
        "tie_word_embeddings": True,
    }


def parameters(model: dict[str, Any], vocab_size: int) -> int:
    """The weights of that shape, the embedding once."""
    width, inner, head = model["hidden_size"], model["intermediate_size"], model["head_dim"]
    queries, keys = model["num_attention_heads"] * head, model["num_key_value_heads"] * head
    block = width * (2 * queries + 2 * keys + 3 * inner) + 2 * width + 2 * head  # and the gains of its four norms
    return vocab_size * width + model["num_hidden_layers"] * block + width


def length(width: int, tokens: int, seq_len: int) -> dict[str, Any]:
    """The training: rates for the width, batch and steps for the horizon."""
    wished = BATCH_TOKENS * math.sqrt(tokens / BATCH_HORIZON) / seq_len
    rows = max(FEWEST_ROWS, 2 ** round(math.log2(wished)))
    steps = math.ceil(tokens / (rows * seq_len))
    return {
        "steps": steps,
        "batch_size": rows,
        "seq_len": seq_len,
        "learning_rate": float(f"{RATE * math.sqrt(RATE_WIDTH / width):.3g}"),
        "matrix_learning_rate": MATRIX_RATE,
        "warmup_steps": max(20, steps // 50),
        "validate_every": max(1, steps // 10),
        "sample_every": max(1, steps // 5),
        "checkpoint_every": min(500, max(50, steps // 20)),
    }
