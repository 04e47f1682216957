"""Quotes that swallow rows are refused with their row; quotes that are meant are read."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdiffe_jax.data.tables.delimited import open_table
from kdiffe_jax.data.tables.quotes import QuoteCheck
from kdiffe_jax.errors import DataError

pytest.importorskip("pyarrow")


def rows_of(path, **options):
    table = open_table(path, **options)
    parts = list(table.parts(table.names))
    return [
        row
        for part in parts
        for row in zip(*(part.columns[name].to_pylist() for name in table.names), strict=True)
    ]


def refusal(path, **options) -> str:
    with pytest.raises(DataError) as caught:
        rows_of(path, **options)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    return str(caught.value)


def written(directory, text, name="t.csv"):
    (directory / name).write_text(text, encoding="utf-8", newline="")
    return directory / name


def lines(*opened: int, end: str = "") -> str:
    """Ten rows of three fields; in some the last field opens a quote, or `end` closes it."""
    rows = [f"u{n},i{n}," + '"' * (n in opened) + f"fine {n}" for n in range(10)]
    if end:
        rows[-1] += end
    return "user,item,note\n" + "\n".join(rows) + "\n"


def test_text_after_a_closing_quote(tmp_path):
    message = refusal(written(tmp_path, lines(2, 6)))
    assert "row 4: a quote is opened, and where it closes more text follows: 'fine 6'" in message
    assert "--quote=none" in message
    assert rows_of(written(tmp_path, lines(2, 6)), quote="none")[2] == ("u2", "i2", '"fine 2')


def test_rows_within_quotes_that_close_at_the_end_of_a_field(tmp_path):
    file = written(tmp_path, lines(2, end='"'))
    assert "row 4: a quote is opened and closes 7 lines below" in refusal(file)
    assert len(rows_of(file, quote="double")) == 3 and len(rows_of(file, quote="none")) == 10


def test_two_swallowed_rows_at_a_time(tmp_path):
    text = 'user,item\na,"b\nc,d"\ne,"f\ng,h"\n'
    assert "row 2: a quote is opened and closes 1 lines below" in refusal(written(tmp_path, text))


def test_line_breaks_that_are_meant(tmp_path):
    text = 'item,title,note\n1,"red\ncup, small",x\n2,"two\n\nlines","a ""b"""\n3,5" disc,\n'
    expected = [("1", "red\ncup, small", "x"), ("2", "two\n\nlines", 'a "b"'), ("3", '5" disc', "")]
    assert rows_of(written(tmp_path, text)) == expected


def test_one_field_of_many_may_look_like_a_row(tmp_path):
    plain = "".join(f'{n},"a\nb"\n' for n in range(3))
    odd = '9,"c\nd, e"\n'
    assert len(rows_of(written(tmp_path, "item,title\n" + plain + odd))) == 4
    assert "row 2" in refusal(written(tmp_path, "item,title\n" + odd))


def test_a_quote_in_the_header(tmp_path):
    assert "row 1: not readable as a table" in refusal(written(tmp_path, 'user,"item"x\na,b\n'))


def test_ids_that_differ_by_quotes_stay_different(tmp_path):
    file = written(tmp_path, 'item,x\n5,a\n5",b\n"5",c\n')
    assert [item for item, _ in rows_of(file)] == ["5", '5"', "5"]
    assert [item for item, _ in rows_of(file, quote="none")] == ["5", '5"', '"5"']


fields = st.text(st.sampled_from('ab",\n'), max_size=5)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(fields, min_size=n, max_size=n))),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 9),
)
def test_what_the_csv_module_writes_is_well_formed_in_any_pieces(rows, quoting, ending, size):
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator=ending).writerows(rows)
    whole = out.getvalue().encode() + b'"a"b,c\n'
    check = QuoteCheck(Path("t.csv"), ",", len(rows[0]) if rows else 2, line_breaks=True)
    with pytest.raises(DataError, match=f"t.csv, row {len(rows) + 1}: a quote is opened"):
        for start in range(0, len(whole), size):
            check.feed(whole[start : start + size])
