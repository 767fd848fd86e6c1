"""Exercise: the few keys of a memory that answer a query best."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def heads(*rows):
    """One batch, one head."""
    import torch

    return torch.tensor([[[[float(one) for one in row] for row in rows]]])


def places(*rows):
    """One batch, one head, whole numbers."""
    import torch

    return torch.tensor([[list(row) for row in rows]])[None]


def case(batch, head, queries, kept, width):
    """Drawn queries and keys."""
    import torch

    source = torch.Generator().manual_seed(kept)
    return [torch.randn(batch, head, size, width, generator=source) for size in (queries, kept)]


def brute(query, keys, count):
    """Every product, sorted."""
    import torch

    every = torch.einsum("bhqd,bhkd->bhqk", query, keys).sort(-1, descending=True)
    return every.values[..., :count], every.indices[..., :count]


@check("shape")
def a_row_for_each_query(mine):
    """Gives something else than two tensors of shape (batch, heads, queries, count)."""
    for size in ((1, 1, 1, 2, 1), (1, 1, 2, 3, 2), (2, 3, 2, 5, 4)):
        for one in mine(*case(*size), 2):
            shape(one, (*size[:3], 2))


@check("shape")
def fewer_than_asked_for(mine):
    """Fails where the memory holds fewer keys than are asked for: then all of them are found."""
    for one in mine(*case(1, 1, 1, 2, 1), 5):
        shape(one, (1, 1, 1, 2))


@check("dtype")
def places_are_whole_numbers(mine):
    """The places are no whole numbers: products first, then places, which are used as an index."""
    import torch

    products, found = mine(*case(1, 1, 1, 2, 2), 1)
    dtype(products, torch.float32)
    dtype(found, torch.int64)


@check("values")
def the_largest_product(mine):
    """Does not find the key of largest dot product."""
    mistakes = {
        "Finds the smallest products: topk takes the largest unless it is told otherwise.": places([2]),
        "Goes by the distance or the angle: what attention compares is the dot product, where a longer key counts more.": places(
            [1]
        ),
    }
    same(mine(heads([1, 0]), heads([2, 2], [1, 0], [0.1, 0.2]), 1)[1], places([0]), mistakes=mistakes)


@check("values")
def a_large_negative_product_is_a_bad_answer(mine):
    """Goes by the size and not the sign: a large negative product is a bad answer."""
    same(mine(heads([1]), heads([3], [-9], [1]), 1)[1], places([0]))


@check("values")
def the_largest_first(mine):
    """Does not put the largest first."""
    mistakes = {
        "Puts the smallest of those found first.": places([2, 0]),
        "Keeps the order in which they stand in the memory: the largest comes first.": places([0, 2]),
    }
    same(
        mine(heads([1]), heads([5], [1], [4]), 2)[1],
        places([0, 2]),
        mistakes={"Puts the smallest of those found first.": places([2, 0])},
    )
    same(mine(heads([1]), heads([4], [1], [5]), 2)[1], places([2, 0]), mistakes=mistakes)


@check("values")
def the_products_come_as_they_are(mine):
    """Gives other numbers than the dot products: scaling and softmax come later."""
    mistakes = {
        "Divides by the root of head_dim: that belongs to the softmax, which comes later.": heads([3.0]),
        "Gives weights: the softmax comes later, over what was found.": heads([1.0]),
    }
    same(mine(heads([1, 1, 1, 1]), heads([3, 1, 1, 1], [0, 0, 0, 0]), 1)[0], heads([6.0]), mistakes=mistakes)


@check("values")
def every_head_searches_its_own_memory(mine):
    """Mixes heads, batches or queries: each query has its own neighbours, in the memory of its own head."""
    for size in ((1, 1, 2, 3, 2), (1, 2, 2, 4, 2), (2, 3, 4, 9, 5)):
        query, keys = case(*size)
        products, found = mine(query, keys, 2)
        meant = brute(query, keys, 2)
        same(found, meant[1])
        same(products, meant[0], rtol=1e-4)


@check("speed")
def all_queries_at_once(mine):
    """Is far slower than the reference: one matrix product and one topk for all queries."""
    from groundup.model.attention.memory import nearest_keys

    fast(mine, nearest_keys, (*case(1, 2, 64, 256, 16), 8))


PRODUCTS = "products = query @ keys.transpose(-2, -1)"
BEST = "best = products.topk(min(count, keys.shape[-2]), dim=-1)"
RESULT = "return best.values, best.indices"

EXERCISE = Exercise(
    slot="model.attention.nearest_keys",
    title="A memory of keys, searched for the nearest",
    task="""
    A Memorizing Transformer keeps the keys and values of very many tokens, far more than it could attend to. Each query asks for
    the few keys of largest dot product, and attends to these alone. Find them: give the products, largest first, and the
    places of their keys in the memory, both (batch, heads, queries, count). Every head has its own memory. Where it holds fewer
    than count keys, give all of them.
    """,
    difficulty=2,
    minutes=10,
    prerequisites=("model.attention.memory",),
    hints=(
        "All products are one matrix product: query @ keys.transpose(-2, -1), (batch, heads, queries, kept).",
        "tensor.topk(k, dim=-1) gives .values and .indices, sorted, largest first.",
        "topk fails where k is larger than the axis: take min(count, keys.shape[-2]).",
    ),
    run="groundup --mine my learn lesson model.attention.memory --run",
    checks=(
        a_row_for_each_query,
        fewer_than_asked_for,
        places_are_whole_numbers,
        the_largest_product,
        a_large_negative_product_is_a_bad_answer,
        the_largest_first,
        the_products_come_as_they_are,
        every_head_searches_its_own_memory,
        all_queries_at_once,
    ),
    mutants=(
        Mutant(
            "all of them",
            "something else than two tensors",
            ((BEST, BEST.replace("min(count, keys.shape[-2])", "keys.shape[-2]")),),
        ),
        Mutant(
            "as many as asked for",
            "out of range",
            ((BEST, BEST.replace("min(count, keys.shape[-2])", "count")),),
        ),
        Mutant("places first", "no whole numbers", ((RESULT, "return best.indices, best.values"),)),
        Mutant("the smallest", "Finds the smallest", ((BEST, BEST.replace("dim=-1", "dim=-1, largest=False")),)),
        Mutant("the size alone", "not the sign", ((PRODUCTS, f"{PRODUCTS}.abs()"),)),
        Mutant(
            "the angle",
            "distance or the angle",
            ((PRODUCTS, PRODUCTS.replace("keys.trans", "(keys / keys.norm(dim=-1, keepdim=True)).trans")),),
        ),
        Mutant(
            "smallest of them first",
            "smallest of those found",
            ((RESULT, "return best.values.flip(-1), best.indices.flip(-1)"),),
        ),
        Mutant(
            "in the memory's order",
            "order in which they stand",
            (
                (
                    RESULT,
                    "order = best.indices.argsort(-1)\n    return best.values.gather(-1, order), best.indices.gather(-1, order)",
                ),
            ),
        ),
        Mutant("scaled", "root of head_dim", ((PRODUCTS, f"{PRODUCTS} / query.shape[-1] ** 0.5"),)),
        Mutant("weights", "Gives weights", ((RESULT, "return best.values.softmax(-1), best.indices"),)),
        Mutant(
            "one memory for all heads",
            "Mixes heads",
            ((PRODUCTS, PRODUCTS.replace("keys.trans", "keys[:, :1].trans")),),
        ),
        Mutant(
            "a loop over queries",
            "far slower than the reference",
            source="""
            import torch


            def nearest_keys(query, keys, count):
                count = min(count, keys.shape[-2])
                every = torch.stack([torch.stack([(one * key).sum(-1) for key in keys.unbind(2)], -1) for one in query.unbind(2)], 2)
                best = every.topk(count, dim=-1)
                return best.values, best.indices
            """,
        ),
    ),
)
