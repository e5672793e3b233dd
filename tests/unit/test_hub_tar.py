"""Clips in a tar on the Hub: MMAR's shape, what is fetched and kept, and members that are refused."""

from __future__ import annotations

import io
import tarfile

import hub_sets
import pytest

from earmark.config import Split
from earmark.errors import EarmarkError
from earmark.files import read_jsonl

NAMES = [f"./audio/clip {n}.wav" for n in range(4)]


def packed(members, mode="w:gz"):
    """A tar of members: bytes, or a `TarInfo` for anything else."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, data in members.items():
            info = data if isinstance(data, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(data, bytes):
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data) if isinstance(data, bytes) else None)
    return stream.getvalue()


def clips(names=NAMES):
    return {name: hub_sets.clip(n, kind="WAV") for n, name in enumerate(names)}


def committed(hub, archive, names=NAMES, file="clips.tar.gz"):
    """Rows that name clips, beside an archive; returns the split that they are."""
    rows = [{"id": f"q{n}", "audio_path": name} for n, name in enumerate(names)]
    hub.commit("o/n", {"rows.jsonl": hub_sets.jsonl(rows), file: archive})
    source = {"type": "hub", "repo": "o/n", "files": ["rows.jsonl"], "archive": file,
              "columns": {"audio": "audio_path", "text": None}}  # fmt: skip
    return Split(benchmark="x", name="s", source=source)


@pytest.mark.parametrize(
    ("file", "mode"),
    [("c.tar", "w:"), ("c.tar.gz", "w:gz"), ("c.tgz", "w:gz"), ("c.tar.xz", "w:xz")],
)
@pytest.mark.parametrize("inside", ["./audio/", "audio/"])
def test_clips_of_a_tar_are_those_that_rows_name(hub, prepare, file, mode, inside):
    members = {f"{inside}clip {n}.wav": data for n, data in enumerate(clips().values())}
    archive = packed({"audio": tarfile.TarInfo("audio"), "README": b"x", **members}, mode)
    home = prepare(committed(hub, archive, NAMES[:3], file))
    for row, data in zip(read_jsonl(home / "manifest.jsonl"), clips().values(), strict=False):
        assert (home / row["audio_filepath"]).read_bytes() == data
    assert hub.sent(f"*{file}*") == len(archive)
    assert len([p for p in (home / "source" / "members").rglob("*") if p.is_file()]) == 3


def test_a_download_that_broke_off_keeps_the_clips_that_had_come(hub, prepare, monkeypatch):
    split = committed(hub, packed(clips()))
    real = tarfile.TarFile.extractfile
    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "extractfile",
                      lambda tar, info: 1 / 0 if "3" in info.name else real(tar, info))  # fmt: skip
        with pytest.raises(ZeroDivisionError):
            prepare(split)
    hub.forget()
    written = []
    monkeypatch.setattr(tarfile.TarFile, "extractfile",
                        lambda tar, info: written.append(info.name) or real(tar, info))  # fmt: skip
    home = prepare(split)
    assert written == NAMES[3:]
    assert hub.sent("*clips.tar.gz*") == 0
    assert len(list(read_jsonl(home / "manifest.jsonl"))) == 4


def link(name, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (link("audio/x.wav", tarfile.SYMTYPE), "is refused: it is a link"),
        (link("audio/x.wav", tarfile.LNKTYPE), "is refused: it is a link"),
        (link("audio/x.wav", tarfile.DIRTYPE), "is refused: it is no file"),
        (link("audio/x.wav", tarfile.CHRTYPE), "is refused: it is no file"),
        (b"RIFF", "has no member '../x.wav'"),
    ],
)
def test_dangerous_members_are_refused_by_name(hub, prepare, tmp_path, member, says):
    name = "audio/x.wav" if isinstance(member, tarfile.TarInfo) else "../x.wav"
    split = committed(hub, packed({**clips(), name: member}), ["audio/clip 0.wav", name])
    if name.startswith(".."):
        says = "'../x.wav' is refused: its path leads outside"
    with pytest.raises(EarmarkError, match=f"row 2 of rows.jsonl: o/n: clips.tar.gz: .*{says}"):
        prepare(split)
    assert not list(tmp_path.rglob("*.wav"))


def test_a_clip_that_would_unpack_to_too_much_is_refused(hub, prepare):
    info = tarfile.TarInfo(NAMES[1])
    info.size = 300 << 20  # said, and not there: of zeros it would pack to a thousandth
    first = packed({NAMES[0]: clips()[NAMES[0]]}, "w:").rstrip(b"\0")
    archive = first + bytes(-len(first) % 512) + info.tobuf() + bytes(20480)
    with pytest.raises(EarmarkError, match=r"row 2 .* is refused: it would unpack to 314.6 MB"):
        prepare(committed(hub, archive, NAMES[:2], "clips.tar"))


@pytest.mark.parametrize("damage", ["cut", "page", "missing"])
def test_what_is_wrong_with_a_tar_is_told(hub, prepare, damage):
    whole = packed(clips())
    archive, says = {
        "cut": (whole[: len(whole) // 2], "cannot be read as a tar archive .*; it may have been"),
        "page": (b"<html>gone</html>", "cannot be read as a tar archive"),
        "missing": (packed(clips(NAMES[:3])), "row 4 of .*: has no member 'audio/clip 3.wav'"),
    }[damage]  # fmt: skip
    with pytest.raises(EarmarkError, match=says):
        prepare(committed(hub, archive))
