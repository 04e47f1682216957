"""--flagfile: files of the package are found by name, wherever the command is started."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from kdiffe_jax.errors import ConfigError

_PACKAGED = Path(__file__).parent
_FLAG = "--flagfile"


def found(argv: Sequence[str]) -> list[str]:
    """The arguments, where a flag file that is not there gives way to the package's own.

    `launch/NAME.flags` and `NAME.flags` name a file of the package unless there is a file of
    that path. Other names are left to the parser, which says that they are missing.

    >>> Path(found(["--flagfile=launch/tiktok.flags"])[0].partition("=")[2]).is_file()
    True
    >>> found(["--flagfile=mine.flags", "--epochs=3"])
    ['--flagfile=mine.flags', '--epochs=3']
    """
    before = ["", *argv]
    return [_replaced(word, previous) for previous, word in zip(before, argv, strict=False)]


def closest(file: str) -> str:
    """What a refusal of a file that is not there ends in.

    >>> closest("launch/tiktok.flag"), closest("mine.flags")
    ('; did you mean launch/tiktok.flags?', '')
    """
    names = [packaged.stem for packaged in _PACKAGED.glob("*.flags")]
    near = difflib.get_close_matches(Path(file).stem, names, n=1)
    return f"; did you mean launch/{near[0]}.flags?" if near else ""


def _replaced(word: str, previous: str) -> str:
    if previous == _FLAG:
        return _place_of(word)
    name, equals, file = word.partition("=")
    return f"{_FLAG}={_place_of(file)}" if name == _FLAG and equals else word


def _place_of(file: str) -> str:
    if not file:
        raise ConfigError(f"{_FLAG}= names no file; give one, or leave it out")
    path = Path(file)
    packaged = _PACKAGED / path.name
    by_name = path.parent in (Path("."), Path("launch"))
    return str(packaged) if by_name and not path.exists() and packaged.is_file() else file
