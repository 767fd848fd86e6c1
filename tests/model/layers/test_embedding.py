"""An embedding is a one-hot vector times a matrix, handed out in the dtype of computation."""

import torch

from groundup.model.layers.embedding import Embedding


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
