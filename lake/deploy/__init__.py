"""Delivery: build a release once, plan it into an environment, apply it, look whether it works, go back."""
