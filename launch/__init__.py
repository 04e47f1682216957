"""Commands. absl flags live here and nowhere else."""
