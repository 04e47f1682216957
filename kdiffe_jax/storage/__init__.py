"""What lies on disk: files that appear whole, run directories, saved models."""
