"""Oversight of what one cannot do oneself, on tasks whose answers are known.

debate          two debaters and a judge who can check one step: sums, orders, and the game behind them
weak_to_strong  a weak model's labels train a strong one: how much of the gap is recovered
"""
