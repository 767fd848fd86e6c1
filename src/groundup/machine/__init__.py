"""What the mathematics runs on: number formats, measured limits, kernels."""
