"""Every family of the model room through the engine: greedy ids are those of transformers' own generate."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import Engine, EngineConfig, Request
from groundup.inference.engine.paged import PagedRunner
from groundup.inference.engine.runners import RowsRunner
from groundup.model.formats.huggingface import load_model

FAMILIES = Path(__file__).parents[2] / "model" / "test_families.py"
spec = importlib.util.spec_from_file_location("families_of_the_model_room", FAMILIES)
families = importlib.util.module_from_spec(spec)
spec.loader.exec_module(families)

ROWS = {
    "deepseek_v3",
    "deepseek_v3 odd",
    "falcon alibi",
    "bloom",
}  # latent attention, a bias by distance: a cache a row
QUICK = {"llama", "gemma3_text", "deepseek_v3", "falcon alibi"}
PROMPTS = [[5, 6, 7], [9, 8, 7, 6, 5, 4, 3, 11, 12, 13, 14], [40], [33, 44] * 9]


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in QUICK else pytest.mark.slow) for case in families.CASES]
)
def test_greedy_ids_are_those_of_transformers_generate(case, tmp_path, write_all, answer):
    oracle = families.theirs(case)
    oracle.save_pretrained(tmp_path)
    engine = Engine(
        SimpleNamespace(module=load_model(tmp_path)), EngineConfig(max_rows=3, max_tokens_a_step=8, page_size=4)
    )
    assert isinstance(engine.runner, RowsRunner if case in ROWS else PagedRunner)
    greedy = SamplingConfig(max_new_tokens=12, temperature=0.0)
    names = [engine.add(Request(prompt_ids=prompt, sampling=greedy)) for prompt in PROMPTS]
    told = write_all(engine)
    for name, prompt in zip(names, PROMPTS, strict=True):
        expected = oracle.generate(
            torch.tensor([prompt]),
            max_new_tokens=12,
            min_new_tokens=12,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
        assert answer(told[name])[0] == expected[0, len(prompt) :].tolist()
