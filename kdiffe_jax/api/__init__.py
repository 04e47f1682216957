"""The public face: from a data frame to a trained model, and back to a data frame."""
