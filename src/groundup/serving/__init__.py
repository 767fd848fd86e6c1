"""Serving: a model behind a port, for clients that others wrote.

    api          what is said over the wire: OpenAI's and Anthropic's requests and answers
    limits       who may ask how much, and what a flood is answered with
    scheduling   whose turn it is
    encoders     sentence encoders

Needs the extra `serve`; nothing here is imported before `groundup serve` is called.
"""
