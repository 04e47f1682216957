"""What `benchmarks.time_to_quality` is made of."""
