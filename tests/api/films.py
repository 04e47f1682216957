"""Tables of the shape of MovieLens: whole-number ids, ratings, genres as a|b|c, times."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

GENRES = ("Drama", "Comedy", "War", "Western", "Crime")
USERS, FILMS = 50, 40
DAY = 86_400
START = 1_700_000_000


def ratings(seed=0, *, days=100, first_day=0, users=range(101, 101 + USERS)):
    """Users rate mostly films of their favourite genre."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in users:
        liked = np.array(
            [4.0 if film % len(GENRES) == user % len(GENRES) else 1.0 for film in FILM]
        )
        chosen = rng.choice(FILM, size=12, replace=False, p=liked / liked.sum())
        times = START + DAY * first_day + rng.integers(0, DAY * days, 12)
        rows += [
            (user, int(film), float(rng.integers(1, 11)) / 2, int(time))
            for film, time in zip(chosen, times, strict=True)
        ]
    columns = zip(*rows, strict=True)
    return dict(zip(("userId", "movieId", "rating", "timestamp"), columns, strict=True))


FILM = np.arange(1000, 1000 + FILMS)


def films():
    return {
        "movieId": FILM.tolist(),
        "title": [f"Film {n} ({1950 + n % 60})" for n in FILM],
        "genres": ["|".join({GENRES[n % 5], GENRES[(n // 5) % 5]}) for n in FILM.tolist()],
    }


def triples():
    return {
        "movieId": FILM.tolist(),
        "relation": ["director"] * FILMS,
        "entity": [f"director {n % 5} {n % 2}" for n in FILM.tolist()],
    }


def vectors():
    rng = np.random.default_rng(3)
    return np.eye(5)[FILM % 5] + 0.1 * rng.normal(size=(FILMS, 5))


MAKE = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": lambda columns: pa.table({n: pa.array(list(v)) for n, v in columns.items()}),
}


def rows_of(frame):
    """A frame's rows as tuples, whatever its kind."""
    if isinstance(frame, pd.DataFrame):
        return list(frame.itertuples(index=False, name=None))
    if isinstance(frame, pl.DataFrame):
        return frame.rows()
    return list(zip(*(column.to_pylist() for column in frame.columns), strict=True))
