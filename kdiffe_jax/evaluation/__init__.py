"""Scores of a model: metrics, rankings, paired tests."""
