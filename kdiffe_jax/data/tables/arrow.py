"""The door to pyarrow, which only tables need."""

from __future__ import annotations

from kdiffe_jax.errors import DataError


def arrow():
    """The module `pyarrow`, its parts `compute`, `csv` and `parquet` loaded.

    Raises:
      DataError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("tables need pyarrow: pip install 'kdiffe_jax[tables]'") from error
    return pyarrow
