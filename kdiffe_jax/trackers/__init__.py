"""A run as TensorBoard, Weights & Biases and MLflow show it; each is a `tracker.Tracker`."""
