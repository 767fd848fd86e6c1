import pytest
import torch
from tests.tuning.efficient.conftest import drawn
from torch.nn import functional

from groundup.errors import ConfigError
from groundup.tuning.efficient.config import BottleneckConfig, IA3Config
from groundup.tuning.efficient.many import apply


@pytest.mark.parametrize("parallel", [False, True])
def test_a_bottleneck_adds_what_its_two_layers_make_of_the_part(make, ids, parallel):
    adapted = apply(make(), BottleneckConfig(width=4, parallel=parallel, scaling=0.5, target_modules=("mlp",)))
    with torch.no_grad(), adapted.disabled():
        base = adapted(ids)
    with torch.no_grad():
        assert torch.equal(adapted(ids), base), "it begins as nothing"
        drawn(adapted, 2, 0.2)
        path, place, part = next(adapted.around("default"))
        x = torch.randn(2, 3, 32)
        y = place.base_layer(x)
        middle = functional.relu((x if parallel else y) @ part.down.T + part.down_bias)
        torch.testing.assert_close(place(x), y + 0.5 * (middle @ part.up.T + part.up_bias))
    assert path == "model.layers.0.mlp"


def test_ia3_scales_outputs_and_inside_of_the_feed_forward_inputs(make):
    adapted = drawn(apply(make(), IA3Config()), 2, 0.3)
    shapes = {path.rpartition(".")[2]: tuple(part.ia3_l.shape) for path, _, part in adapted.around("default")}
    assert shapes == {"k_proj": (16, 1), "v_proj": (16, 1), "down_proj": (1, 48)}
    for path, place, part in adapted.around("default"):
        x = torch.randn(5, place.base_layer.weight.shape[1])
        scale = part.ia3_l.flatten()
        wanted = place.base_layer(x * scale) if path.endswith("down_proj") else place.base_layer(x) * scale
        torch.testing.assert_close(place(x), wanted)


def test_what_cannot_be_is_refused(make):
    with pytest.raises(ConfigError, match="wider than the model"):
        apply(make(), BottleneckConfig(width=40))
    with pytest.raises(ConfigError, match="no matrix 'mpl'; did you mean 'mlp'"):
        apply(make(), BottleneckConfig(width=4, target_modules=("mpl",)))
    with pytest.raises(ConfigError, match="no target_modules"):
        IA3Config(target_modules=("k_proj",))
