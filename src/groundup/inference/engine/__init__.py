"""Engine: prompts in a batch, answers out (`batching`)."""
