"""What a model is asked to predict; each objective is `loss(module, batch) -> (sum in nats, number of targets)`."""
