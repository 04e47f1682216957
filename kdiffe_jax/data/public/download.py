"""The public files of a data set, fetched and verified, or what to fetch by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from kdiffe_jax.data.plain_files import sha256
from kdiffe_jax.data.public.fetch import RefusedByServer, TransferError, fetch, part_of
from kdiffe_jax.data.public.files import PUBLIC, PublicData, PublicFile
from kdiffe_jax.data.public.unzip import unzip
from kdiffe_jax.errors import ConfigError, DataError


def download(
    dataset: str,
    directory: str | Path,
    *,
    base_url: str | None = None,
    log: Callable[[str], None] = print,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> tuple[Path, ...]:
    """Fetches what `PUBLIC` lists for a data set; what is there already is only verified.

    A file appears under its name only when it is complete and has the pinned SHA-256,
    until then it is called `<name>.part`, and the next call goes on from there. Files
    without a pinned sum are fetched all the same, and `log` is told their sum. Zip
    archives are unpacked beside themselves.

    Args:
      dataset: "tiktok", "baby" or "sports".
      directory: of the files; made where it is missing.
      base_url: a mirror that has them as `<base_url>/<dataset>/<name>`.
      log: receives one line a file, and what is left to fetch by hand.
      progress: receives name, bytes there and bytes in all (None: not known).

    Returns:
      the files that readers want, archives unpacked.

    Raises:
      ConfigError: another data set, another kind of address.
      DataError: no connection, a server that does not have a file that is needed, a wrong
        checksum; it names every file that is missing, its address and where to put it.
    """
    data = _listed(dataset, base_url)
    directory = Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{directory}: cannot be made: {error.strerror}") from error
    refused = []
    for file in data.files:
        url = f"{base_url.rstrip('/')}/{dataset}/{file.name}" if base_url else file.url
        try:
            log(_provide(file, url, directory, progress))
        except RefusedByServer as error:
            if file.optional:
                log(f"{error}; going on without it")
            else:
                refused.append(str(error))
        except TransferError as error:
            raise DataError(f"{error}; {_advice(data, directory)}") from error
        except OSError as error:
            raise DataError(
                f"{directory / file.name}: {error.strerror}; mend that first"
            ) from error
    if refused:
        raise DataError(f"{', '.join(refused)}; {_advice(data, directory)}")
    if any(not (directory / name).exists() for name in data.by_hand):
        log(_advice(data, directory))
    return tuple(p for p in (directory / file.unpacked for file in data.files) if p.exists())


def _listed(dataset: str, base_url: str | None) -> PublicData:
    if dataset not in PUBLIC:
        raise ConfigError(f"--download={dataset}: choose one of {', '.join(PUBLIC)}")
    if base_url and not base_url.startswith(("https://", "http://")):
        raise ConfigError(f"{base_url}: expected an address that starts with https://")
    return PUBLIC[dataset]


def _provide(file: PublicFile, url: str, directory: Path, progress) -> str:
    """Makes the file be there; a line that says how."""
    target, wanted = directory / file.name, directory / file.unpacked
    if wanted != target and wanted.exists():
        return f"{wanted}: there already"
    if target.exists():
        line = (
            f"{target}: there already, {_verified(file, target, 'move it away, then fetch again')}"
        )
    else:
        line = f"{target}: fetched, {_fetched(file, url, target, progress)}"
    if wanted != target:
        unzip(target, wanted, largest=file.largest)
        line += f"; unpacked to {wanted.name}"
    return line


def _fetched(file: PublicFile, url: str, target: Path, progress) -> str:
    def on_chunk(done: int, total: int | None) -> None:
        if progress is not None:
            progress(file.name, done, total)

    part = part_of(target)
    complete = file.sha256 and part.is_file() and sha256(part) == file.sha256
    if not complete:
        fetch(url, target, largest=file.largest, progress=on_chunk)
    try:
        line = _verified(file, part, f"it came from {url}; it is removed, run the command again")
    except DataError:
        part.unlink()
        raise
    os.replace(part, target)
    return line


def _verified(file: PublicFile, path: Path, remedy: str) -> str:
    actual = sha256(path)
    if not file.sha256:
        return f"not pinned: SHA-256 is {actual}"
    if actual != file.sha256:
        raise DataError(f"{path}: SHA-256 is {actual}, expected {file.sha256}; {remedy}")
    return "SHA-256 verified"


def _advice(data: PublicData, directory: Path) -> str:
    """Every file that is missing, from where, and where to put it."""
    missing = [
        f"{file.name} from {file.url}" + (" (and unzip it)" if file.unpacked != file.name else "")
        for file in data.files
        if not ((directory / file.name).exists() or (directory / file.unpacked).exists())
    ]
    by_hand = [name for name in data.by_hand if not (directory / name).exists()]
    if by_hand:
        missing.append(f"{', '.join(by_hand)} from the archive at {data.page}")
    return f"fetch by hand into {directory}: {'; '.join(missing)}"
