"""Where the files of the paper's three data sets are public, and which sums they have."""

from __future__ import annotations

from dataclasses import dataclass

# A commit never changes; a branch is named where no sum of the file is known.
_DIFFMM = "https://raw.githubusercontent.com/HKUDS/DiffMM"
_DIFFMM_COMMIT = f"{_DIFFMM}/1337447834aee475c1b1a59d291087e9ded9771a/Datasets"
_DIFFMM_BRANCH = f"{_DIFFMM}/main/Datasets"
_KDIFFE = "https://raw.githubusercontent.com/1453216158/KDiffE"
_KDIFFE_TIKTOK = f"{_KDIFFE}/e9a186a9629e326f9a8b1b865377d636af825a61/Datasets/tiktok"
_KDIFFE_BABY = f"{_KDIFFE}/9a499d2ce5b366fd33dfa3d5443b0f90c8fbd4e2/Datasets/baby"
_KDIFFE_SPORTS = f"{_KDIFFE}/HEAD/Datasets/sports"
_SPORTS_ARCHIVE = "https://drive.google.com/file/d/1PR_IK5-xMwSso2JPHZ93k3eMQ0_s9JDx/view"


@dataclass(frozen=True)
class PublicFile:
    """One file to fetch; a name that ends in .zip holds the file without that ending.

    Attributes:
      name: of the file in the directory.
      url: its public address.
      sha256: 64 hexadecimal digits, empty where the sum is not known.
      optional: whether the data set is of use without the file.
      largest: bytes that the file, and what is unpacked from it, may have at most.
    """

    name: str
    url: str
    sha256: str = ""
    optional: bool = False
    largest: int = 1 << 30

    @property
    def unpacked(self) -> str:
        """The name of the file that readers want."""
        return self.name.removesuffix(".zip")


@dataclass(frozen=True)
class PublicData:
    """The files of one data set; some have no address that a program can fetch.

    Attributes:
      files: what is fetched.
      by_hand: names of files that only a person can get.
      page: where to get these.
    """

    files: tuple[PublicFile, ...]
    by_hand: tuple[str, ...] = ()
    page: str = ""


def _all_from(root: str, sums: dict[str, str]) -> tuple[PublicFile, ...]:
    return tuple(PublicFile(name, f"{root}/{name}", sha256) for name, sha256 in sums.items())


def _unpinned_features(root: str, *names: str) -> tuple[PublicFile, ...]:
    return tuple(PublicFile(name, f"{root}/{name}", optional=True) for name in names)


_TIKTOK = {
    "trnMat.pkl": "1efbc49d1a7ce5268f01e3e0c558df1f8f8644628c76aa6536be4ec61d256916",
    "valMat.pkl": "b6971ed696613d565613dd74b101c45b2aa002b66e8ba99cad03abf04db2397b",
    "tstMat.pkl": "e83a93787d88728572dbdd5b131bae01a90e17c340820e7b8f0a7c27e69d6f9e",
    "image_feat.npy": "f6c1ec1726ed2aa80315411199ab2143bee6333821bf58c5f00bd3f5b462efc2",
    "audio_feat.npy": "d45a44a9d462f578802de914c2feea5cfd45742b2922775a085b9bdc1beba26f",
}
_TIKTOK_KG = {"kg.txt": "50c33d2aca6673a27f1953e35854e56ed45372902dcebc7bda47508af36649a6"}
_BABY = {
    "trnMat.pkl": "4f89877511ce79f65e3e9376128f5c85fe4edf8d293706b94647f4b354a79d77",
    "valMat.pkl": "71d426a111aec233f7442c478a8d21e182b87c9c2d5efe2ef1558fe0b1e929d2",
    "tstMat.pkl": "98b2f7faf5c275e55ab63087cb52056f102d47b0a2db7b43a34836d737360b35",
}
_BABY_KG = {"kg.txt": "dc278110d68330ccfd668a5ed35ff2136b80fc286b7312d77ca446d0b2c3a44c"}

PUBLIC = {
    "tiktok": PublicData(
        (
            *_all_from(f"{_DIFFMM_COMMIT}/tiktok", _TIKTOK),
            *_all_from(_KDIFFE_TIKTOK, _TIKTOK_KG),
            *_unpinned_features(f"{_DIFFMM_BRANCH}/tiktok", "text_feat.npy"),
        )
    ),
    "baby": PublicData(
        (
            *_all_from(f"{_DIFFMM_COMMIT}/baby", _BABY),
            *_all_from(_KDIFFE_BABY, _BABY_KG),
            *_unpinned_features(f"{_DIFFMM_BRANCH}/baby", "image_feat.npy.zip", "text_feat.npy"),
        )
    ),
    "sports": PublicData(
        _all_from(_KDIFFE_SPORTS, {"trnMat.pkl": "", "tstMat.pkl": ""}),
        by_hand=("valMat.pkl", "image_feat.npy", "text_feat.npy"),
        page=_SPORTS_ARCHIVE,
    ),
}
