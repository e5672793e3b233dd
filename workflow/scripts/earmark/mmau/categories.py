"""Which of the three ways scores a row: the dataset's ``category`` column decides."""

from __future__ import annotations

CLOSED_FORM = "closed_form"
OPEN_ENDED = "open_ended"
INSTRUCTION_FOLLOWING = "instruction_following"

#: The three ways, in the order that tables list them.
WAYS = (OPEN_ENDED, INSTRUCTION_FOLLOWING, CLOSED_FORM)

#: The closed-form categories of the dataset; each is a sub-category of the results.
CLOSED_CATEGORIES = (
    "sound",
    "multi",
    "sound_music",
    "music",
    "spatial_audio",
    "music_speech",
    "sound_music_speech",
    "sound_speech",
    "speech",
    "voice_chat",
)


def way_of(category: object) -> str:
    """Return the way that scores a row of this ``category``.

    As in the reference evaluator (github sonalkum/MMAUPro), everything that is neither ``open``
    nor ``instruction following`` is closed-form.
    """
    if category == "open":
        return OPEN_ENDED
    if category == "instruction following":
        return INSTRUCTION_FOLLOWING
    return CLOSED_FORM
