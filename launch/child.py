"""The process of a `Worker`: runs of another command, one after another; ends when that does.

python -m launch.child PARENT_PROCESS

A line of standard input is a run, {"words": flags, "log": file}; for each its exit status is
written to standard output.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence

from launch import main as train

_SECONDS_BETWEEN_LOOKS = 0.2
_OUT, _ERR = 1, 2


def main(argv: Sequence[str]) -> int:
    """Runs `launch.main` as often as it is asked to, under a watch for the parent."""
    threading.Thread(target=_end_with, args=(int(argv[1]),), daemon=True).start()
    asked, told = os.fdopen(os.dup(0)), os.dup(_OUT)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(_ERR, _OUT)
    try:
        for line in iter(asked.readline, ""):
            status = _logged(json.loads(line))
            os.write(told, str(status).encode())
    except KeyboardInterrupt:
        return 130
    return 0


def _logged(asked: dict) -> int:
    """One run, whose output goes to its log."""
    kept = [os.dup(stream) for stream in (_OUT, _ERR)]
    try:
        with open(asked["log"], "a") as log:
            for stream in (_OUT, _ERR):
                os.dup2(log.fileno(), stream)
        return train.main(["launch.main", *asked["words"]])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, before in zip((_OUT, _ERR), kept, strict=True):
            os.dup2(before, stream)
            os.close(before)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
