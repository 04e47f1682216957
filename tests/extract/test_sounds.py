"""Sounds through librosa, on small WAV files written here."""

import wave

import numpy as np
import pytest

from kdiffe_jax.extract.entries import Unreadable, file_entries
from kdiffe_jax.extract.resumable import extract

pytest.importorskip("librosa")

from kdiffe_jax.extract.sounds import (
    # noqa: E402
    FEATURES,
    SAMPLE_RATE,
    WIDTH,
    SoundExtractor,
    describe,
    read_sound,
)


def write_wav(file, samples, rate=SAMPLE_RATE):
    """float[n] or float[n, channels] in -1..1 as 16-bit WAV."""
    samples = np.atleast_2d(samples.T).T
    with wave.open(str(file), "wb") as stream:
        stream.setnchannels(samples.shape[1])
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes((samples * 32767).astype("<i2").tobytes())


def tone(hertz, seconds=1.0, rate=SAMPLE_RATE):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def column(name):
    """Where the mean over time of a feature begins in a row."""
    names = list(FEATURES)
    return sum(FEATURES[before][0] for before in names[: names.index(name)])


def test_files_of_many_kinds(tmp_path, rng):
    raw, out = tmp_path / "raw", tmp_path / "out"
    raw.mkdir()
    write_wav(raw / "high.wav", tone(4000))
    write_wav(raw / "low.wav", tone(200))
    write_wav(raw / "noise.wav", rng.uniform(-0.5, 0.5, SAMPLE_RATE))
    write_wav(raw / "other rate.wav", tone(200, rate=8000), rate=8000)
    write_wav(raw / "short.wav", tone(200, seconds=0.01))
    write_wav(raw / "silence.wav", np.zeros(SAMPLE_RATE))
    write_wav(raw / "stereo.wav", np.stack([tone(200), tone(200)], axis=1))
    write_wav(raw / "void.wav", np.zeros(0))
    (raw / "words.wav").write_text("RIFF but nothing else")
    result = extract(file_entries(raw), SoundExtractor(), out, batch_size=3)
    assert (result.total, result.unreadable) == (9, 2)
    rows = np.load(out / "audio_feat.npy")
    items = (out / "audio_feat.ids.txt").read_text().splitlines()
    row = dict(zip(items, rows, strict=True))
    assert rows.shape == (7, WIDTH) and np.isfinite(rows).all() and np.abs(rows).max() < 20
    centroid = column("centroid")
    assert np.isclose(row["high"][centroid] * SAMPLE_RATE / 2, 4000, rtol=0.1)
    assert np.isclose(row["low"][centroid] * SAMPLE_RATE / 2, 200, rtol=0.5)
    assert row["noise"][column("flatness")] > 0.3 > row["low"][column("flatness")]
    assert np.array_equal(row["stereo"], row["low"])
    assert np.isclose(row["other rate"][column("rms")], row["low"][column("rms")], rtol=0.05)
    failed = (out / "unreadable.tsv").read_text().splitlines()
    assert failed[0] == "void\tvoid.wav\tthere are no samples in it"
    assert failed[1].startswith("words\twords.wav\tError opening")


def test_chroma_tells_the_note():
    chroma = slice(column("chroma"), column("chroma") + 12)
    assert describe(tone(440.0).astype(np.float32))[chroma].argmax() == 9
    assert describe(tone(261.63).astype(np.float32))[chroma].argmax() == 0


def test_tempo_of_clicks():
    clicks = np.zeros(SAMPLE_RATE * 12, np.float32)
    clicks[:: SAMPLE_RATE // 2] = 1.0
    assert np.isclose(describe(clicks)[-1] * 200, 120, rtol=0.05)


def test_only_the_beginning_counts(tmp_path):
    sound = np.concatenate([tone(300), tone(3000)])
    write_wav(tmp_path / "two.wav", sound)
    assert len(read_sound(tmp_path / "two.wav", 1.0)) == SAMPLE_RATE
    assert len(read_sound(tmp_path / "two.wav", 60.0)) == 2 * SAMPLE_RATE
    assert SoundExtractor(1.0).options != SoundExtractor(2.0).options
    first = SoundExtractor(1.0).read(tmp_path / "two.wav")
    write_wav(tmp_path / "one.wav", tone(300))
    assert np.array_equal(SoundExtractor(1.0).read(tmp_path / "one.wav"), first)


def test_samples_that_are_not_finite(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.array([0.1, np.nan]), 8000, subtype="FLOAT")
    with pytest.raises(Unreadable, match="not finite"):
        read_sound(tmp_path / "a.wav", 1.0)
