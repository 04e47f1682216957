"""Rounds of kills, each compared with the run that was never killed."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

from launch.command import PREEMPTED
from tests.kills.attempts import Ending, attempt, in_a_child, random_kill
from tests.kills.damage import KINDS, complete_checkpoints, damage

_SAME = "the same"
_WRITES = 80  # a run has twice as many, a continued one fewer
_SECONDS_OFF = 3.2e7
_DAMAGED_SHARE = 0.15


class Rounds:
    """Keeps the unbroken run, and says what went wrong in `wrong`.

    Args:
      directory: an empty one, for all runs.
      flags: of the training.
      rng: of moments and kinds of damage.
    """

    def __init__(self, directory: Path, flags: list[str], rng: random.Random):
        self._directory, self._flags, self._rng = directory, flags, rng
        self._unbroken = directory / "unbroken"
        self.wrong: list[str] = []
        for name in ("first", "unbroken"):  # the first one compiles
            ending = attempt(flags, directory / name, _cache(directory / name))
            if ending.status:
                raise RuntimeError(ending.said)
        self._seconds = ending.seconds

    def one(self, kills: int) -> Counter[str]:
        """A round: attempts that are killed, one that is not, and the comparison.

        Returns:
          counts of rounds, kills and kinds of damage.
        """
        workdir = self._directory / "broken"
        for old in (workdir, _cache(workdir)):
            shutil.rmtree(old, ignore_errors=True)
        counted, done = Counter(rounds=1), []
        for _ in range(kills):
            if not self._killed(workdir, counted, done):
                break
            self._maybe_damage(workdir, counted, done)
        ending = self._attempt(workdir)
        counted["damage said aloud"] += ending.said.count("cannot be read")
        wrong = _wrong(ending, self._unbroken, workdir)
        if wrong:
            self.wrong.append(f"{wrong} after {', '.join(done)}: {ending.said[-500:]}")
        return counted

    def _killed(self, workdir: Path, counted: Counter[str], done: list[str]) -> bool:
        """An attempt with a kill; False where it came to its end before."""
        kill = random_kill(self._rng, self._seconds, _WRITES)
        ending = attempt(
            self._flags,
            workdir,
            _cache(workdir),
            kill=kill,
            clock=self._rng.uniform(-_SECONDS_OFF, _SECONDS_OFF),
        )
        counted["damage said aloud"] += ending.said.count("cannot be read")
        if ending.status >= 0 and ending.status != PREEMPTED:
            if ending.status:
                self.wrong.append(f"status {ending.status} after {', '.join(done)}: {ending.said}")
            return False
        when = f"change {kill.at_write}" if kill.seconds is None else f"{kill.seconds:.2f} s"
        done.append(f"{kill.signal.name} at {when}")
        counted[kill.signal.name] += 1
        counted["ended itself at SIGTERM"] += ending.status == PREEMPTED
        counted["at a change of a file"] += kill.at_write is not None
        return True

    def _attempt(self, workdir: Path) -> Ending:
        return attempt(self._flags, workdir, _cache(workdir))

    def _maybe_damage(self, workdir: Path, counted: Counter[str], done: list[str]) -> None:
        """Not to a run that was killed after its result: it is finished, not trained again."""
        if (workdir / "result.json").exists():
            return
        checkpoints = complete_checkpoints(workdir)
        if checkpoints and self._rng.random() < _DAMAGED_SHARE:
            kind = self._rng.choice(KINDS)
            done.append(damage(checkpoints[-1], kind, self._rng))
            counted[f"newest checkpoint {kind}"] += 1


def _wrong(ending: Ending, unbroken: Path, workdir: Path) -> str:
    """What is not as it should be, empty where all is."""
    if ending.status:
        return f"status {ending.status}"
    found = in_a_child(lambda: _compare(unbroken, workdir), workdir.parent / "compared.out")
    return "" if found.said.strip() == _SAME else found.said.strip()[-300:]


def _compare(unbroken: Path, workdir: Path) -> int:
    from tests.kills.outcome import differences, outcome

    print(*differences(outcome(unbroken), outcome(workdir)) or [_SAME])
    return 0


def _cache(workdir: Path) -> Path:
    return workdir.with_name(f"{workdir.name}-cache")
