"""kdiffe_jax: knowledge-aware diffusion-enhanced multimedia recommendation in JAX."""

__version__ = "0.1.0"
