"""MovieLens of three ages: the same ratings, titles and genres from each."""

import numpy as np
import pytest

from kdiffe_jax.data.content.attributes import list_relation
from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.readers.movielens import read_movielens
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.sources import read_source
from kdiffe_jax.errors import DataError

RATINGS = [(1, 10, 5, 97), (1, 11, 3, 98), (2, 10, 4, 99), (2, 12, 1, 96)]
MOVIES = [(10, "Café, The (1995)", "Drama|War"), (11, 'Who "is" it', ""), (12, "Heat", "Crime")]
TAGS = [(1, 10, "Sad Film", 97), (2, 10, "sad  film", 98), (2, 12, "sad film", 99)]


def csv(path):
    rows = "".join(f"{u},{i},{r},{t}\n" for u, i, r, t in RATINGS)
    (path / "ratings.csv").write_text(f"userId,movieId,rating,timestamp\n{rows}")
    quoted = '10,"Café, The (1995)",Drama|War\n11,"Who ""is"" it",(no genres listed)\n'
    movies = f"movieId,title,genres\n{quoted}12,Heat,Crime\n"
    (path / "movies.csv").write_text(movies, encoding="utf-8")
    rows = "".join(f"{u},{i},{tag},{t}\n" for u, i, tag, t in TAGS)
    (path / "tags.csv").write_text(f"userId,movieId,tag,timestamp\n{rows}1,11,,99\n1,11,NULL,99\n")


def dat(path):
    (path / "ratings.dat").write_text("".join("::".join(map(str, r)) + "\n" for r in RATINGS))
    (path / "tags.dat").write_text("".join("::".join(map(str, r)) + "\n" for r in TAGS))
    movies = "".join("::".join(map(str, row)) + "\n" for row in MOVIES)
    (path / "movies.dat").write_bytes(movies.encode("latin-1"))


def old(path):
    (path / "u.data").write_text("".join("\t".join(map(str, r)) + "\n" for r in RATINGS))
    genres = ("unknown", "Crime", "Drama", "War")
    (path / "u.genre").write_text("".join(f"{g}|{n}\n" for n, g in enumerate(genres)) + "\n")
    lines = []
    for movie, title, of in MOVIES:
        flags = [str(int(g in (of.split("|") if of else ["unknown"]))) for g in genres]
        lines.append("|".join([str(movie), title, "01-Jan-1995", "", "http://x", *flags]))
    (path / "u.item").write_bytes("\r\n".join(lines).encode("latin-1"))


@pytest.fixture(params=[csv, dat, old], ids=lambda write: write.__name__)
def source(request, tmp_path):
    request.param(tmp_path)
    return tmp_path


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_movielens(path, name="films")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_ratings_titles_and_genres(source):
    layout, catalogue = read_source(source, name="films")
    assert layout == "movielens"
    assert (catalogue.user_ids, catalogue.item_ids) == (("1", "2"), ("10", "11", "12"))
    rows = catalogue.interactions
    assert list(zip(rows.users, rows.items, strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 2)]
    assert rows.ratings.tolist() == [5, 3, 4, 1] and rows.times.tolist() == [97, 98, 99, 96]
    assert catalogue.item_names == ("Café, The (1995)", 'Who "is" it', "Heat")
    genres = list_relation("genres", catalogue.columns["genres"], "|")
    assert genres.items.tolist() == [0, 0, 2]
    assert [genres.entity_names[e] for e in genres.entities] == ["Drama", "War", "Crime"]


def test_every_file_that_is_read_is_named(source):
    named = set(read_movielens(source, name="films").files)
    assert named == {file.name for file in source.iterdir()}


@pytest.mark.parametrize("write", [csv, dat])
def test_tags_are_a_relation_weighed_by_who_gave_them(write, tmp_path):
    write(tmp_path)
    catalogue = read_movielens(tmp_path, name="films")
    (tag,) = catalogue.relations
    assert (tag.name, tag.entity_names) == ("tag", ("sad film",))
    assert (tag.items.tolist(), tag.weights.tolist()) == ([0, 2], [2, 1])
    assert ("tags.csv: 2 of 5 rows have no tag" in catalogue.notes) == (write is csv)


def test_options_of_preparation_count(tmp_path):
    csv(tmp_path)
    chosen = {"min_rating": 4.0, "min_entity_items": 1, "split": "ratio", "keep_items": "all"}
    catalogue = read_movielens(tmp_path, name="films")
    with pytest.raises(DataError, match="no user has three interactions"):
        prepare(catalogue, PrepareConfig.from_flat(chosen))
    kept = np.flatnonzero(catalogue.interactions.ratings >= 4)
    assert kept.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("write", "file", "content", "message"),
    [
        (csv, "ratings.csv", "userId,movieId,rating\n1,2,x\n", "ratings.csv, row 2: rating 'x'"),
        (csv, "movies.csv", "movieId,title\n10,a\n10,b\n", "movies.csv, row 3: item '10' has row"),
        (csv, "tags.csv", "userId,movieId\n1,10\n", "tags.csv: no column 'tag'"),
        (dat, "ratings.dat", "1::2::3\n", "ratings.dat, row 1: 3 columns, expected user_id"),
        (dat, "ratings.dat", "1::2::3::4\n1::2::3\n", "ratings.dat, row 2: 3 columns, expected 4"),
        (dat, "movies.dat", "10::A::B\n11::A\n", "movies.dat, row 2: 2 fields with '::'"),
        (dat, "movies.dat", "", "movies.dat: the file is empty"),
        (dat, "tags.dat", "1::10::x\n", "tags.dat, row 1: 3 columns, expected user_id, item_id"),
        (old, "u.item", "10|A|||u|0|0|0|2\n", "u.item, row 1: genres are 0 or 1, here '0 0 0 2'"),
        (old, "u.item", "10|A|||u|0|0\n", "u.item, row 1: 7 fields with '|' between them"),
        (old, "u.genre", "unknown|0\nWar|2\n", "u.genre: expected `genre|number`, the numbers 0"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, write, file, content, message):
    write(tmp_path)
    (tmp_path / file).write_text(content)
    assert message in refusal(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    old(tmp_path)
    (tmp_path / "u.genre").unlink()
    assert "u.genre: no such file" in refusal(tmp_path)
    (tmp_path / "u.data").unlink()
    assert "ratings.csv: no such file" in refusal(tmp_path)
