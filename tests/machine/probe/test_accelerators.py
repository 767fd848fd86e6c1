"""Published figures: textbook ridge points, sources for all, units that fit together, and one sentence for what is missing."""

import pytest

from groundup.errors import ConfigError, InputError
from groundup.machine.probe.accelerators import Times, accelerator, accelerators, entry, times


def test_the_ridge_points_that_textbooks_quote():
    assert accelerator("a100").ridge() == pytest.approx(153, abs=0.5)  # 312e12 / 2.039e12
    assert accelerator("h100").ridge() == pytest.approx(295, abs=0.5)  # 989e12 / 3.35e12
    assert accelerator("tpu-v5e").ridge() == pytest.approx(240, abs=1)  # 1.97e14 / 8.2e11, "How to scale your model"


@pytest.mark.parametrize("device", accelerators().values(), ids=lambda device: device.id)
def test_every_entry_has_a_source_and_units_that_fit_together(device):
    assert all(source.title and source.url.startswith("https://") for source in device.sources)
    assert all(url.startswith("https://") for url in device.read_at) and device.read_at
    assert 2015 < device.year < 2030 and device.units
    for peak in (*device.peak.values(), *device.sparse.values()):
        assert 1e13 < peak < 1e18, "operations a second"
    for dtype, sparse in device.sparse.items():
        assert sparse > 1.5 * device.peak.get(dtype, 0), "sparsity is stated as about twice the dense peak, or more"
    if device.memory_bytes is not None:
        assert 1e8 < device.memory_bytes < 1e12
        assert 5e10 < (device.memory_bytes_per_s or 1e12) < 1e17, "bytes a second"
        assert 1e-6 < device.memory_bytes / device.bandwidth() < 1, "read once in less than a second"
    if device.link_bytes_per_s is not None and device.kind != "NPU":
        assert device.link and device.link_bytes_per_s < device.bandwidth(), "a link is slower than the memory"
    assert all(size > 1e6 for size in device.levels.values())


@pytest.mark.parametrize("device", accelerators().values(), ids=lambda device: device.id)
def test_narrower_numbers_are_never_slower(device):
    widths = ("float32", "tfloat32", "bfloat16", "float8", "float4")
    peaks = [device.peak[width] for width in widths if width in device.peak]
    assert peaks == sorted(peaks)


def test_all_kinds_that_the_topic_names_are_there():
    kinds = {device.kind for device in accelerators().values()}
    assert {"GPU", "TPU", "NPU", "training chip", "inference chip", "wafer"} <= kinds


def test_the_longest_of_three_is_the_time_and_the_bound():
    a100 = accelerator("a100")
    assert times(a100, 312e12, 2039e8) == Times(1.0, 0.1)
    assert times(a100, 312e11, 2039e9).bound == "memory" and times(a100, 1, 1, link_s=1.0).bound == "link"
    assert times(a100, 624e12, 0, dtype="int8").seconds == 1.0 and times(a100, 312e12, 0, dtype="bf16").seconds == 1.0


def test_what_is_not_stated_is_said_in_one_sentence():
    with pytest.raises(InputError, match=r"no figures of an accelerator 'h10'; did you mean h100\?"):
        accelerator("h10")
    with pytest.raises(
        ConfigError, match="of Groq LPU .* no dense peak in bfloat16 is stated; what is stated: float16, int8"
    ):
        times(accelerator("groq"), 1, 1)
    with pytest.raises(ConfigError, match="of Cerebras WSE-3 no dense peak .*: none without sparsity"):
        accelerator("cerebras").flops("float16")
    with pytest.raises(ConfigError, match="of Intel .* no memory bandwidth is stated; choose another"):
        accelerator("intel-npu4").ridge("unstated")


def test_a_table_without_a_source_or_with_a_key_without_meaning_is_refused():
    good = {
        "name": "chip",
        "kind": "GPU",
        "year": 2024,
        "units": "one",
        "sources": [{"title": "sheet", "url": "https://x"}],
    }
    assert entry("chip", good | {"memory_gib": 1}).memory_bytes == 2**30
    with pytest.raises(ConfigError, match=r"\[chip\] has no sources; give the title and url"):
        entry("chip", good | {"sources": []})
    with pytest.raises(ConfigError, match=r"\[chip\]: peak_tflops has no meaning; use .*peak_t"):
        entry("chip", good | {"peak_tflops": {}})
