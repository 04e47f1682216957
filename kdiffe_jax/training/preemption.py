"""Notice that a process is to end: SIGTERM, as clusters send it before they take a machine."""

from __future__ import annotations

import signal
import threading
from typing import Any, Self

from kdiffe_jax.parallel.processes import any_process


class PreemptionNotice:
    """A context in which the first SIGTERM is noted and the second ends the process.

    A handler belongs to the main thread; in another thread nothing is noted.

    >>> with PreemptionNotice() as notice:
    ...     signal.raise_signal(signal.SIGTERM)
    ...     notice.given
    True
    """

    def __init__(self) -> None:
        self.given = False  #: whether this process was told
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def given_to_any(self) -> bool:
        """Whether any process was told; all processes call it at the same place."""
        return any_process(self.given)

    def _note(self, number: int, frame: object) -> None:
        self.given = True
        signal.signal(number, self._before)
