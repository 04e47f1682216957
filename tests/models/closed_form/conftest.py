from kdiffe_jax.models.closed_form.interactions import interaction_matrix
from tests.baselines.conftest import eval_data

__all__ = ["eval_data", "matrix_of"]


def matrix_of(eval_data):
    """f64[I, J], its training interactions."""
    return interaction_matrix(eval_data.train, eval_data.n_users, eval_data.n_items)
