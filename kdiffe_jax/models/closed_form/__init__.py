"""Models that are fitted in closed form, not trained."""
