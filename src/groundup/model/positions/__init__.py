"""Positions: how a token knows where it stands, and how far a model can be made to read.

absolute    a vector for each place: sines and cosines, or learned
relative    a number for each distance, added to the scores: T5's buckets, ALiBi's lines
rotary      queries and keys turned by their positions, so that they meet with the difference
extension   other frequencies for longer texts: interpolation, NTK-aware, YaRN, Llama 3, LongRoPE
needle      how far a model really reads: its loss at each position, a fact hidden at each depth
"""
