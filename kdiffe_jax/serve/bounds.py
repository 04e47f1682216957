"""How much one request may ask for."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Limits of the server; a request beyond one is refused, never cut short.

    Attributes:
      k: longest list.
      items: most items, or pairs, in the body of a request.
      text: characters of an id or of a text to search for.
      body: bytes of a request's body.
      query: bytes of what follows the question mark in an address.
    """

    k: int = 100
    items: int = 1000
    text: int = 500
    body: int = 1 << 18
    query: int = 1 << 13
