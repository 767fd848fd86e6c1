"""Preferences: which of two answers somebody liked better.

data        pairs in and out, in the shapes that data sets have; pairs drawn from a written taste
agreement   how far two judges agree beyond chance (Cohen's kappa), and many (Fleiss')
"""
