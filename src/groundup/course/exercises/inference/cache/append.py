"""Exercise: write the keys of new tokens behind those that are kept."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import dtype, fast, same, shape, shown, that


def block(capacity, length, batch=1, heads=1, head_dim=1):
    """A block of memory with numbers in its first columns and -1 in the free ones."""
    import torch

    kept = torch.full((batch, heads, capacity, head_dim), -1.0)
    kept[:, :, :length] = torch.arange(1.0, batch * heads * length * head_dim + 1).reshape(
        batch, heads, length, head_dim
    )
    return kept


def tokens(count, batch=1, heads=1, head_dim=1):
    """New columns, of numbers that stand nowhere else."""
    import torch

    return 100 + torch.arange(float(batch * heads * count * head_dim)).reshape(batch, heads, count, head_dim)


def joined(kept, new, length):
    """What is to come back: the kept columns, then the new ones."""
    import torch

    return torch.cat([kept[:, :, :length], new], dim=2)


@check("shape")
def all_so_far_and_no_more(mine):
    """Gives back another number of columns than there are by now: the `length` that were kept and the new ones, without the free ones."""
    for capacity, length in ((2, 0), (3, 1), (8, 5)):
        shape(mine(block(capacity, length), tokens(1), length), (1, 1, length + 1, 1))


@check("shape")
def a_prompt_brings_many(mine):
    """Takes one new token only: a prompt brings many at once, so ask `new` how many it holds."""
    for count in (2, 3):
        try:
            shape(mine(block(5, 1), tokens(count), 1), (1, 1, 1 + count, 1))
        except RuntimeError as error:
            raise Failed(expected=f"{1 + count} columns", got=f"RuntimeError: {error}") from None


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the block."""
    import torch

    for kind in (torch.float32, torch.bfloat16):
        dtype(mine(block(3, 1).to(kind), tokens(1).to(kind), 1), kind)


@check("invariant")
def the_block_holds_the_new(mine):
    """Leaves the block as it was: the next step reads from it, so write the new columns into `kept` itself."""
    for capacity, length in ((2, 0), (3, 1)):
        kept, new = block(capacity, length), tokens(1)
        mine(kept, new, length)
        that((kept == 100).any(), expected="the new column (100) in kept", got=f"kept = {shown(kept)}")


@check("invariant")
def nothing_kept_is_lost(mine):
    """Overwrites columns that are kept: the new ones begin at column `length`, behind the last kept one."""
    for capacity, length in ((3, 1), (4, 2)):
        before, kept = block(capacity, length), block(capacity, length)
        mine(kept, tokens(1), length)
        same(kept[:, :, :length], before[:, :, :length])


@check("invariant")
def free_columns_stay_free(mine):
    """Writes into columns behind the new ones: they stay as they are until their own tokens come."""
    for capacity, length in ((2, 0), (4, 1)):
        kept = block(capacity, length)
        mine(kept, tokens(1), length)
        same(kept[:, :, length + 1 :], block(capacity, length)[:, :, length + 1 :])


@check("invariant")
def a_view_and_no_copy(mine):
    """Gives back a copy: a slice of `kept` is a view of the same memory and costs nothing, however long the text is."""
    kept = block(3, 1)
    got = mine(kept, tokens(1), 1)
    that(got.data_ptr() == kept.data_ptr(), expected="a view of kept", got="other memory")


@check("values")
def in_their_order(mine):
    """The new columns are not in the order in which they came."""
    for length, count in ((0, 2), (1, 3)):
        kept, new = block(5, length), tokens(count)
        expected = joined(kept, new, length)
        same(mine(kept, new, length), expected)


@check("values")
def every_row_and_every_head(mine):
    """Mixes rows, heads or numbers of a head: each has columns of its own, and only dim 2 grows."""
    for batch, heads, head_dim in ((2, 1, 1), (1, 2, 1), (2, 3, 4)):
        kept, new = block(3, 1, batch, heads, head_dim), tokens(2, batch, heads, head_dim)
        expected = joined(kept, new, 1)
        same(mine(kept, new, 1), expected)


@check("values")
def a_full_block_is_refused(mine):
    """Lets tokens pass that do not fit: torch cuts a slice at the end without a word, so assert that there is room first."""
    for capacity, length, count in ((1, 1, 1), (2, 1, 2)):
        try:
            got = mine(block(capacity, length), tokens(count), length)
        except AssertionError:
            continue
        except Exception as error:
            raise Failed(expected="AssertionError", got=f"{type(error).__name__}: {error}") from None
        raise Failed(expected="AssertionError", got=shown(got))


@check("speed")
def a_step_costs_the_new_tokens_only(mine):
    """Is far slower than the reference on a long text: touch the new columns only, and neither copy nor loop over the kept ones."""
    from groundup.inference.cache.kv_cache import append

    fast(mine, append, (block(4096, 4000, 1, 4, 64), tokens(1, 1, 4, 64), 4000))


EXERCISE = Exercise(
    slot="inference.cache.append",
    title="KV cache: keep what the next token needs",
    task="""
    To write the next token, attention needs the keys and values of all tokens before it. They do not change, so computing
    them again at every step is wasted: a text of n tokens would cost n² of them. A cache keeps them in a block of memory
    that is reserved once. `kept` is such a block; its first `length` columns (dim 2) are filled. Write the columns of the
    new tokens behind them, into `kept` itself, and give back a view of all columns that are filled by now, without
    copying. Where the new ones do not fit any more, raise an AssertionError.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("inference.cache.kv_cache",),
    hints=(
        "The new columns end at length + new.shape[2]; that number is needed three times.",
        "Writing to a slice, kept[:, :, first:last] = ..., changes the block in place; reading a slice copies nothing.",
        "assert end <= kept.shape[2] comes first; then write to columns length to end, and return columns 0 to end.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --temperature 0",
    changes=("kept",),
    checks=(
        all_so_far_and_no_more,
        a_prompt_brings_many,
        the_dtype_stays,
        the_block_holds_the_new,
        nothing_kept_is_lost,
        free_columns_stay_free,
        a_view_and_no_copy,
        in_their_order,
        every_row_and_every_head,
        a_full_block_is_refused,
        a_step_costs_the_new_tokens_only,
    ),
    mutants=(
        Mutant("the whole block", "another number of columns", (("return kept[:, :, :end]", "return kept"),)),
        Mutant("one token at a time", "Takes one new token only", (("length + new.shape[2]", "length + 1"),)),
        Mutant("in float", "another dtype", (("return kept[:, :, :end]", "return kept[:, :, :end].float()"),)),
        Mutant(
            "joined elsewhere",
            "Leaves the block as it was",
            (
                ("    kept[:, :, length:end] = new\n", "    kept = torch.cat([kept[:, :, :length], new], dim=2)\n"),
                ("from jaxtyping", "import torch\nfrom jaxtyping"),
            ),
        ),
        Mutant(
            "from the front",
            "Overwrites columns that are kept",
            (("kept[:, :, length:end] = new", "kept[:, :, : new.shape[2]] = new"),),
        ),
        Mutant(
            "to the end of the block",
            "Writes into columns behind",
            (
                (
                    "kept[:, :, length:end] = new",
                    "kept[:, :, length:end] = new\n    kept[:, :, end:] = new[:, :, -1:]",
                ),
            ),
        ),
        Mutant("a copy", "Gives back a copy", (("return kept[:, :, :end]", "return kept[:, :, :end].clone()"),)),
        Mutant(
            "the newest first",
            "not in the order in which they came",
            (("kept[:, :, length:end] = new", "kept[:, :, length:end] = new.flip(2)"),),
        ),
        Mutant(
            "the first row for all",
            "Mixes rows, heads",
            (("kept[:, :, length:end] = new", "kept[:, :, length:end] = new[:1]"),),
        ),
        Mutant(
            "no look at the room",
            "Lets tokens pass that do not fit",
            (('    assert end <= kept.shape[2], f"the cache holds {kept.shape[2]} positions, not {end}"\n', ""),),
        ),
        Mutant(
            "all columns written again",
            "far slower than the reference",
            (
                (
                    "kept[:, :, length:end] = new",
                    "kept[:, :, length:end] = new\n    kept.copy_(kept.clone())",
                ),
            ),
        ),
    ),
)
