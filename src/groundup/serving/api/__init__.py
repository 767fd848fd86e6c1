"""The server's languages. Every route is a thin adapter: bytes in, one request to the engine, its events out as bytes.

In reading order:

    errors          a mistake as the client's library expects to read it
    body            bytes to checked fields
    sse             an answer while it is made, on the wire
    sampling        fields of a request to the engine's sampling
    structured      response_format and tool_choice to a constraint
    conversation    messages as chat templates expect them
    prompts         a conversation to the ids of a prompt
    tool_formats    how each family of models writes a call of a tool
    answers         the engine's events to pieces of text, several answers at once
    speech          pieces of text to thinking, words and calls of tools
    completions, chat_fields, chat, embeddings      OpenAI's endpoints (`openai` lists them)
    messages, responses, ranking, texts      the others (`more` lists them)
    hidden_states   what the model computed inside, bounded
    models, adapters, lora      several models behind one port, and changes of their weights, chosen a request
    admission, metrics      limits and figures
    app, server     all of it as one application, and the process around it; `inside`: without a port

Unknown fields are refused with status 400, as OpenAI's API does ("Unrecognized request argument supplied"): a misspelled `temperatur` that
is ignored costs its sender hours. Known fields that change nothing here (`user`, `store`, `metadata`) are taken; known fields that would
change the answer and are not built (`audio`, `prediction`) are refused by name unless they hold their default.
"""
