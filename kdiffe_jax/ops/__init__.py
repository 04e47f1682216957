"""Numerics without a model: sparse products, losses, matrix products."""
