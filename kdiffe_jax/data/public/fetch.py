"""One file over HTTP: streamed, continued where a transfer broke off, never half a file."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from kdiffe_jax.errors import DataError

# Receives the bytes that are there, and all that are expected where the server says so.
Progress = Callable[[int, int | None], None]

_SECONDS_OF_SILENCE = 30
_CHUNK = 1 << 18


class TransferError(DataError):
    """The network or the server did not give the file."""


class RefusedByServer(TransferError):
    """The server answered that it does not give this file; it may give others."""


def part_of(target: Path) -> Path:
    """Where the bytes of a file are kept until it is complete."""
    return target.with_name(f"{target.name}.part")


def fetch(url: str, target: Path, *, largest: int, progress: Progress | None = None) -> Path:
    """Fetches an address into `part_of(target)`, after what is there already.

    A server that gives no ranges is asked for the whole file. Whether bytes of two
    transfers belong together is for the caller to check, by a checksum.

    Args:
      url: http or https; https must not lead to http.
      target: the file to be.
      largest: number of bytes at which the server is not believed any more.
      progress: is called after every chunk.

    Returns:
      the complete part file.

    Raises:
      TransferError: no connection, a broken one (the bytes so far are kept), an error
        status, a web page or a Git LFS pointer in place of the file, too many bytes.
      DataError: the bytes cannot be written.
    """
    part = part_of(target)
    have = part.stat().st_size if part.is_file() else 0
    response = _open(url, have)
    if response is None:
        part.unlink(missing_ok=True)
        return fetch(url, target, largest=largest, progress=progress)
    with response:
        _refuse_detour(url, response)
        have = have if response.status == 206 else 0
        total = _total(response, have)
        if total is not None and total > largest:
            raise TransferError(f"{url}: {total:,} bytes; at most {largest:,} are expected")
        try:
            with part.open("ab" if have else "wb") as file:
                for chunk in _chunks(url, response):
                    file.write(chunk)
                    have += len(chunk)
                    if have > largest:
                        break
                    if progress is not None:
                        progress(have, total)
        except OSError as error:
            raise DataError(f"{part}: cannot be written: {error.strerror}; make room") from error
    _refuse_incomplete(url, part, have, total, largest)
    _refuse_stand_in(url, part)
    return part


def _open(url: str, have: int) -> http.client.HTTPResponse | None:
    """The answer to a request for what is missing; None where what is there does not fit."""
    headers = {"User-Agent": "kdiffe_jax"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        response = urllib.request.build_opener().open(request, timeout=_SECONDS_OF_SILENCE)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:
            return None
        raise RefusedByServer(f"{url}: the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise TransferError(f"{url}: no connection: {_in_words(error)}") from error
    if have and response.status == 206 and _range_start(response) != have:
        response.close()
        return None
    return response


def _range_start(response) -> int:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else -1


def _total(response, have: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return have + int(length) if length.isdecimal() else None


def _chunks(url: str, response) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise TransferError(f"{url}: the connection broke: {_in_words(error)}") from error
        if not chunk:
            return
        yield chunk


def _refuse_detour(url: str, response) -> None:
    if url.startswith("https:") and not response.url.startswith("https:"):
        raise TransferError(f"{url}: leads to {response.url}, which is not encrypted")
    if response.headers.get_content_type() == "text/html":
        raise TransferError(f"{url}: the answer is a web page, not the file; is a login needed?")


def _refuse_incomplete(url: str, part: Path, done: int, total: int | None, largest: int) -> None:
    if done > largest:
        part.unlink()
        raise TransferError(f"{url}: more than the {largest:,} bytes that are expected")
    if total is not None and done != total:
        raise TransferError(f"{url}: the connection broke after {done:,} of {total:,} bytes")


def _refuse_stand_in(url: str, part: Path) -> None:
    """Removes and refuses what a server gives instead of a file, with status 200."""
    with part.open("rb") as file:
        head = file.read(256).lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        what = "the answer is a web page, not the file; is a login needed?"
    elif head.startswith(b"version https://git-lfs"):
        what = "the answer is a Git LFS pointer, not the file; clone and run `git lfs pull`"
    elif not head:
        what = "the answer is empty"
    else:
        return
    part.unlink()
    raise TransferError(f"{url}: {what}")


def _in_words(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return " ".join(str(reason).split()) or type(error).__name__
