"""Loading a model folder: seconds and peak memory of `load_model` beside transformers' from_pretrained.

    python benchmarks/model/formats/huggingface.py [megabytes]

A random Llama and a random GPT-2 of about that size in float32, written once. Each load, with one forward of 16 tokens, runs in a
process of its own whose libraries are imported before the clock starts; the ways are taken in turns and the median is shown.
"touch" reads every page of the file once, what no loader can do without. Memory: the peak of the process less what it held
before, as a multiple of the file; pages of the mapped file count in it.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 5
FAMILIES = ("llama", "gpt2")

CHILD = """
import json, sys, time
import numpy, torch
torch.set_num_threads(1)
way, folder = sys.argv[1:]
if way == "transformers":
    import transformers
    transformers.logging.disable_progress_bar()
    transformers.AutoModelForCausalLM, transformers.LlamaForCausalLM, transformers.GPT2LMHeadModel
else:
    from groundup.model import parts
    from groundup.model.formats.huggingface import load_model

def resident():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(lines["VmHWM"].split()[0]), int(lines["VmRSS"].split()[0])

ids, held, start = torch.arange(16)[None], resident()[1], time.perf_counter()
with torch.inference_mode():
    if way == "touch":
        numpy.fromfile(folder + "/model.safetensors", dtype=numpy.uint8)[::4096].sum()
    elif way == "transformers":
        module = transformers.AutoModelForCausalLM.from_pretrained(folder)
        loaded = time.perf_counter() - start
        module(ids).logits
    else:
        module = load_model(folder)
        loaded = time.perf_counter() - start
        module(ids)
seconds = time.perf_counter() - start
print(json.dumps([locals().get("loaded", seconds), seconds, (resident()[0] - held) * 1024]))
"""


def made(folder: Path, family: str, megabytes: int) -> int:
    """Write a random model of about this size; its bytes."""
    from groundup.model.architectures import FAMILIES as known
    from groundup.model.architectures import build
    from groundup.model.formats.huggingface import save_model

    layers = max(1, round((megabytes * 1e6 / 4 - 2 * 32_000 * 768) / (12 * 768**2)))
    sizes = dict(vocab_size=32_000, hidden_size=768, num_hidden_layers=layers, num_attention_heads=12)
    if family == "llama":
        sizes["intermediate_size"] = 2048
    save_model(folder, build(known[family][0](**sizes), seed=0, scheme="normal"), max_shard_size="1TB")
    return (folder / "model.safetensors").stat().st_size


def measure(way: str, folder: Path) -> list[float]:
    """Seconds to load, seconds to load and answer, bytes at the peak."""
    done = subprocess.run([sys.executable, "-c", CHILD, way, str(folder)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Print the table."""
    import safetensors
    import torch
    import transformers

    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print(
        f"torch {torch.__version__}, transformers {transformers.__version__}, safetensors {safetensors.__version__}, 1 thread"
    )
    print(f"{'family':8}{'way':14}{'load s':>8}{'+ forward s':>13}{'peak / file':>13}")
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "model"
            size = made(folder, family, megabytes)
            runs = [{way: measure(way, folder) for way in ("touch", "groundup", "transformers")} for _ in range(ROUNDS)]
        for way in runs[0]:
            loaded, whole, peak = (statistics.median(run[way][part] for run in runs) for part in range(3))
            print(f"{family:8}{way:14}{loaded:8.3f}{whole:13.3f}{peak / size:13.2f}")


if __name__ == "__main__":
    main()
