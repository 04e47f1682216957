"""A run as the child of another command: ends when its parent does.

python -m launch.child PARENT_PROCESS FLAGS...
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence

from launch import main as train

_SECONDS_BETWEEN_LOOKS = 0.2


def main(argv: Sequence[str]) -> int:
    """Runs `launch.main` under a watch for the parent."""
    threading.Thread(target=_end_with, args=(int(argv[1]),), daemon=True).start()
    return train.main([argv[0], *argv[2:]])


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
