"""Options of an extraction, and what is said when a library is missing or broken."""

import sys

import pytest

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.extract.settings import ExtractSettings, list_entries, make_extractor

KINDS_AND_LIBRARIES = [
    ("images", "timm"),
    ("texts", "sentence_transformers"),
    ("sounds", "librosa"),
]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "videos"}, "images, texts, sounds"),
        ({"kind": "sounds", "model": "resnet18"}, "--model is for images and texts, not sounds"),
        ({"kind": "texts", "weights": "a.pth"}, "--weights is for images, not texts"),
        ({"kind": "texts", "pretrained": False}, "--pretrained is for images"),
        ({"kind": "images", "text_columns": "title"}, "--text_columns is for texts"),
        ({"kind": "images", "seconds": 3.0}, "--seconds is for sounds"),
        ({"kind": "sounds", "device": "cpu"}, "--device is for images and texts"),
        ({"kind": "sounds", "seconds": 0.0}, "must be greater than 0"),
        ({"batch_size": 0}, "must be at least 1"),
        ({"readers": 0}, "must be at least 1"),
        ({"modality": "../x"}, "--modality='../x': letters"),
        ({"weights": "a.pth", "model": "hf-hub:a/b"}, "plain name"),
    ],
)
def test_contradictions_are_refused(options, words):
    with pytest.raises(ConfigError) as caught:
        ExtractSettings(**options)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_text_columns_choose_how_a_table_is_read(tmp_path):
    table = tmp_path / "items.tsv"
    table.write_text("item\tfile\nB1\tmug.txt\n")
    files = list_entries(table, ExtractSettings(kind="texts"))
    texts = list_entries(table, ExtractSettings(kind="texts", text_columns="file, item"))
    assert files[0].content == tmp_path / "mug.txt"
    assert texts[0].content == "mug.txt\nB1"


@pytest.mark.parametrize(("kind", "library"), KINDS_AND_LIBRARIES)
def test_a_missing_library_is_named(monkeypatch, kind, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(DataError) as caught:
        make_extractor(ExtractSettings(kind=kind))
    assert str(caught.value) == (
        f"{kind} need {library}, which is not installed: pip install 'kdiffe_jax[extract]'"
    )


@pytest.mark.parametrize(
    "source",
    [
        r"raise RuntimeError('no operator\nof boxes')",
        "try:\n    raise RuntimeError('no operator of boxes')\n"
        "except RuntimeError as error:\n    raise ModuleNotFoundError('no part') from error",
    ],
)
@pytest.mark.parametrize(("kind", "library"), KINDS_AND_LIBRARIES)
def test_a_broken_library_is_one_line(monkeypatch, tmp_path, kind, library, source):
    (tmp_path / f"{library}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(DataError) as caught:
        make_extractor(ExtractSettings(kind=kind))
    assert "can't be imported (no operator of boxes)" in str(caught.value)
    assert "\n" not in str(caught.value)
