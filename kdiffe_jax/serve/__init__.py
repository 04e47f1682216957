"""A trained model over HTTP: an API and a page (docs/serving.md)."""
