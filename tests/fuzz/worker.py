"""One target's search, by libFuzzer, in a process that it ends.

What Python cannot catch ends the search: a crash of a library, a limit of time or memory. All
else is written down and the search goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import sys
import warnings
import zipfile
from pathlib import Path
from typing import NamedTuple

_SECONDS_AN_INPUT, _MEGABYTES = 60, 3000
_INSTRUMENTED = ["kdiffe_jax", "launch", "tomllib"]


class Limits(NamedTuple):
    """When a search ends: whichever comes first; 0 for none."""

    seconds: int
    executions: int


def load() -> dict:
    """The targets, their modules instrumented so that libFuzzer sees what an input reaches."""
    import atheris

    quietly = contextlib.redirect_stderr(io.StringIO())  # atheris names every module
    with quietly, atheris.instrument_imports(include=_INSTRUMENTED):
        from tests.fuzz.targets import TARGETS
    warnings.simplefilter("ignore")
    logging.disable()
    # A file made on purpose has checksums that fit.
    zipfile.ZipExtFile._update_crc = lambda self, data: None
    return TARGETS


def search(name: str, out: Path, place: Path, limits: Limits) -> None:
    """Never returns: libFuzzer ends the process.

    Args:
      name: of the target.
      out: where the corpus and the findings are kept.
      place: an empty directory, best in memory: every input is written there once.
      limits: of the search.
    """
    import atheris

    from tests.fuzz.case import Case

    targets = load()
    with atheris.instrument_imports(include=_INSTRUMENTED):
        case = Case(targets[name], place)
        for seed in case.seeds().values():  # what is imported on the way counts as well
            case.run(seed)
    corpus, findings = out / "corpus" / name, out / "findings" / name
    for directory in (corpus, findings):
        directory.mkdir(parents=True, exist_ok=True)
    known: set[str] = set()

    def test_one_input(content: bytes) -> None:
        found = case.run(content)
        if found is not None and found.where not in known:
            known.add(found.where)
            file = findings / hashlib.sha256(content).hexdigest()[:12]
            file.write_bytes(content)
            line = json.dumps({"file": file.name, **found._asdict()})
            with (findings / "findings.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")

    options = {
        "max_total_time": limits.seconds,
        "runs": limits.executions or -1,
        "timeout": _SECONDS_AN_INPUT,
        "rss_limit_mb": _MEGABYTES,
        "max_len": 1 << 14,
        "artifact_prefix": f"{findings}/",
        "print_final_stats": 1,
    }
    seeds = Path(__file__).parent / "corpus" / name
    arguments = [f"-{key}={value}" for key, value in options.items()]
    atheris.Setup([sys.argv[0], *arguments, str(corpus), str(seeds)], test_one_input)
    atheris.Fuzz()
