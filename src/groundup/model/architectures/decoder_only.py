"""GPT-1, GPT-2, GPT-3: one shape in three years; what was changed, what it was fed, and what that cost.

    2018  GPT-1   the 2017 decoder without its encoder: a norm behind each sum, learned positions, GELU      books
    2019  GPT-2   norms before each part and one at the end; first weights of what writes to the stream
                  divided by sqrt(2 layers); 1,024 tokens of context; byte-level pieces                       linked pages
    2020  GPT-3   the same blocks, every other one with local attention (in a pattern that was never
                  published, left out here); 2,048 tokens of context; a hundred times the operations          the filtered web

Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training"; Radford et al. 2019, "Language Models are
Unsupervised Multitask Learners", table 2; Brown et al. 2020, arXiv:2005.14165, tables 2.1, 2.2 and D.1. Figures are what those
say, None what they do not: GPT-2's tokens and compute were never published. GPT-1's compute is from OpenAI's
page about it: 8 GPUs for a month, 0.96 petaflop/s-days.

Two published rows contradict themselves, and are kept as they are used: GPT-3 XL's 24 heads of 128 are not its width of 2,048,
and GPT-3 13B's width of 5,140 is not 40 heads of 128 (`config` takes the width that the parameters agree with). GPT-2's sizes are given
as 117M to 1,542M, and the files that were released hold 124M to 1,558M.

What each step is worth at a small size: `groundup run gpt-steps`.
"""

from dataclasses import dataclass
from typing import Any

from groundup.errors import InputError
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.architectures.openai_gpt import OpenAIGPTConfig

PETAFLOP_DAY = 1e15 * 86400  # operations
GPT3_TOKENS = 300_000_000_000

Share = tuple[str, float, float]  # source, its share of what is read in percent, how often it is read


@dataclass(frozen=True, slots=True)
class Published:
    """A model as its paper describes it. batch: tokens a step. petaflop_days: of training."""

    name: str
    year: int
    parameters: float
    layers: int
    width: int
    heads: int
    context: int
    vocab: int
    data: str
    tokens: float | None = None
    batch: float | None = None
    rate: float | None = None
    petaflop_days: float | None = None
    width_used: int = 0  # where the width that is published does not fit its heads

    @property
    def operations(self) -> float | None:
        """Of training, where they are published."""
        return None if self.petaflop_days is None else self.petaflop_days * PETAFLOP_DAY

    def config(self) -> Any:
        """Its shape as a configuration that can be counted, or built and trained."""
        family = OpenAIGPTConfig if self.year == 2018 else GPT2Config
        return family(
            vocab_size=self.vocab,
            hidden_size=self.width_used or self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            max_position_embeddings=self.context,
        )


BOOKS = "BooksCorpus: over 7,000 unpublished books"
WEBTEXT = "WebText: 8 million pages linked from Reddit, 40 GB"
MIXTURE: tuple[Share, ...] = (
    ("Common Crawl, filtered (410 billion tokens)", 60, 0.44),
    ("WebText2 (19 billion)", 22, 2.9),
    ("Books1 (12 billion)", 8, 1.9),
    ("Books2 (55 billion)", 8, 0.43),
    ("Wikipedia (3 billion)", 3, 3.4),
)  # GPT-3's, table 2.2
WEB = "filtered Common Crawl, WebText2, Books1, Books2, Wikipedia"


def _gpt2(name: str, parameters: float, layers: int, width: int, heads: int) -> Published:
    return Published(name, 2019, parameters, layers, width, heads, 1024, 50257, WEBTEXT, batch=512 * 1024)


def _gpt3(
    name: str, size: float, layers: int, width: int, heads: int, batch: float, rate: float, days: float, used: int = 0
) -> Published:
    return Published(name, 2020, size, layers, width, heads, 2048, 50257, WEB, GPT3_TOKENS, batch, rate, days, used)


PUBLISHED = (
    # 100 epochs of rows of 512 tokens, 64 a step; how many tokens the books are is not said
    Published("gpt-1", 2018, 117e6, 12, 768, 12, 512, 40478, BOOKS, batch=64 * 512, rate=2.5e-4, petaflop_days=0.96),
    _gpt2("gpt-2", 124e6, 12, 768, 12),
    _gpt2("gpt-2-medium", 355e6, 24, 1024, 16),
    _gpt2("gpt-2-large", 774e6, 36, 1280, 20),
    _gpt2("gpt-2-xl", 1558e6, 48, 1600, 25),
    _gpt3("gpt-3-small", 125e6, 12, 768, 12, 0.5e6, 6.0e-4, 2.60),
    _gpt3("gpt-3-medium", 350e6, 24, 1024, 16, 0.5e6, 3.0e-4, 7.42),
    _gpt3("gpt-3-large", 760e6, 24, 1536, 16, 0.5e6, 2.5e-4, 15.8),
    _gpt3("gpt-3-xl", 1.3e9, 24, 2048, 24, 1e6, 2.0e-4, 27.5, 2064),
    _gpt3("gpt-3-2.7b", 2.7e9, 32, 2560, 32, 1e6, 1.6e-4, 55.2),
    _gpt3("gpt-3-6.7b", 6.7e9, 32, 4096, 32, 2e6, 1.2e-4, 139.0),
    _gpt3("gpt-3-13b", 13.0e9, 40, 5140, 40, 2e6, 1.0e-4, 268.0, 5120),
    _gpt3("gpt-3", 175e9, 96, 12288, 96, 3.2e6, 0.6e-4, 3640.0),
)


def published(name: str) -> Published:
    """The model of that name, such as "gpt-2-xl" or "gpt-3"."""
    for one in PUBLISHED:
        if one.name == name:
            return one
    raise InputError(f"there is no {name!r} in the table; it has {', '.join(one.name for one in PUBLISHED)}")


def table() -> list[dict[str, Any]]:
    """Every model as a row: what is published, and beside it what `model.accounting` counts for its shape.

    counted_operations: of all its tokens in the context it was trained with; None where the tokens are not published.
    """
    from groundup.model.accounting import count

    rows = []
    for one in PUBLISHED:
        counted = count(one.config())
        total = None if one.tokens is None else one.tokens * counted.training_flops_per_token(one.context)
        row = {name: getattr(one, name) for name in Published.__slots__ if name != "width_used"}
        rows.append(
            row | {"operations": one.operations, "counted_parameters": counted.parameters, "counted_operations": total}
        )
    return rows
