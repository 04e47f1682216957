"""Files beside the data that no reader takes: one line."""

from kdiffe_jax.data.not_read import not_read


def test_files_that_are_not_read_are_named(tmp_path):
    for name in (
        "interactions.csv",
        "Items.CSV",
        "item.csv",
        "image_feat.npz",
        ".hidden",
        "_SUCCESS",
    ):
        (tmp_path / name).write_text("x")
    (tmp_path / "pictures").mkdir()
    (line,) = not_read(tmp_path, ["interactions.csv"], [tmp_path / "pictures" / ".." / "item.csv"])
    assert line.startswith("not read: Items.CSV, image_feat.npz; ")


def test_many_files_are_counted(tmp_path):
    for number in range(12):
        (tmp_path / f"part{number:02}").write_text("x")
    (line,) = not_read(tmp_path, [])
    assert "part09 and 2 more;" in line and "part10" not in line


def test_nothing_beside_a_single_table_counts(tmp_path):
    (tmp_path / "table.csv").write_text("x")
    assert not_read(tmp_path / "table.csv", []) == not_read(tmp_path, ["table.csv"]) == []
