"""What tells data sets apart: what is trained on, and whose ids stand for it."""

from __future__ import annotations

import hashlib

from kdiffe_jax.data.dataset import Dataset


def identity_of(dataset: Dataset) -> dict[str, str]:
    """The checksums that config.json of a run holds.

    Returns:
      "data_sha256", of all that training reads; "ids_sha256", of users, items and entities by
      name: with other ids the same numbers are other people's lists.
    """
    return {"data_sha256": dataset.fingerprint(), "ids_sha256": _of_ids(dataset)}


def _of_ids(dataset: Dataset) -> str:
    digest = hashlib.sha256()
    for ids in (dataset.users_by_name(), dataset.items_by_name(), dataset.entities_by_name()):
        digest.update(f"{len(ids)}\n".encode())
        digest.update("\n".join(ids).encode(errors="surrogatepass"))
    return digest.hexdigest()
