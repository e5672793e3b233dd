"""Audio files: what they hold, by decoding them, and their samples.

libsndfile (`soundfile`) decodes WAV, FLAC, AIFF and their like. FFmpeg's libraries (`av`) decode
MP3 and Ogg, whose length and damage only their frames tell, and whatever libsndfile refuses.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import not_itself

BLOCK = 1 << 16  # frames decoded at a time
MISSING = 0.01  # seconds that may lack of what an MP3 file promises
LOST = 0.1  # that may lack elsewhere (paddings), or fail between good ones: joined MP3 files
WAV_EXCESS = 64  # bytes that a WAV header may promise too many, as some recorders do
PACKET = 10.0  # seconds of sound that one packet may hold
FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,avi,caf,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv"
)
"""What FFmpeg may open: containers that hold their sound, no playlists that name other files."""
OTHERS = ("mp3", "mpeg", "ogg")
"""What libsndfile calls the formats that are left to FFmpeg."""
EXTENSIONS = {"wavex": ".wav", "rf64": ".wav", "matroska": ".webm", "mov": ".m4a"}


class BadAudioError(EarmarkError):
    """Bytes that are not audio, or not all of it."""


class _OtherDecoder(Exception):  # noqa: N818
    """What libsndfile does not read, or not reliably."""


@dataclass(frozen=True)
class AudioInfo:
    """What an audio file holds.

    Attributes:
        duration: Seconds.
        sampling_rate: Hz.
        channels: How many channels.
        extension: What a file of this format is called, with the dot: ``.flac``.
    """

    duration: float
    sampling_rate: int
    channels: int
    extension: str


def examine(path: str | Path, check: str = "full") -> AudioInfo:
    """What an audio file holds, in bounded memory.

    Args:
        path: The file.
        check: ``full`` decodes all of it, which finds damage; ``header`` believes its header (or
            counts its frames, in formats whose header does not tell).

    Raises:
        BadAudioError: when it is not audio, or was cut short or damaged; does not name the file.
    """
    with Path(path).open("rb") as stream:
        start = stream.read(64)
        tagged = start.startswith(b"ID3") and len(start) > 10
        if tagged:  # an ID3 tag, of 7 bits a byte of its size
            stream.seek(10 + sum(byte << 7 * n for n, byte in enumerate(start[9:5:-1])))
        tagged = tagged and stream.read(4) not in (b"RIFF", b"FORM")
    if not start:
        raise BadAudioError("no bytes in it")
    if what := not_itself(start):
        raise BadAudioError(what)
    if not tagged:  # libsndfile takes the tag for the sound of a FLAC file
        try:
            return _by_libsndfile(str(path), check)
        except _OtherDecoder:
            pass
    return _by_ffmpeg(str(path), check, start)


def _by_libsndfile(path: str, check: str) -> AudioInfo:
    import numpy as np
    import soundfile

    try:
        with soundfile.SoundFile(path) as sound:
            kind = sound.format.lower()
            other = kind in OTHERS or sound.subtype.startswith("MPEG")
            if other or not 0 < sound.frames < 1 << 40:
                raise _OtherDecoder
            frames, rate, channels = sound.frames, sound.samplerate, sound.channels
            sizes = re.search(r"data : (\d+) \(should be (\d+)\)", sound.extra_info)
            if check == "full":
                block, frames = np.empty((BLOCK, channels), np.float32), 0
                try:
                    while frames < sound.frames:  # and no further: other bytes may follow
                        count = len(sound.read(out=block[: sound.frames - frames]))
                        if not count:
                            raise _ends_early(sound)
                        frames += count
                except soundfile.LibsndfileError:
                    raise _ends_early(sound) from None
    except soundfile.LibsndfileError:
        raise _OtherDecoder from None
    # More than two gigabytes are promised by what was written to a pipe.
    if sizes and int(sizes[2]) + WAV_EXCESS < int(sizes[1]) < 0x7FFFF000:
        raise BadAudioError(f"cut short: {sizes[2]} of {sizes[1]} bytes of sound")
    return AudioInfo(frames / rate, rate, channels, EXTENSIONS.get(kind, f".{kind}"))


def _by_ffmpeg(path: str, check: str, start: bytes) -> AudioInfo:
    import av

    log: list[Any] = []
    try:
        with _logged() as log, _opened(path) as container:
            stream = container.streams.audio[0]
            kind, rate = container.format.name.split(",")[0], stream.sample_rate
            channels, stream.codec_context.options = stream.channels, {"err_detect": "crccheck"}
            # FFmpeg says so where it guesses a length that nothing in the file tells.
            guessed = any("bitrate" in message for _, _, message in log)
            promised = 0.0 if guessed else float((stream.duration or 0) * stream.time_base)
            if check == "full":
                seconds, lost = _counted(container, stream)
            else:
                lengths = (
                    float(p.duration or 0) * stream.time_base for p in container.demux(stream)
                )
                # The last of an Ogg stream may claim days.
                seconds, lost = float(sum(each for each in lengths if each < PACKET)), 0.0
                if seconds == 0 or (promised and not kind.startswith("ogg")):
                    seconds = min(seconds or promised, promised)
    # AttributeError: PyAV knows no decoder for the stream; ZeroDivisionError: it has no rate.
    except (av.error.FFmpegError, IndexError, ValueError, AttributeError, ZeroDivisionError):
        if not any("CRC" in message for _, _, message in log):
            raise BadAudioError(
                "not audio that libsndfile or FFmpeg reads; its first bytes are "
                f"{start[:8].hex(' ')}"
            ) from None
    if any("CRC" in message for _, _, message in log):
        raise BadAudioError("damaged: a checksum does not hold")
    if kind == "ogg":  # its length is where its last page says that it ends, paddings included
        promised = 0.0
    if lost > LOST or seconds < promised - (MISSING if kind == "mp3" else LOST):
        of = f" of its {promised:.2f} s" if promised else ""
        raise BadAudioError(f"cut short or damaged: {seconds:.2f} s{of} can be decoded")
    return AudioInfo(seconds, rate, channels, EXTENSIONS.get(kind, f".{kind}"))


def _ends_early(sound: Any) -> BadAudioError:
    seconds = sound.frames / sound.samplerate
    return BadAudioError(f"cut short or damaged: its {seconds:.2f} s cannot be decoded to the end")


def _logged() -> Any:
    """Collects what FFmpeg warns of in this thread, as a context manager."""
    import av.logging

    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)
    return av.logging.Capture()


def _opened(source: Any) -> Any:
    import av

    return av.open(source, metadata_errors="ignore", options={"format_whitelist": FORMATS})


def _counted(container: Any, stream: Any) -> tuple[float, float]:
    """Seconds decoded, and those of packets that failed between good ones."""
    import av

    counts: Counter[int] = Counter()  # frames, by their rate: joined files may have several
    failed = lost = 0.0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            failed += float((packet.duration or 0) * stream.time_base) if counts else 0.0
            continue
        for frame in frames:
            counts[frame.sample_rate] += frame.samples
        if frames:
            lost, failed = lost + failed, 0.0
    return sum(count / rate for rate, count in counts.items()), lost


def read(
    source: str | Path | bytes, offset: float = 0.0, duration: float | None = None
) -> tuple[Any, int]:
    """The samples of an audio file, or of a part of it.

    Args:
        source: The file, or its bytes.
        offset: Where the part begins, in seconds.
        duration: How long it is, in seconds; None for the rest. Less where the file ends before.

    Returns:
        Samples as float32, shape ``(frames, channels)``, and their rate in Hz.

    Raises:
        BadAudioError: when it cannot be decoded.
        OSError: when the file cannot be read.
    """
    import av
    import soundfile

    data: Any = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    if not isinstance(source, bytes):
        Path(source).open("rb").close()  # a missing file is no bad audio
    try:
        with soundfile.SoundFile(data) as sound:
            first, last = _frames(offset, duration, sound.samplerate)
            if sound.format.lower() in OTHERS or sound.frames > 1 << 40 or not sound.seekable():
                raise _OtherDecoder
            if not sound.frames:
                raise _OtherDecoder
            sound.seek(min(first, sound.frames))
            count = -1 if last is None else last - first
            return sound.read(count, dtype="float32", always_2d=True), sound.samplerate
    except (soundfile.LibsndfileError, _OtherDecoder):
        pass
    try:
        data = io.BytesIO(source) if isinstance(source, bytes) else data
        with _opened(data) as container:
            stream = container.streams.audio[0]
            rate = stream.sample_rate  # of its first frames: joined files may have several
            return _part(container, stream, *_frames(offset, duration, rate)), rate
    # AttributeError: PyAV knows no decoder for the stream; ZeroDivisionError: it has no rate.
    except (av.error.FFmpegError, IndexError, ValueError, AttributeError, ZeroDivisionError):
        raise BadAudioError("not audio that libsndfile or FFmpeg reads") from None


def _frames(offset: float, duration: float | None, rate: int) -> tuple[int, int | None]:
    return round(offset * rate), None if duration is None else round((offset + duration) * rate)


def _part(container: Any, stream: Any, first: int, last: int | None) -> Any:
    """Frames from and to, decoded by FFmpeg; packets that it cannot decode are passed over."""
    import av
    import numpy as np

    made = partial(av.AudioResampler, "fltp", stream.layout.name, stream.sample_rate)
    resamplers: defaultdict[Any, Any] = defaultdict(made)  # by the frame's rate and layout
    channels, parts, at = stream.channels, [], 0
    for packet in container.demux(stream):
        try:
            frames = [
                part
                for frame in packet.decode()
                for part in resamplers[frame.sample_rate, frame.layout.name].resample(frame)
            ]
        except av.error.InvalidDataError:
            continue
        for samples in (frame.to_ndarray().T for frame in frames):
            if samples.shape[1] != channels:  # a damaged frame's header may say so
                samples = samples.mean(axis=1, keepdims=True).repeat(channels, axis=1)
            end = len(samples) if last is None else max(last - at, 0)
            parts.append(samples[max(first - at, 0) : end])
            at += len(samples)
        if last is not None and at >= last:
            break
    return np.concatenate(parts)


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        EarmarkError: when the file cannot be read.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
