"""This machine: what it has (`device`), what it multiplies and moves in a second (`roofline`)."""
