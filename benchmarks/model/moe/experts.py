"""A layer of experts, forward and backward: grouped by expert, token by token, transformers' block, and a dense layer.

    python benchmarks/model/moe/experts.py

Mixtral's form at small sizes, the same weights in ours and in theirs, float32, one thread. The dense layer is as wide as the
experts that a token uses, so it does the same multiplications; "/ dense" is what routing and grouping cost. Runs are
interleaved and the best of each is taken. Token by token is timed on a 64th of the tokens and multiplied.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from groundup.machine.probe.timing import in_turns
from groundup.model.layers.feed_forward import GatedFeedForward
from groundup.model.layers.initialization import initialize
from groundup.model.moe.experts import MixtureOfExperts, mixture_reference
from groundup.processor import processor

TOKENS, HIDDEN, ROUNDS, PART = 2048, 192, 5, 64


def theirs(ours: MixtureOfExperts, intermediate: int, experts: int, top_k: int) -> nn.Module | None:
    """transformers' block with our weights; None where it is not installed."""
    try:
        from transformers.models.mixtral import modeling_mixtral as modeling
    except ImportError:
        return None
    config = modeling.MixtralConfig(
        hidden_size=HIDDEN, intermediate_size=intermediate, num_local_experts=experts, num_experts_per_tok=top_k
    )
    config._experts_implementation = "eager"  # a block outside its model has to be told
    block = modeling.MixtralSparseMoeBlock(config)
    block.load_state_dict(ours.state_dict())
    return block


def ways(experts: int, top_k: int, intermediate: int) -> dict[str, Callable[[], None]]:
    """Forward and backward by each way, on the same tokens."""
    ours = MixtureOfExperts(HIDDEN, intermediate, experts, top_k)
    dense = GatedFeedForward(HIDDEN, top_k * intermediate)
    for layer in (ours, dense):
        initialize(layer, layers=1, std=0.05, seed=0, scheme="normal")
    x = torch.randn(1, TOKENS, HIDDEN, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def one_by_one(x: Tensor) -> Tensor:
        few = x[:, : TOKENS // PART]
        routing = ours.gate(few)
        return mixture_reference(few[0], routing.experts, routing.weights, ours.experts.expert)

    forward: dict[str, Callable[[Tensor], Tensor]] = {"ours": ours, "dense": dense, "definition": one_by_one}
    peer = theirs(ours, intermediate, experts, top_k)
    if peer is not None:
        forward["transformers"] = peer
    return {name: (lambda way=way: way(x).sum().backward()) for name, way in forward.items()}


def interleaved(work: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Best processor seconds of each, taken in turns."""
    best = {name: min(times) for name, times in in_turns(work, ROUNDS, clock=time.thread_time).items()}
    best["definition"] *= PART
    return best


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, one thread, {TOKENS} tokens of {HIDDEN}, {processor()}, {time.strftime('%Y-%m-%d')}"
    )
    print(
        f"{'experts':>8}{'used':>6}{'width':>7}{'ours ms':>9}{'/ transformers':>16}{'/ definition':>14}{'/ dense':>9}"
    )
    for experts, top_k, intermediate in ((8, 2, 512), (16, 2, 256), (64, 8, 64)):
        best = interleaved(ways(experts, top_k, intermediate))
        peer = f"{best['transformers'] / best['ours']:.2f}x" if "transformers" in best else "-"
        print(
            f"{experts:>8}{top_k:>6}{intermediate:>7}{1e3 * best['ours']:>9.1f}{peer:>16}"
            f"{best['definition'] / best['ours']:>13.1f}x{best['dense'] / best['ours']:>8.2f}x"
        )


if __name__ == "__main__":
    main()
