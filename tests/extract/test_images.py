"""Images through timm, with small models of random weights; nothing is fetched."""

import math

import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.extract.entries import file_entries
from kdiffe_jax.extract.images import ImageExtractor, as_rgb, class_names, read_weights
from kdiffe_jax.extract.resumable import extract

Image = pytest.importorskip("PIL.Image")


def extractor(**options):
    return ImageExtractor("test_resnet", **{"pretrained": False, "device": "cpu"} | options)


@pytest.fixture
def folder(tmp_path, rng):
    """Pictures of many kinds, and four files that are none."""
    path = tmp_path / "raw"
    path.mkdir()
    pixels = rng.integers(0, 256, (40, 60, 4)).astype(np.uint8)
    Image.fromarray(pixels[..., :3]).save(path / "colour.jpg")
    Image.fromarray(pixels[..., :3]).save(path / "colour again.png")
    Image.fromarray(pixels).save(path / "transparent.png")
    Image.fromarray(pixels[..., 0]).save(path / "grey.png")
    Image.fromarray(pixels[..., 0].astype(np.uint16) << 8).save(path / "sixteen bits.png")
    Image.fromarray(pixels[..., :3]).quantize(16).save(path / "palette.gif")
    Image.fromarray(pixels).convert("CMYK").save(path / "print.jpg")
    Image.fromarray(pixels[:1, :1, :3]).save(path / "one pixel.png")
    (path / "cut.jpg").write_bytes((path / "colour.jpg").read_bytes()[:600])
    (path / "torn.png").write_bytes((path / "colour again.png").read_bytes()[:600])
    (path / "text.jpg").write_text("<html>not found</html>")
    (path / "empty.jpg").write_bytes(b"")
    return path


def test_embeddings_and_scores_of_every_picture_that_opens(timm, folder, tmp_path):
    out = tmp_path / "out"
    result = extract(file_entries(folder), extractor(), out, batch_size=3, part_size=4)
    assert (result.total, result.unreadable) == (12, 4)
    items = (out / "image_feat.ids.txt").read_text().splitlines()
    assert len(items) == 8 and "grey" in items
    assert np.load(out / "image_feat.npy").shape == (8, 96)
    assert np.load(out / "image_labels.npy").shape == (8, 1000)
    names = (out / "labels.txt").read_text().splitlines()
    assert names[0] == "tench, Tinca tinca" and len(set(names)) == 1000
    failed = [line.split("\t")[0] for line in (out / "unreadable.tsv").read_text().splitlines()]
    assert failed == ["cut", "empty", "text", "torn"]


def test_rows_are_what_timm_says_of_each_picture(timm, torch, folder):
    images = extractor()
    network = timm.create_model("test_resnet", pretrained=False).eval()
    network.load_state_dict(images._network.state_dict())
    settings = timm.data.resolve_model_data_config(network)
    transform = timm.data.create_transform(**settings, is_training=False)
    files = [folder / "colour again.png", folder / "grey.png"]
    rows = images.compute([images.read(file) for file in files])
    pixels = torch.stack([transform(Image.open(file).convert("RGB")) for file in files])
    with torch.inference_mode():
        scores = network(pixels).numpy()
        network.reset_classifier(0)
        features = network(pixels).numpy()
    assert np.allclose(rows, np.concatenate([features, scores], axis=1), atol=1e-5)


def test_random_weights_come_from_a_fixed_seed_and_touch_no_other(timm, torch):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, second = (extractor()._network.state_dict() for _ in range(2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_weights_of_a_file_are_used(timm, torch, offline, tmp_path, folder, name, nested):
    from safetensors.torch import save_file

    torch.manual_seed(3)
    network = timm.create_model("test_resnet", pretrained=False).eval()
    if name.endswith("pth"):
        state = network.state_dict()
        torch.save({"state_dict": state, "epoch": 3} if nested else state, tmp_path / name)
    else:
        save_file(network.state_dict(), tmp_path / name)
    images = extractor(weights=tmp_path / name)
    loaded = images._network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in network.state_dict().items())
    assert images.options["weights"].startswith("sha256 ")
    assert images.options != extractor().options


class Foreign:
    """Would run code on unpickling."""

    def __reduce__(self):
        return (print, ("ran",))


@pytest.mark.parametrize(
    ("name", "write", "words"),
    [
        ("w.pth", lambda torch, file: None, "no such file"),
        ("w.pth", lambda torch, file: file.write_bytes(b""), "neither safetensors nor"),
        ("w.pth", lambda torch, file: file.write_bytes(b"junk"), "neither safetensors nor"),
        ("w.safetensors", lambda torch, file: file.write_bytes(b"junk"), "neither safetensors nor"),
        ("w.pth", lambda torch, file: torch.save([1, 2], file), "neither safetensors nor"),
        ("w.pth", lambda torch, file: torch.save({"a": "text"}, file), "more than tensors"),
        (
            "w.pth",
            lambda torch, file: torch.save({"a": Foreign()}, file),
            "neither safetensors nor",
        ),
        ("w.pth", lambda torch, file: torch.save({"a": torch.ones(2)}, file), "does not fit"),
    ],
)
def test_bad_weights_are_one_line(timm, torch, offline, capfd, tmp_path, name, write, words):
    file = tmp_path / name
    write(torch, file)
    with pytest.raises(DataError) as caught:
        extractor(weights=file)
    assert words in str(caught.value) and str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "ran" not in capfd.readouterr().out


def test_weights_that_cannot_be_fetched_are_one_line(timm, offline):
    with pytest.raises(DataError) as caught:
        ImageExtractor("test_resnet", device="cpu")
    assert "weights of test_resnet can't be fetched" in str(caught.value)
    assert "--weights=FILE" in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_models_and_devices(timm):
    with pytest.raises(ConfigError, match="timm has no such model; near it: .*resnet"):
        ImageExtractor("resnet19", pretrained=False, device="cpu")
    with pytest.raises(ConfigError, match="--device=abacus can't be used"):
        extractor(device="abacus")


def test_a_model_without_classes_gives_embeddings_only(timm, folder, tmp_path):
    images = ImageExtractor("vit_small_patch16_224.dino", pretrained=False, device="cpu")
    assert images.class_names == ()
    assert images.compute([images.read(folder / "grey.png")]).shape == (1, 384)


def test_class_names_are_unique_and_numbered_where_unknown(timm):
    names = class_names(timm.create_model("test_resnet"))
    assert len(set(names)) == 1000
    assert [name for name in names if name.startswith("crane")] == [
        "crane (n02012849)",
        "crane (n03126707)",
    ]
    other = timm.create_model("test_resnet", num_classes=3)
    assert class_names(other) == ("class 0", "class 1", "class 2")


def test_pictures_become_upright_rgb(rng):
    turned = Image.new("RGB", (4, 2), "red")
    turned.getexif()[0x0112] = 6
    assert as_rgb(turned).size == (2, 4)
    assert as_rgb(Image.new("RGBA", (1, 1), (255, 0, 0, 0))).getpixel((0, 0)) == (255, 255, 255)
    assert as_rgb(Image.new("LA", (1, 1), (9, 255))).getpixel((0, 0)) == (9, 9, 9)
    deep = Image.fromarray(np.array([[0, 0x8000, 0xFFFF]], np.uint16))
    assert [as_rgb(deep).getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]


def test_the_model_of_the_paper(timm):
    images = ImageExtractor(pretrained=False, device="cpu")
    assert images.options["image_size"] == [3, 331, 331]
    row = images.compute([images._transform(Image.new("RGB", (500, 400), "teal"))])
    assert row.shape == (1, 4320 + 1000) and np.isfinite(row).all()
    assert math.isclose(float(row[0, :4320].min()), 0.0, abs_tol=1e-3)


def test_read_weights_strips_what_wrappers_add(timm, torch, tmp_path):
    torch.save({"model": {"module.a": torch.ones(2)}}, tmp_path / "w.pth")
    assert list(read_weights(tmp_path / "w.pth")) == ["a"]
