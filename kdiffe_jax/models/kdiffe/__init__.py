"""KDiffE: knowledge-aware attention, an attention-aware Laplacian, guided diffusion."""
