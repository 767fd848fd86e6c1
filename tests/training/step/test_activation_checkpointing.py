"""Recomputed and offloaded blocks against the plain pass (bit for bit), torch.utils.checkpoint, and the bytes that stay."""

import errno
import os
import weakref
from types import SimpleNamespace

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from groundup.errors import ConfigError, DiskFull
from groundup.model.architectures import FAMILIES, build
from groundup.model.attention import masks
from groundup.training.config import TrainConfig
from groundup.training.loop import train
from groundup.training.objectives.balanced import Balanced
from groundup.training.objectives.causal import causal_loss
from groundup.training.step import activation_checkpointing as module

SIZES = dict(vocab_size=64, hidden_size=32, intermediate_size=56, num_hidden_layers=3, num_attention_heads=4)
IDS = torch.randint(0, 64, (2, 16), generator=torch.Generator().manual_seed(0))
MODES = {"layers": module.recomputing, "offload": module.offloading}


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch):
    """Offload small tensors too."""
    monkeypatch.setattr(module, "SMALL", 0)


def model(family, **changes):
    return build(FAMILIES[family][0](**SIZES | changes), seed=0)


def llama():
    return model("llama", num_key_value_heads=2)


def gradients(made, run):
    """The loss of a run and the gradients of all parameters."""
    made.zero_grad(set_to_none=True)
    loss = run(made)
    loss.backward()
    return [loss.detach(), *(parameter.grad for parameter in made.parameters())]


def equal(ones, others):
    return all(
        (one is None and other is None) or torch.equal(one, other) for one, other in zip(ones, others, strict=True)
    )


RUNS = {
    "decoder": (llama, lambda made: made(IDS).square().sum()),
    "packed": (llama, lambda made: made(IDS, masks.documents((IDS > 30).long().cumsum(1))).square().sum()),
    "windows": (lambda: model("mistral", sliding_window=5), lambda made: made(IDS).square().sum()),
    "bf16": (llama, lambda made: (setattr(made, "compute_dtype", torch.bfloat16), made(IDS).float().square().sum())[1]),
    "gpt2": (lambda: model("gpt2", intermediate_size=128), lambda made: made(IDS).square().sum()),
    "encoder": (lambda: model("bert"), lambda made: made(IDS, masks.padding(IDS > 3)).square().sum()),
    "encoder-decoder": (lambda: model("t5"), lambda made: made(IDS, IDS, IDS > 3).square().sum()),
    "experts": (
        lambda: model("mixtral", num_local_experts=4, num_experts_per_tok=2),
        lambda made: made(IDS).square().sum(),
    ),
}


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", RUNS)
def test_gradients_are_those_of_the_plain_pass_bit_for_bit(name, mode, every):
    make, run = RUNS[name]
    made = make()
    plain = gradients(made, run)
    with MODES[mode](made, every):
        assert equal(gradients(made, run), plain)
    assert not any("forward" in part.__dict__ for part in made.modules())


@pytest.mark.parametrize("name", RUNS)
def test_the_papers_form_gives_them_too(name, monkeypatch):
    make, run = RUNS[name]
    made = make()
    plain = gradients(made, run)
    monkeypatch.setattr(module, "filled", lambda slot: slot == module.SLOT)
    with module.recomputing(made):
        assert equal(gradients(made, run), plain)


class Dropping(torch.nn.Module):
    """A part that draws."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(8, 8)

    def forward(self, x):
        return torch.nn.functional.dropout(self.linear(x).tanh(), 0.5)


@pytest.mark.parametrize("form", [module.recompute, module.recompute_reference])
def test_what_is_drawn_is_drawn_again_as_by_torchs_own(form):
    part, found = Dropping(), {}
    for name in ("plain", "torch", "ours"):
        torch.manual_seed(3)
        x = torch.ones(4, 8, requires_grad=True)
        part.zero_grad(set_to_none=True)
        if name == "torch":
            made = checkpoint(part, x, use_reentrant=False)
        else:
            more = {"module": part} if form is module.recompute_reference else {}
            made = part(x) if name == "plain" else form(part, x, **more)
        after = torch.rand(1)  # drawn in between: the way back must not come by it
        made.square().sum().backward()
        found[name] = [made.detach(), x.grad, *(one.grad for one in part.parameters()), after, torch.rand(1)]
    assert equal(found["plain"], found["torch"]) and equal(found["plain"], found["ours"])


@pytest.mark.parametrize("form", [module.recompute, module.recompute_reference])
def test_parameters_learn_where_no_argument_does(form):
    part, x = torch.nn.Linear(3, 3), torch.ones(2, 3)
    more = {"module": part} if form is module.recompute_reference else {}
    form(part, x, **more).sum().backward()
    assert torch.equal(part.weight.grad, torch.full((3, 3), 2.0))


def test_a_second_way_back_runs_again_once_more():
    part, x, runs = torch.nn.Linear(3, 3), torch.ones(2, 3, requires_grad=True), []

    def counted(given):
        runs.append(1)
        return part(given).tanh()

    made = module.recompute(counted, x).sum()
    made.backward(retain_graph=True)
    first = x.grad.clone()
    made.backward()
    assert torch.equal(x.grad, 2 * first) and len(runs) == 3


def test_without_gradients_nothing_is_kept_and_nothing_runs_twice(monkeypatch):
    made = llama()
    monkeypatch.setattr(module, "recompute", lambda *_: pytest.fail("recomputed"))
    with torch.no_grad(), module.recomputing(made):
        made(IDS)


def batch_of(ids):
    kept = torch.ones_like(ids, dtype=torch.bool)
    kept[0, 5:] = False
    documents = torch.zeros_like(ids)
    documents[1, 9:] = -1
    return SimpleNamespace(
        input_ids=ids,
        targets=ids.roll(-1, 1),
        loss_mask=kept,
        document_ids=documents,
        positions=torch.arange(16).expand(2, 16),
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("slot", [False, True])
def test_the_routers_are_watched_once_and_their_balance_still_teaches(mode, slot, monkeypatch):
    monkeypatch.setattr(module, "filled", lambda name: slot and name == module.SLOT)
    made = model("mixtral", num_local_experts=4, num_experts_per_tok=2)
    loads, found = [], []
    for less in (False, True):
        watched = Balanced(causal_loss, coefficient=0.5)
        kept = TrainConfig(activation_checkpointing=mode if less else "none")
        objective = module.with_less_kept(made, watched, kept)
        found.append(gradients(made, lambda made, objective=objective: objective(made, batch_of(IDS))[0]))
        loads.append(watched.loads)
    assert equal(*found)
    assert loads[0].keys() == loads[1].keys()
    assert all(torch.equal(loads[0][name], loads[1][name]) for name in loads[0])
    assert all(load.sum() == 2 * (32 - 7) for load in loads[1].values())


def test_an_offloaded_tensor_is_not_in_memory_any_more():
    made = llama()
    with module.offloading(made) as elsewhere:
        x = torch.randn(4, 8, requires_grad=True)
        y = (x * 2).contiguous()
        gone = weakref.ref(y)
        packed = elsewhere.pack(y.T)
        again = elsewhere.pack(y)
    want = y.detach().T.clone()
    del y
    assert gone() is None and elsewhere.bytes == 4 * 32, "one storage is written once"
    assert torch.equal(elsewhere.unpack(packed), want) and torch.equal(elsewhere.unpack(again), want.T)


def test_a_storage_at_an_address_used_before_is_another():
    elsewhere = module.Elsewhere()
    packed = [elsewhere.pack(torch.full((64,), float(number))) for number in range(50)]
    assert [elsewhere.unpack(one)[0].item() for one in packed] == list(range(50))


def test_what_was_changed_in_place_is_written_again():
    elsewhere, x = module.Elsewhere(), torch.zeros(64)
    first = elsewhere.pack(x)
    x += 1
    assert elsewhere.unpack(first)[0] == 0 and elsewhere.unpack(elsewhere.pack(x))[0] == 1


def test_no_file_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(tmp_path))
    made = llama()
    with module.offloading(made) as elsewhere:
        loss = made(IDS).sum()
    assert elsewhere.bytes and not os.listdir(tmp_path)
    loss.backward()


def test_a_full_disk_is_said_with_the_way_out(tmp_path, monkeypatch):
    def full(*told):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(module.os, "pwrite", full)
    made = llama()
    with (
        module.offloading(made),
        pytest.raises(DiskFull, match=f"no space left in {tmp_path} .* set TMPDIR to a folder"),
    ):
        made(IDS)


def test_a_folder_in_memory_is_refused(tmp_path, monkeypatch):
    (tmp_path / "mounts").write_text(f"disk / ext4 rw 0 0\ntmpfs {tmp_path} tmpfs rw 0 0\n")
    monkeypatch.setattr(module, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(tmp_path))
    with pytest.raises(ConfigError, match="kept in memory itself and saves nothing; set TMPDIR to a folder on a disk"):
        module.with_less_kept(llama(), causal_loss, TrainConfig(activation_checkpointing="offload"))


def test_a_model_without_blocks_is_refused():
    with pytest.raises(ConfigError, match="Linear has none; use 'none'"):
        module.with_less_kept(torch.nn.Linear(2, 2), causal_loss, TrainConfig(activation_checkpointing="layers"))


def test_none_is_the_objective_itself():
    assert module.with_less_kept(None, causal_loss, TrainConfig()) is causal_loss


@pytest.mark.parametrize("mode", MODES)
def test_a_run_ends_with_the_same_weights(mode, tiny, batches):
    ends = []
    for chosen in ("none", mode):
        made = tiny()
        train(made, batches, TrainConfig(steps=3, batch_size=4, seq_len=16, activation_checkpointing=chosen))
        ends.append([parameter.detach() for parameter in made.parameters()])
    assert equal(*ends)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"activation_checkpointing": "all"}, "use 'none', 'layers' or 'offload'"),
        ({"activation_checkpointing_every": 0}, "use 1 for all blocks"),
        ({"activation_checkpointing": "layers", "compile": True}, "leave one of them out"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        TrainConfig(**changes)
