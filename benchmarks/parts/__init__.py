"""One module a part; each has `part(sizes) -> harness.Part`."""
