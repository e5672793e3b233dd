"""Audio files: what they hold, by decoding them, and their samples.

libsndfile (`soundfile`) decodes WAV, FLAC, AIFF and their like. FFmpeg's libraries (`av`) decode
MP3 and Ogg, whose length and damage only their frames tell, and whatever libsndfile refuses.
"""

import hashlib
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
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


@dataclass(frozen=True)
class AudioInfo:
    """What an audio file holds."""

    duration: float  # seconds
    sampling_rate: int  # Hz
    channels: int
    extension: str  # what a file of this format is called, with the dot: ``.flac``


def examine(path: str | Path, check: str = "full") -> AudioInfo:
    """What an audio file holds, in bounded memory.

    Args:
        path: The file.
        check: ``full`` decodes all of it, which finds damage; ``header`` believes its header (or
            counts its frames, in formats whose header does not tell).

    Raises:
        BadAudioError: when it is not audio, or was cut short or damaged; does not name the file.
    """
    start = _start(path)
    if not start:
        raise BadAudioError("no bytes in it")
    if what := not_itself(start):
        raise BadAudioError(what)
    return _by_libsndfile(str(path), check) or _by_ffmpeg(str(path), check)


def _start(source: str | Path | bytes) -> bytes:
    """The first bytes of a file; an `OSError` where it cannot be read, which is no bad audio."""
    if isinstance(source, bytes):
        return source[:64]
    with Path(source).open("rb") as stream:
        return stream.read(64)


def _reliable(sound: Any) -> bool:
    """Whether a file that libsndfile opened is left to it."""
    other = sound.format.lower() in OTHERS or sound.subtype.startswith("MPEG")
    return not other and 0 < sound.frames < 1 << 40


def _by_libsndfile(path: str, check: str) -> AudioInfo | None:
    import soundfile

    try:
        with soundfile.SoundFile(path) as sound:
            if not _reliable(sound):
                return None
            kind, rate, channels = sound.format.lower(), sound.samplerate, sound.channels
            seconds = sound.frames / rate
            sizes = re.search(r"data : (\d+) \(should be (\d+)\)", sound.extra_info)
            if check == "full" and not _decodes(sound):
                raise BadAudioError(
                    f"cut short or damaged: its {seconds:.2f} s cannot be decoded to the end"
                )
    except soundfile.LibsndfileError:
        return None
    # More than two gigabytes are promised by what was written to a pipe.
    if sizes and int(sizes[2]) + WAV_EXCESS < int(sizes[1]) < 0x7FFFF000:
        raise BadAudioError(f"cut short: {sizes[2]} of {sizes[1]} bytes of sound")
    return AudioInfo(seconds, rate, channels, EXTENSIONS.get(kind, f".{kind}"))


def _decodes(sound: Any) -> bool:
    """Whether all frames that a header promises are there; other bytes may follow."""
    import numpy as np
    import soundfile

    block, left = np.empty((BLOCK, sound.channels), np.float32), sound.frames
    try:
        while left and (count := len(sound.read(out=block[:left]))):
            left -= count
    except soundfile.LibsndfileError:
        return False
    return not left


def _by_ffmpeg(path: str, check: str) -> AudioInfo:
    import av.logging

    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)
    log: list[Any] = []
    try:
        with av.logging.Capture() as log, _opened(path) as (container, stream):
            kind, rate = container.format.name.split(",")[0], stream.sample_rate
            channels, stream.codec_context.options = stream.channels, {"err_detect": "crccheck"}
            base = stream.time_base
            # FFmpeg says so where it guesses a length that nothing in the file tells.
            guessed = any("bitrate" in message for _, _, message in log)
            promised = 0.0 if guessed else float((stream.duration or 0) * base)
            if check == "full":
                seconds, lost = _counted(container, stream)
            else:
                lengths = [float((p.duration or 0) * base) for p in container.demux(stream)]
                # The last of an Ogg stream may claim days.
                seconds, lost = sum(each for each in lengths if each < PACKET), 0.0
                if seconds == 0 or (promised and not kind.startswith("ogg")):
                    seconds = min(seconds or promised, promised)
    except BadAudioError:
        if not any("CRC" in message for _, _, message in log):
            raise
    if any("CRC" in message for _, _, message in log):
        raise BadAudioError("damaged: a checksum does not hold")
    if kind == "ogg":  # its length is where its last page says that it ends, paddings included
        promised = 0.0
    if lost > LOST or seconds < promised - (MISSING if kind == "mp3" else LOST):
        of = f" of its {promised:.2f} s" if promised else ""
        raise BadAudioError(f"cut short or damaged: {seconds:.2f} s{of} can be decoded")
    return AudioInfo(seconds, rate, channels, EXTENSIONS.get(kind, f".{kind}"))


@contextmanager
def _opened(source: str | Path | bytes) -> Iterator[tuple[Any, Any]]:
    """A file, or its bytes, and its sound, as FFmpeg has them; an error where it cannot go on."""
    import av

    given = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    options = {"format_whitelist": FORMATS}
    try:
        with av.open(given, metadata_errors="ignore", options=options) as container:
            yield container, container.streams.audio[0]
    # AttributeError: PyAV knows no decoder for the stream; ZeroDivisionError: it has no rate.
    except (av.error.FFmpegError, IndexError, ValueError, AttributeError, ZeroDivisionError):
        raise BadAudioError(
            "not audio that libsndfile or FFmpeg reads; its first bytes are "
            f"{_start(source)[:8].hex(' ')}"
        ) from None


def _packets(container: Any, stream: Any) -> Iterator[tuple[float, list[Any] | None]]:
    """The seconds of each packet and its frames, decoded; None where that cannot be."""
    import av

    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            frames = None
        yield float((packet.duration or 0) * stream.time_base), frames


def _counted(container: Any, stream: Any) -> tuple[float, float]:
    """Seconds decoded, and those of packets that failed between good ones."""
    counts: Counter[int] = Counter()  # frames, by their rate: joined files may have several
    failed = lost = 0.0
    for seconds, frames in _packets(container, stream):
        for frame in frames or ():
            counts[frame.sample_rate] += frame.samples
        if frames:
            lost, failed = lost + failed, 0.0
        elif frames is None and counts:
            failed += seconds
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
    import soundfile

    _start(source)  # a missing file is no bad audio
    given = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    try:
        with soundfile.SoundFile(given) as sound:
            if _reliable(sound) and sound.seekable():
                first, last = _frames(offset, duration, sound.samplerate)
                sound.seek(min(first, sound.frames))
                count = -1 if last is None else last - first
                return sound.read(count, dtype="float32", always_2d=True), sound.samplerate
    except soundfile.LibsndfileError:
        pass
    with _opened(source) as (container, stream):
        rate = stream.sample_rate  # of its first frames: joined files may have several
        return _part(container, stream, *_frames(offset, duration, rate)), rate


def _frames(offset: float, duration: float | None, rate: int) -> tuple[int, int | None]:
    return round(offset * rate), None if duration is None else round((offset + duration) * rate)


def _part(container: Any, stream: Any, first: int, last: int | None) -> Any:
    """Frames from and to, decoded by FFmpeg; packets that it cannot decode are passed over."""
    import av
    import numpy as np

    made = partial(av.AudioResampler, "fltp", stream.layout.name, stream.sample_rate)
    resamplers: defaultdict[Any, Any] = defaultdict(made)  # by the frame's rate and layout
    channels, parts, at = stream.channels, [], 0
    for _, frames in _packets(container, stream):
        for frame in frames or ():
            for part in resamplers[frame.sample_rate, frame.layout.name].resample(frame):
                samples = part.to_ndarray().T
                if samples.shape[1] != channels:  # a damaged frame's header may say so
                    samples = samples.mean(axis=1, keepdims=True).repeat(channels, axis=1)
                end = len(samples) if last is None else max(last - at, 0)
                parts.append(samples[max(first - at, 0) : end])
                at += len(samples)
        if last is not None and at >= last:
            break
    return np.concatenate(parts)


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal; an `EarmarkError` where it cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
