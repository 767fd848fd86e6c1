"""Formats: how a model lies on the disk, ours and other people's.

huggingface   the model folder that the whole ecosystem reads; `names` of each family's weights, `shards` of its files
gguf          llama.cpp's file, byte by byte; `gguf_config` its keys, `gguf_model` its weights
llama2c       llama2.c's checkpoint: numbers without a name
hub, fetch    a model of the hub by its id; a folder of whatever one has
onnx, export  a model as a graph for other runtimes; one way out for all forms
"""
