"""Text read some megabytes at a time: the same lines, and the right line numbers."""

import pytest

from kdiffe_jax.data.readers.lines import line_chunks, read_id_lists
from kdiffe_jax.errors import DataError

LINES = ["первая", "", "b\x0c\u2028", "c\rd", " e "]


@pytest.mark.parametrize("chunk_bytes", (1, 9, 1000))
@pytest.mark.parametrize("ends", ("\n", "\r\n"))
@pytest.mark.parametrize("last", (True, False))
def test_chunks_join_to_the_lines(tmp_path, chunk_bytes, ends, last):
    file = tmp_path / "text"
    file.write_bytes(("\ufeff" + ends.join(LINES) + ends * last).encode())
    chunks = list(line_chunks(file, chunk_bytes=chunk_bytes))
    assert sum((lines for _, lines in chunks), []) == LINES
    sizes = [len(lines) for _, lines in chunks]
    assert [number for number, _ in chunks] == [1 + sum(sizes[:i]) for i in range(len(sizes))]
    assert (len(chunks) == 1) == (chunk_bytes == 1000)


@pytest.mark.parametrize("chunk_bytes", (1, 1000))
def test_line_that_is_not_utf8(tmp_path, chunk_bytes):
    (tmp_path / "text").write_bytes(b"a\nb\n\n\xe9t\xe9\nc\n")
    with pytest.raises(DataError, match="text, line 4: not UTF-8 text; save the file as UTF-8$"):
        list(line_chunks(tmp_path / "text", chunk_bytes=chunk_bytes))


def test_a_directory_is_no_text(tmp_path):
    with pytest.raises(DataError, match="not readable: Is a directory$"):
        list(line_chunks(tmp_path))


def test_id_lists(tmp_path):
    (tmp_path / "lists").write_text("\n3 1 1\n0\n3 2\n")
    lists = read_id_lists(tmp_path / "lists")
    assert lists.keys.tolist() == [3, 0, 3] and lists.owners.tolist() == [3, 3, 3]
    assert lists.values.tolist() == [1, 1, 2] and lists.lines.tolist() == [2, 2, 4]
