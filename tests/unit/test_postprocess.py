"""Chatty transcripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.errors import EarmarkError
from earmark.scoring.samples import Sample, Scorer
from earmark.scoring.text.basic import normalize_basic
from earmark.scoring.text.postprocess import postprocess


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("The cat sat down.", "The cat sat down."),
        ('"The cat sat down."', "The cat sat down."),
        ("“The cat sat down.”", "The cat sat down."),
        ("'Don't go, it's late.'", "Don't go, it's late."),
        ('The audio says: "The cat sat."', "The cat sat."),
        ("The speaker says: 'I don't know'.", "I don't know"),
        ("Transcription: the cat sat", "the cat sat"),
        ("Sure! Here is the transcription of the audio: the cat sat", "the cat sat"),
        ("Here's the transcript:\nthe cat sat", "the cat sat"),
        ("1\n00:00:00,000 --> 00:00:02,500\nthe cat\n\n2\n00:00:02,500 --> 00:00:04,000\nsat",
         "the cat sat"),
        ("I'm sorry, but I cannot access audio files.", ""),
        ("As an AI language model, I do not have access to audio.", ""),
        ("I am unable to transcribe the recording.", ""),
        ("I’m sorry, but I can’t hear any audio.", ""),
        ("It seems that no audio was provided. Please upload the audio file.", ""),
        ("The audio clip you provided does not contain any speech.", ""),
        ("I'd be happy to transcribe, but I don't see an audio file.", ""),
        # what speakers say themselves stays
        ("I'm sorry, I can't come to the party.", "I'm sorry, I can't come to the party."),
        ("The speaker says he will vote.", "The speaker says he will vote."),
        ('"Yes," she said, "no."', '"Yes," she said, "no."'),
        ("It's the rock 'n' roll show", "It's the rock 'n' roll show"),
        ("at 10:30 --> go", "at 10:30 --> go"),
    ],
)  # fmt: skip
def test_what_a_model_says_around_the_words_is_dropped(written, kept):
    assert postprocess("chatty").apply(written) == kept


@given(st.text())
def test_without_postprocessing_nothing_changes(text):
    assert postprocess("none").apply(text) == text


@given(st.text(max_size=80))
def test_any_text_is_taken(text):
    assert len(postprocess("chatty").apply(text)) <= len(text)


def test_long_texts_come_through():
    for piece in ("here is the ", "1\n", "\"'", "00:00:00,000 --> ", "audio ", "I'm sorry "):
        postprocess("chatty").apply(piece * 50_000)


def test_an_unknown_name_is_refused():
    with pytest.raises(EarmarkError, match="unknown postprocess 'chat'.*none, chatty"):
        postprocess("chat")


WRAPPERS = [
    'The speaker says, "{}"', "The content of the audio is: {}", 'In the audio, the man says: "{}"',
    "The original content of this audio is: '{}'", "The woman in the recording says '{}'",
    "Here is the transcript of the audio you provided:\n\n{}", "Transcribed text: {}",
    "**Transcription:** {}", "**Transcript**\n\n{}", "## Transcript\n{}", 'I heard: "{}"',
    '{{"text": "{}"}}', '```json\n{{"transcription": "{}"}}\n```', "Sure!\n\nTranscript: {}",
    '"{}"\n\nLet me know if you need anything else!', "[00:00:00.000 --> 00:00:03.000]  {}",
    "WEBVTT\n\n00:00:00.000 --> 00:00:03.000\n{}", "WEBVTT\n\n00:00.000 --> 00:03.000\n{}",
    "Speaker 1: {}", "[SPEAKER_02]: {}", "<|startoftranscript|><|en|><|notimestamps|>{}<|endoftext|>",
    'Based on the audio, the transcription is: "{}"', "{}\n\nI hope this helps.",
    "Here you go: {}", 'She says, "{}"', "He said: {}", "**Speaker 1:** {}", "Speaker 1 (00:00): {}",
    'Here is the transcription:\n```json\n{{"text": "{}"}}\n```', '[{{"text": "{}"}}]',
    '{{"segments": [{{"start": 0.0, "text": "{}"}}]}}', '{{"result": {{"text": "{}"}}}}',
    "WEBVTT\nKind: captions\n\n1\n00:00.000 --> 00:03.000 align:start position:0%\n{}",
    "{} Let me know if you need anything else!", "{}\n\nNote: it is clear.\n\nLet me know.",
    "00:00 - 00:03: {}", "Assistant: {}", "assistant\n{}", "ASR result: {}", "Of course! {}",
    "Sure, I can help with that!\n\n{}", "Transcription – {}", "It says: {}", 'You said: "{}"',
    "The original text is: {}", "Voici la transcription : {}", "转录：{}", "Male speaker: {}",
    "{}\n\nThe speaker sounds calm.", '{{"transcript": ["{}"]}}',
]  # fmt: skip


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("said", ["Send the report before noon.", "Two cats, one dog."])
def test_wrappers_of_the_field_leave_the_words_alone(wrapper, said):
    heard = postprocess("chatty").apply(wrapper.format(said))
    assert normalize_basic(heard) == normalize_basic(said)


@pytest.mark.parametrize(
    "said",
    [
        "I'm sorry, I can't hear you, the audio is breaking up.",
        "I am unable to listen to that recording again.",
        "The speaker says: order, order!",
        "Speaker 1: hello.",
        "Transcript: a word that court reporters use.",
        '"Nobody hears me," he said.',
        "Let me know if you need anything.",
    ],
)
def test_what_people_say_about_hearing_and_transcripts_stays(said):
    scorer = Scorer.named(["basic"], "chatty")
    assert not scorer.heard(Sample("a", said.lower(), said)).postprocessed
    misheard = said.replace("hear", "here").replace("order", "older", 1).replace("hello", "hallo")
    assert scorer.heard(Sample("a", said.lower(), misheard)).generation == misheard
