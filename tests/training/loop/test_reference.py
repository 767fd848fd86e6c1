"""The loop's losses beside those of a plain PyTorch loop over transformers' models, step by step, in fp32.

Both have the same weights, batches of unequal numbers of targets accumulated two at a time, clipping, a cosine with warm-up, and AdamW
that decays matrices alone. Rounding differs, and steps build on steps, so the curves part, by 2e-7 of the loss at most in 100 steps.
"""

import math
from types import SimpleNamespace

import pytest
import torch

from groundup.model.formats.huggingface import load_model
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss
from groundup.training.objectives.masked import masked_loss

transformers = pytest.importorskip("transformers")

ROWS, SEQ, VOCABULARY, TEXTS = 3, 24, 97, 6
CONFIG = TrainConfig(
    steps=100, batch_size=ROWS, seq_len=SEQ, gradient_accumulation_steps=2, optimizer="adamw", learning_rate=1e-3, weight_decay=0.1,
    schedule="cosine", warmup_steps=10, max_grad_norm=0.5,
)  # fmt: skip


def gpt():
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=VOCABULARY, n_positions=32, n_embd=64, n_layer=2, n_head=4, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    )  # fmt: skip


def bert():
    return transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=VOCABULARY, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, max_position_embeddings=32,
            hidden_dropout_prob=0, attention_probs_dropout_prob=0,
        )
    )  # fmt: skip


def batch(number):
    """A few texts, of which every row is asked about another number of places; id 0 is BERT's padding, whose vector is not learned there."""
    generator = torch.Generator().manual_seed(number % TEXTS)
    ids = torch.randint(1, VOCABULARY, (ROWS, SEQ + 1), generator=generator)
    ids[:, SEQ // 2 :] = ids[:, : SEQ // 2 + 1]
    asked = torch.rand(ROWS, SEQ, generator=generator) < torch.tensor([0.1, 0.5, 0.9])[:, None]
    return SimpleNamespace(
        input_ids=ids[:, :-1],
        targets=ids[:, 1:],
        loss_mask=asked,
        document_ids=torch.zeros(ROWS, SEQ, dtype=torch.int64),
        positions=torch.arange(SEQ).expand(ROWS, SEQ),
    )


def reference(model, steps=CONFIG.steps):
    """The losses, by what PyTorch brings."""
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    vectors = [weight for weight in model.parameters() if weight.dim() < 2]
    groups = [{"params": matrices, "weight_decay": CONFIG.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=CONFIG.learning_rate, betas=(0.9, 0.95), eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    losses = []
    for step in range(steps):
        parts = [batch(2 * step + part) for part in range(2)]
        total, loss = sum(int(part.loss_mask.sum()) for part in parts), 0.0
        for part in parts:
            labels = part.targets.masked_fill(~part.loss_mask, -100)
            scores = model(input_ids=part.input_ids, attention_mask=torch.ones_like(part.input_ids)).logits
            share = torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="sum") / total
            share.backward()
            loss += share.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CONFIG.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        losses.append(loss)
    return losses


def rate(step):
    """The factor at a step: up for ten steps, then down half a cosine to 0 after the last."""
    if step < 10:
        return (step + 1) / 10
    return 0.5 + 0.5 * math.cos(math.pi * (step - 10) / 90)


@pytest.mark.parametrize("make, objective", [(gpt, causal_loss), (bert, masked_loss)], ids=["gpt", "bert"])
def test_a_hundred_losses_are_those_of_a_plain_loop_over_transformers(make, objective, tmp_path):
    torch.manual_seed(0)
    theirs = make().train()
    theirs.save_pretrained(tmp_path)
    ours, losses = load_model(tmp_path), []
    ours.train()
    loop.train(ours, batch, CONFIG, objective=objective, listeners=[lambda event: losses.append(event.loss)])
    expected = reference(theirs)
    worst = max(abs(one / other - 1) for one, other in zip(losses, expected, strict=True))
    assert worst < 1e-5, worst
    assert losses[-1] < 0.6 * losses[0]
