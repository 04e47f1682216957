"""Traces a few epochs of a training, after the first, which compiles."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from kdiffe_jax.errors import RunError
from kdiffe_jax.ops.cores import cores
from kdiffe_jax.profile.programs import Memory, Programs, largest_program, live_programs
from kdiffe_jax.profile.spans import read_spans
from kdiffe_jax.profile.split import Split, split_epochs
from kdiffe_jax.storage.files import replacing

SPLIT = "split.json"
_EPOCHS = 3
_KEY_HAS_METADATA = "jax_compilation_cache_include_metadata_in_key"


class Recorder:
    """Watches one training; `with recorder: ...`.

    Each recorder writes into a new directory below `directory`/plugins/profile, where
    TensorBoard looks for traces: the trace in both of jax's formats, and split.json.

    Args:
      directory: created by `claim`, not before.

    Attributes:
      session: where the trace is, None before it begins.
      split: where an epoch's time goes, None until an epoch was traced.
      memory: of the largest program, None until the trace begins.
      walks: {"seconds": ..., "cached": ...} of S; set by the caller where the model has it.
      epochs: seconds of each epoch in its record, and whether it was traced.
    """

    def __init__(self, directory: str | Path):
        self._sessions = Path(directory) / "plugins" / "profile"
        self._programs: Programs = {}
        self._tracing = False
        self.session: Path | None = None
        self.split: Split | None = None
        self.memory: Memory | None = None
        self.walks: dict[str, Any] | None = None
        self.epochs: list[tuple[float, bool]] = []

    def claim(self) -> Recorder:
        """Makes sure that a trace can be written.

        Raises:
          RunError: the directory cannot be made or written.
        """
        try:
            self._sessions.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self._sessions).close()
        except OSError as error:
            raise RunError(
                f"{self._sessions}: no trace can be written: {error.strerror}; "
                "name another directory"
            ) from error
        return self

    def __enter__(self) -> Recorder:
        """Keeps programs of the compilation cache away that carry no phases, or older ones."""
        self._before = getattr(jax.config, _KEY_HAS_METADATA)
        jax.config.update(_KEY_HAS_METADATA, True)
        return self

    def __exit__(self, *exception) -> None:
        jax.config.update(_KEY_HAS_METADATA, self._before)
        if self._tracing:
            self._stop()

    def after(self, on_epoch: Callable[[dict], None]) -> Callable[[dict], None]:
        """`on_epoch`, followed by the start or the end of the trace where it is time."""

        def watched(record: dict[str, Any]) -> None:
            on_epoch(record)
            self.epochs.append((record["seconds"], self._tracing))
            if self.session is None:
                self._start()
            elif self._tracing and len(self.epochs) > _EPOCHS:
                self._stop()

        return watched

    def _start(self) -> None:
        self._programs, self.memory = live_programs(), largest_program()
        self.session = Path(
            tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=self._sessions)
        )
        options = jax.profiler.ProfileOptions()
        options.session_id = self.session.name
        options.host_tracer_level = 1
        options.python_tracer_level = 0
        jax.profiler.start_trace(self._sessions.parents[1], profiler_options=options)
        self._tracing = True

    def _stop(self) -> None:
        self._tracing = False
        try:
            jax.profiler.stop_trace()
            (file,) = self.session.glob("*.xplane.pb")
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise RunError(f"{self.session}: the trace could not be written: {reason}") from error
        spans = read_spans(file, self._programs)
        if spans.epochs:
            self.split = split_epochs(spans, threads=cores() or 1)
            self._write()

    def _write(self) -> None:
        found = {**self.split._asdict(), "walks": self.walks, "memory": self.memory._asdict()}
        with replacing(self.session / SPLIT) as draft:
            draft.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
