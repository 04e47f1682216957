"""The files of a run: config.json, metrics.jsonl, environment.json, result.json, checkpoints/.

Every file is written under a temporary name and renamed, so a killed run leaves whole
files only.
"""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import IO, Any

import numpy as np

from kdiffe_jax.errors import DataError, RunError, one_line
from kdiffe_jax.storage.files import DRAFT, replacing
from kdiffe_jax.storage.stored_arrays import packed_npz

CONFIG, METRICS, RESULT, CHECKPOINTS = "config.json", "metrics.jsonl", "result.json", "checkpoints"
PER_USER, ENVIRONMENT = "test_per_user.npz", "environment.json"
_LOCK = ".lock"
#: what a checksum in config.json is of, for a refusal
_CHECKSUMS = {
    "data_sha256": "the data (other rows, or the same in another order)",
    "ids_sha256": "the ids of users, items and entities",
    "refit_of": "the run that it repeats (its model.npz is another now)",
}
_AGAIN = "mend that and give the same command again: it continues"


class RunDirectory:
    """One run's directory; `with run.claim(config): ...` holds it for this process.

    Args:
      path: created by `claim`, not before.
      option: the flag that chooses it, for messages.
    """

    def __init__(self, path: str | Path, *, option: str = "--workdir"):
        self.path = Path(path)
        self._option = option
        self._lock: IO[str] | None = None

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(self, *exception) -> None:
        self.release()

    @property
    def checkpoints(self) -> Path:
        return self.path / CHECKPOINTS

    def part(self, name: str) -> RunDirectory:
        """A directory inside this claimed one, for a run that is a part of it."""
        return RunDirectory(self.path / name, option=self._option)

    def claim(self, config: dict[str, Any]) -> RunDirectory:
        """Takes the directory for this process and this configuration, until `release`.

        Args:
          config: what `config.json` holds or is to hold.

        Raises:
          RunError: another process trains here, the directory holds a run with another
            configuration (the differing fields are listed), or something else.
        """
        try:
            self._refuse_unfit(config)
            self.path.mkdir(parents=True, exist_ok=True)
            self._take_lock()
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {error.strerror}") from error
        try:
            self._take_over(config)
        except BaseException:
            self.release()
            raise
        return self

    def _take_over(self, config: dict[str, Any]) -> None:
        """Looks again, under the lock: another process may have been here since."""
        self._refuse_unfit(config)
        try:
            for draft in self.path.glob(f"*{DRAFT}"):
                draft.unlink()
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {error.strerror}") from error
        if self.config() is None or self._holds_nothing():
            self.write(CONFIG, _json(config))

    def release(self) -> None:
        """Lets another process claim the directory."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def config(self) -> dict[str, Any] | None:
        """What config.json holds, None where there is none."""
        return self._read_json(CONFIG)

    def result(self) -> dict[str, Any] | None:
        """What result.json holds, None while the run is unfinished."""
        return self._read_json(RESULT)

    def environment(self) -> dict[str, Any] | None:
        """What environment.json holds, None where there is none, as of an older run."""
        return self._read_json(ENVIRONMENT)

    def history(self) -> list[dict[str, Any]]:
        """What metrics.jsonl holds, one object an epoch; nothing where there is none.

        Raises:
          RunError: it cannot be read.
        """
        file = self.path / METRICS
        try:
            lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
            return [json.loads(line) for line in lines]
        except (OSError, ValueError) as error:
            raise RunError(f"{file}: not readable: {one_line(error)}") from error

    def write_history(self, history: list[dict[str, Any]]) -> None:
        """Writes metrics.jsonl, one object an epoch."""
        self.write(METRICS, "".join(json.dumps(record) + "\n" for record in history).encode())

    def write_per_user(self, values: dict[str, np.ndarray], users: np.ndarray) -> None:
        """Writes each test user's metrics, for paired tests between runs."""
        self.write(PER_USER, packed_npz({"users": users, **values}))

    def write_environment(self, environment: dict[str, Any]) -> None:
        """Writes environment.json: when, on what and with which versions the run was made."""
        self.write(ENVIRONMENT, _json(environment))

    def write_result(self, result: dict[str, Any]) -> None:
        """Writes result.json, which marks the run as finished."""
        self.write(RESULT, _json(result))

    def _refuse_unfit(self, config: dict[str, Any]) -> None:
        """Refuses a run with another configuration, and what is no run."""
        stored = self.config()
        if self.path.is_file() or (stored is None and not self._holds_nothing()):
            raise RunError(f"{self.path}: not empty and not a run; choose another {self._option}")
        if stored is not None and not self._holds_nothing():
            self._refuse_other(stored, config)

    def _holds_nothing(self) -> bool:
        """Whether there is no more than what a run leaves that was refused before it began."""
        return not (self.path.is_dir() and any(map(_foreign, self.path.iterdir())))

    def _refuse_other(self, stored: dict[str, Any], config: dict[str, Any]) -> None:
        fields = sorted(stored.keys() | config.keys())
        changed = [
            _CHECKSUMS.get(field)
            or f"{field} ({stored.get(field)!r} there, {config.get(field)!r} now)"
            for field in fields
            if stored.get(field) != config.get(field)
        ]
        if changed:
            raise RunError(
                f"{self.path}: holds a run with another configuration: {', '.join(changed)}; "
                f"use those values or another {self._option}"
            )

    def _take_lock(self) -> None:
        self._lock = (self.path / _LOCK).open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise RunError(f"{self.path}: another process is using this run directory") from None

    def _read_json(self, name: str) -> dict[str, Any] | None:
        file = self.path / name
        if not file.is_file():
            return None
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{file}: not readable: {one_line(error)}") from error
        if not isinstance(content, dict):
            raise RunError(f"{file}: expected a JSON object")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Writes one file of the directory under a temporary name, and renames it.

        Raises:
          RunError: it cannot be written; an older file stays as it was.
        """
        try:
            with replacing(self.path / name) as draft:
                draft.write_bytes(content)
        except DataError as error:
            raise RunError(f"{error}; {_AGAIN}") from error


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


def _foreign(path: Path) -> bool:
    """Whether a file is not what a run leaves first, killed there or still at it."""
    return path.name not in (_LOCK, CONFIG) and path.suffix != DRAFT
