"""Sounds -> timbre, harmony, loudness and tempo over time, by librosa."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.extract.entries import Unreadable
from kdiffe_jax.extract.libraries import needed, versions

SAMPLE_RATE = 22_050
WINDOW, HOP = 2048, 512
N_MFCC = 20
# Rows of each feature over time and the unit in which it is of size 1.
FEATURES = {
    "mfcc": (N_MFCC, 100.0),
    "chroma": (12, 1.0),
    "contrast": (7, 50.0),
    "centroid": (1, SAMPLE_RATE / 2),
    "bandwidth": (1, SAMPLE_RATE / 2),
    "rolloff": (1, SAMPLE_RATE / 2),
    "flatness": (1, 1.0),
    "zero_crossings": (1, 1.0),
    "rms": (1, 1.0),
}
TEMPO_UNIT = 200.0
WIDTH = 2 * sum(rows for rows, _ in FEATURES.values()) + 1


class SoundExtractor:
    """See `Extractor`. A row is `describe` of the beginning of a file, mixed to mono.

    Args:
      seconds: how much of the beginning counts.

    Raises:
      DataError: librosa is missing.
    """

    class_names = ()

    def __init__(self, seconds: float = 60.0, *, modality: str = "audio"):
        with needed("sounds"):
            import librosa  # noqa: F401
            import soundfile  # noqa: F401

        self.modality = modality
        self._seconds = seconds
        self.options = {
            "kind": "sounds",
            "modality": modality,
            "seconds": seconds,
            "sample_rate": SAMPLE_RATE,
            "width": WIDTH,
        }
        self.versions = versions("librosa", "soundfile", "soxr")

    def read(self, content: Path | str) -> np.ndarray:
        """float32[WIDTH] of one file."""
        return describe(read_sound(Path(content), self._seconds))

    def compute(self, batch: list[Any]) -> np.ndarray:
        """float32[n, WIDTH]."""
        return np.stack(batch)


def read_sound(file: Path, seconds: float) -> np.ndarray:
    """float32[n]: the beginning of a file, mono, at 22,050 samples a second.

    Raises:
      Unreadable: no samples, or some that are not finite.
    """
    import librosa
    import soundfile

    with soundfile.SoundFile(file) as stream:
        rate = stream.samplerate
        samples = stream.read(round(seconds * rate), dtype="float32", always_2d=True)
    if not len(samples):
        raise Unreadable("there are no samples in it")
    if not np.isfinite(samples).all():
        raise Unreadable("a sample is not finite")
    return librosa.resample(samples.mean(axis=1), orig_sr=rate, target_sr=SAMPLE_RATE)


def describe(samples: np.ndarray) -> np.ndarray:
    """float32[WIDTH]: means over time of `FEATURES`, their deviations, then the tempo.

    Args:
      samples: float32[n] at 22,050 a second; less than one window is filled with silence.
    """
    import librosa

    samples = np.pad(samples, (0, max(0, WINDOW - len(samples))))
    size = np.abs(librosa.stft(samples, n_fft=WINDOW, hop_length=HOP))
    mel = librosa.power_to_db(librosa.feature.melspectrogram(S=size**2, sr=SAMPLE_RATE))
    over_time = {
        "mfcc": librosa.feature.mfcc(S=mel, n_mfcc=N_MFCC),
        "chroma": librosa.feature.chroma_stft(S=size**2, sr=SAMPLE_RATE, tuning=0.0),
        "contrast": librosa.feature.spectral_contrast(S=size, sr=SAMPLE_RATE),
        "centroid": librosa.feature.spectral_centroid(S=size, sr=SAMPLE_RATE),
        "bandwidth": librosa.feature.spectral_bandwidth(S=size, sr=SAMPLE_RATE),
        "rolloff": librosa.feature.spectral_rolloff(S=size, sr=SAMPLE_RATE),
        "flatness": librosa.feature.spectral_flatness(S=size),
        "zero_crossings": librosa.feature.zero_crossing_rate(samples),
        "rms": librosa.feature.rms(S=size),
    }
    rows = np.concatenate([over_time[name] / unit for name, (_, unit) in FEATURES.items()])
    onsets = librosa.onset.onset_strength(S=mel, sr=SAMPLE_RATE)
    tempo = librosa.feature.tempo(onset_envelope=onsets, sr=SAMPLE_RATE) / TEMPO_UNIT
    return np.concatenate([rows.mean(axis=1), rows.std(axis=1), tempo]).astype(np.float32)
