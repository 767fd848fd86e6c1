"""A run watched: what each step was, where its time goes, what its processes said.

monitoring  every step as a line of metrics.jsonl: loss, rates, how well the machine is used, memory, heat
held        what the batches of a step hold: tokens and targets, without the padding
gauges      what the system tells at once: memory, temperature, power
trackers    the same lines for TensorBoard, MLflow, W&B and Trackio, from a thread of their own
offline     what W&B's files hold already
profile     where time and memory of a step go, an operation a row and as a flame picture
profiler    a few steps of a run, watched by torch.profiler
logging     what processes say, as lines that are put in order by run, rank and step
telemetry   these lines for OpenTelemetry
secrets     what must not stand in a log
"""
