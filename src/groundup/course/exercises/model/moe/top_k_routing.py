"""Exercise: choose the experts of each token."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, that


def odds(*rows):
    """Logits whose softmax has these proportions, a row a token."""
    import torch

    return torch.tensor(rows, dtype=torch.float32).log()


@check("shape")
def experts_and_weights(mine):
    """Gives something else than (experts, weights), both of shape (tokens, k)."""
    import torch

    for tokens, count, k in ((1, 3, 1), (4, 6, 2)):
        got = mine(torch.randn(tokens, count, generator=torch.Generator().manual_seed(0)), k)
        that(isinstance(got, tuple) and len(got) == 2, expected="a pair", got=got)
        sizes = tuple(tuple(part.shape) for part in got)
        that(
            sizes == ((tokens, k), (tokens, k)), expected=f"shapes {((tokens, k), (tokens, k))}", got=f"shapes {sizes}"
        )
        swapped = "Gives (weights, experts): the experts' numbers come first."
        that(not got[0].is_floating_point(), swapped, expected="whole numbers", got=got[0])


@check("dtype")
def weights_are_wide(mine):
    """Gives weights of another dtype: at least float32 (a rounded weight is another mixture), and float64 stays."""
    import torch

    for given, wanted in (
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
        (torch.bfloat16, torch.float32),
    ):
        dtype(mine(odds([1.0, 2.0, 4.0]).to(given), 2)[1], wanted)


@check("finite")
def large_logits(mine):
    """Overflows for large logits: let torch's softmax subtract the largest."""
    import torch

    finite(mine(torch.tensor([[1000.0, 999.0, 0.0]]), 2)[1])


@check("invariant")
def the_weights_sum_to_one(mine):
    """Gives weights that do not sum to 1: divide by the sum of the chosen probabilities."""
    weights = mine(odds([1.0, 3.0, 2.0, 4.0]), 2)[1]
    same(weights.sum(-1), weights.new_ones(1))


@check("values")
def by_hand(mine):
    """Chooses or weighs otherwise than by hand: of the odds 1 3 2 4 the best two are 3 (4/7) and 1 (3/7)."""
    import torch

    experts, weights = mine(odds([1.0, 3.0, 2.0, 4.0]), 2)
    mistakes = {
        "Chooses the least probable experts.": torch.tensor([[0, 2]]),
        "Lists the chosen from the least to the most probable: the most probable comes first.": torch.tensor([[1, 3]]),
    }
    same(experts, torch.tensor([[3, 1]]), mistakes=mistakes)
    mistakes = {
        "Weighs the chosen alike: the weights are their probabilities, divided by their sum.": torch.tensor(
            [[0.5, 0.5]]
        ),
        "Takes a softmax of probabilities: divide them by their sum.": torch.tensor([[0.4, 0.3]]).softmax(-1),
        "Gives the weights in another order than the experts.": torch.tensor([[3 / 7, 4 / 7]]),
        "Divides the logits by their sum: take the softmax first.": odds([4.0, 3.0]) / odds([4.0, 3.0]).sum(),
    }
    same(weights, torch.tensor([[4 / 7, 3 / 7]]), mistakes=mistakes)


@check("values")
def each_token_chooses(mine):
    """Mixes the tokens: each row chooses for itself."""
    import torch

    got = mine(odds([6.0, 2.0, 2.0], [1.0, 2.0, 7.0]), 1)
    same(got, (torch.tensor([[0], [2]]), torch.ones(2, 1)))


@check("values")
def all_of_them(mine):
    """With k as large as the number of experts, the weights are the softmax itself."""
    same(mine(odds([5.0, 3.0, 2.0]), 3)[1], odds([5.0, 3.0, 2.0]).exp() / 10)


@check("gradient")
def the_router_learns(mine):
    """Cuts the weights off from the logits, or has another gradient than the softmax over the chosen logits."""
    import torch

    logits = torch.randn(5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    chosen = logits.topk(2).indices
    gradients(lambda given: mine(given, 2)[1], lambda given: given.gather(1, chosen).softmax(-1), (logits,))


@check("speed")
def all_tokens_at_once(mine):
    """Is far slower than the reference: choose for all tokens at once, no loop in Python."""
    import torch

    from groundup.model.moe.routing import top_k_routing

    fast(mine, top_k_routing, (torch.randn(2048, 16, generator=torch.Generator().manual_seed(2)), 2))


RESULT = "return experts, weights / weights.sum(dim=-1, keepdim=True)"

EXERCISE = Exercise(
    slot="model.moe.top_k_routing",
    title="Which experts see a token: top-k routing",
    task="""
    A mixture of experts asks a router how well each expert suits a token, and lets only the best k compute. Take the softmax of the
    logits (in float32 at least), choose the k most probable experts of each token, the most probable first, and give them as weights
    their probabilities divided by the sum of the chosen, so that the mixture has the size of one expert's answer. Return
    (experts, weights). Choosing has no gradient: the router learns through the weights.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("model.moe.moe",),
    hints=(
        "torch.topk gives the k largest along an axis, in order, with their places.",
        "probabilities = logits.to(at least float32).softmax(-1); weights, experts = probabilities.topk(k, dim=-1).",
        "torch.promote_types(logits.dtype, torch.float32) is the dtype; divide weights by weights.sum(-1, keepdim=True).",
    ),
    run="groundup --mine my learn lesson model.moe.experts --run",
    checks=(
        experts_and_weights,
        weights_are_wide,
        large_logits,
        the_weights_sum_to_one,
        by_hand,
        each_token_chooses,
        all_of_them,
        the_router_learns,
        all_tokens_at_once,
    ),
    mutants=(
        Mutant(
            "weights first",
            "the experts' numbers come first",
            ((RESULT, "return weights / weights.sum(dim=-1, keepdim=True), experts"),),
        ),
        Mutant(
            "in the logits' dtype",
            "at least float32",
            (("logits.to(torch.promote_types(logits.dtype, torch.float32))", "logits"),),
        ),
        Mutant("not divided", "do not sum to 1", ((RESULT, "return experts, weights"),)),
        Mutant("the worst", "least probable experts", (("topk(k, dim=-1)", "topk(k, dim=-1, largest=False)"),)),
        Mutant("alike", "Weighs the chosen alike", ((RESULT, "return experts, weights * 0 + 1 / k"),)),
        Mutant("softmax twice", "Takes a softmax of probabilities", ((RESULT, "return experts, weights.softmax(-1)"),)),
        Mutant(
            "the other way round",
            "another order than the experts",
            ((RESULT, f"weights = weights.flip(-1)\n    {RESULT}"),),
        ),
        Mutant(
            "the first token chooses",
            "Mixes the tokens",
            ((RESULT, f"experts = experts[:1].expand_as(experts)\n    {RESULT}"),),
        ),
        Mutant(
            "the router does not learn",
            "cut off from its inputs",
            ((RESULT, f"weights = weights.detach()\n    {RESULT}"),),
        ),
    ),
)
