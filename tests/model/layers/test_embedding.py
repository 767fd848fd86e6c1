"""An embedding is a one-hot vector times a matrix, handed out in the dtype of computation."""

import torch

from groundup.model.layers.embedding import Embedding, Head


def test_looking_up_equals_a_one_hot_vector_times_the_matrix():
    embedding, ids = Embedding(7, 3), torch.tensor([[0, 6, 2]])
    torch.nn.init.normal_(embedding.weight)
    one_hot = torch.nn.functional.one_hot(ids, 7).float()
    assert torch.equal(embedding(ids), one_hot @ embedding.weight)


def test_it_decides_the_dtype_of_computation_and_keeps_its_own():
    embedding = Embedding(7, 3)
    torch.nn.init.normal_(embedding.weight)
    embedding.compute_dtype = torch.bfloat16
    assert embedding(torch.tensor([[1]])).dtype == torch.bfloat16 and embedding.weight.dtype == torch.float32


def test_a_scale_is_rounded_to_the_dtype_of_the_rows_first():
    """Gemma was trained so: sqrt(3072) = 55.4 is 55.5 in bf16 (huggingface/transformers#29402)."""
    embedding = Embedding(7, 3, scale=3072**0.5)
    torch.nn.init.ones_(embedding.weight)
    assert embedding(torch.tensor([[1]]))[0, 0, 0].item() == torch.tensor(3072**0.5).item()
    embedding.compute_dtype = torch.bfloat16
    assert embedding(torch.tensor([[1]]))[0, 0, 0].item() == 55.5


def test_a_head_scales_then_caps():
    head = Head(2, 1, bias=True, scale=0.5, cap=3.0)
    torch.nn.init.ones_(head.weight), torch.nn.init.ones_(head.bias)
    assert torch.allclose(head(torch.tensor([[3.0, 4.0]])), 3 * torch.tanh(torch.tensor([[8.0 * 0.5 / 3]])))
