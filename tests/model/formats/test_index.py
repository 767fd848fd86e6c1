import json
import subprocess
import sys

import pytest

from groundup.errors import FormatError
from groundup.model.formats.index import weight_map
from groundup.model.summary.reading import headers, look

DAMAGED = [
    ("[]", "has no weight_map"),
    ('{"weight_map": []}', "has no weight_map"),
    ('{"weight_map": {}}', "has no weight_map"),
    ('{"weight_map": {"a": 3}}', "names 3 for a"),
    ('{"weight_map": {"a": "../b.safetensors"}}', "no file beside it"),
    ('{"weight_map": {"a": "pytorch_model.bin"}}', "a pickle is never loaded"),
    ("{", "is damaged|not valid|JSON"),
]


def test_the_map_is_what_the_index_says(tmp_path):
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
    assert weight_map(path) == {"a": "one.safetensors", "b": "two.safetensors"}


@pytest.mark.parametrize("written, words", DAMAGED)
def test_a_damaged_index_is_one_sentence_to_whoever_reads_it(written, words, tmp_path):
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(written)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    for read in (lambda: weight_map(path), lambda: headers(tmp_path)):
        with pytest.raises(FormatError, match=words) as caught:
            read()
        assert "\n" not in str(caught.value)
    assert look(tmp_path).refused  # `inspect` says it, with what else is there


def test_no_torch_is_loaded_for_it():
    code = "import sys, groundup.model.formats.index, groundup.model.summary.reading; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
