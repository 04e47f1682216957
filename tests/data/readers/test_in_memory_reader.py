"""Tables and arrays in memory -> `Catalogue`: what is refused, and how soon."""

import numpy as np
import pytest

from kdiffe_jax.data.readers.in_memory import ItemRows, SourceTables, read_source_tables
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.in_memory import table_in_memory
from kdiffe_jax.errors import DataError

pa = pytest.importorskip("pyarrow")


class Compared(str):
    """A text that counts how often it is compared."""

    times = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Compared.times += 1
        return str.__eq__(self, other)


def test_a_repeated_id_of_features_is_found_in_one_pass():
    rows = pa.table({"user": ["ann", "bob"], "item": ["pen", "ink"]})
    table = table_in_memory("interactions", rows)
    ids = tuple(Compared(f"p{min(number, 498)}") for number in range(500))
    features = {"image": ItemRows(ids, np.zeros((500, 2), "f4"))}
    with pytest.raises(DataError, match="features 'image': item 'p498' has two rows; keep one"):
        read_source_tables(SourceTables(table, features=features), TableColumns(), name="shop")
    assert Compared.times < 2000
