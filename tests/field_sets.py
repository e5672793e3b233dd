"""Every declared benchmark, small: rows in the real sets' schemas, and the answers to them.

A maker of `SETS` puts what a split needs into a `Field`, once where splits share it, and returns the
rates that follow from the answers.
"""

from __future__ import annotations

import io
import json
import math
import unicodedata
import zipfile
from collections.abc import Callable

import pyarrow as pa
from field_hub import AUDIO, REAL, TEXT, TEXTS, WHOLE, Field, named, packed, texts
from hub_sets import MMAU, esb_schema, jsonl, mmau_schema, parquet

from earmark.config import Split
from earmark.language import code

RIGHT, WRONG = "That is how it is.", "That is how it never was."
"""Open answers, which the stand-in's judge finds as good and as bad as can be."""
SAID = {
    "en": "the morning train was late again", "de": "der zug kam heute wieder zu spät",
    "fr": "le train est encore en retard", "it": "il treno oggi arriva in ritardo",
    "es": "el tren llega tarde otra vez", "pt": "o trem chegou tarde outra vez",
    "nl": "de trein komt weer te laat", "ar": "وصل القطار متأخرا مرة اخرى",
    "hi": "वह कल घर आया", "tr": "tren bugün yine geç geldi", "ru": "поезд сегодня опять опоздал",
    "zh": "今天火车又晚点了", "yue": "今日火車又遲到", "ja": "東京へ行く", "ko": "기차가 늦게 왔다",
    "vi": "hôm nay tàu đến muộn", "th": "ไปมาหาเธอ", "lo": "ໄປມາຫາ", "km": "កខគង", "my": "ကခဂဃ",
}  # fmt: skip
BY_CHARACTERS = ("zh", "yue", "ja", "ko", "vi", "th", "lo", "km", "my")
"""Languages that NeMo-Skills scores by characters, spaces included and diacritics removed."""


Expected = dict[str, float]


def transcripts(language: str | None, rows: int = 2) -> tuple[str, list[str], Expected]:
    """What each of some rows says, the answers (the first has an error), and the rate of words."""
    text = SAID[code(language or "en")]
    words = text.split()
    answers = [" ".join([*words[:-1], "sieben"]), *[text] * (rows - 1)]
    return text, answers, {"wer": 100 / len(words) / rows}


def esb(field: Field, split: Split) -> Expected:
    """Sets in the schema of the leaderboard's repositories."""
    if split.name == "earnings22_cleaned":
        return chunks(field, split)
    if split.name == "monsoon_en_in":
        return monsoon(field, split)
    text, answers, expected = transcripts(split.language)
    rows = [
        {"dataset": split.name, "text": text, "id": f"{n}-134-000{n}", "audio_length_s": 0.13}
        for n in range(2)
    ]
    field.table(split, esb_schema(), rows, answers)
    return expected


def chunks(field: Field, split: Split) -> Expected:
    """Two calls in two chunks each; what was said in them is in another repository."""
    heard = {"a_0": "red", "a_1": "blue green", "b_0": "", "b_1": "bye"}
    table = "file_name,parent_id,chunk_index\n" + "".join(
        f"{name}.wav,{name[0]},{name[2]}\n" for name in heard
    )
    files = {f"audio/{name}.wav": field.clip(answer) for name, answer in heard.items()}
    field.files(str(split.source.repo)).update(files, **{"metadata.csv": table.encode()})
    field.configs[str(split.source.repo), "main"] = {"default": {"test": "metadata.csv"}}
    whole = str(split.source.references.repo)
    field.files(whole)["test.csv"] = b"id,text\na,red blue green\nb,good bye\n"
    field.configs[whole, "main"] = {"default": {"test": "test.csv"}}
    return {"wer": 20}  # `good`, of five words


def monsoon(field: Field, split: Split) -> Expected:
    names = texts("id", "language", "text", "speaker_id", "gender", "date_of_birth", "occupation",
                  "native_district", "native_state", "current_city", "device_model")  # fmt: skip
    text, answers, expected = transcripts(split.language)
    rows = [
        {**{name: f"{name} {n}" for name in names}, "text": text, "audio_length_s": 0.13}
        for n in range(2)
    ]
    field.table(split, named(**names, audio_length_s=REAL), rows, answers)
    return expected


def multilingual(field: Field, split: Split) -> Expected:
    text, answers, expected = transcripts(split.language)
    rows = [{"text": text, "file_name": f"{n}.wav", "audio_length_s": 0.13} for n in range(2)]
    field.table(split, named(**texts("text", "file_name"), audio_length_s=REAL), rows, answers)
    return expected


def longform(field: Field, split: Split) -> Expected:
    text, answers, expected = transcripts(split.language)
    field.table(split, named(text=TEXT), [{"text": text}] * 2, answers)
    return expected


FLEURS = named(
    id=WHOLE, num_samples=WHOLE, **texts("path", "transcription", "raw_transcription", "language"),
    gender=WHOLE, lang_id=WHOLE, lang_group_id=WHOLE,
)  # fmt: skip


def locale(field: Field, split: Split, name: str) -> tuple[str, Expected]:
    """FLEURS in a locale: two sentences that all locales have, and one that is its own.

    Returns:
        Its file, and the error rate of what is heard in it.
    """
    text, answers, expected = transcripts(name, 3)
    if code(name) in BY_CHARACTERS:
        answers[0], whole = text[:-1], plain(text)
        expected = {"cer": 100 * (whole - plain(text[:-1])) / whole / 3}
    rows = [
        {"id": number, "path": f"{number}.wav", "transcription": text, "raw_transcription": text,
         "gender": 1}
        for number in (1, 2, sum(map(ord, name)))
    ]  # fmt: skip
    return field.table(split, FLEURS, rows, answers, config=name), expected


def plain(text: str) -> int:
    """Characters without marks."""
    return sum(unicodedata.category(one) != "Mn" for one in unicodedata.normalize("NFKD", text))


def fleurs(field: Field, split: Split) -> Expected:
    return locale(field, split, str(split.source.config))[1]


def translated(field: Field, split: Split) -> Expected:
    """Of the two sentences that both locales have, one is not translated at all."""
    assert split.source.references is not None
    locale(field, split, str(split.source.references.config))
    path, _ = locale(field, split, str(split.source.config))
    answers = [SAID[code(str(split.target_language))], "", "x"]
    for samples, answer in zip(field.clips[path], answers, strict=True):
        field.heard[samples, split.prompt.user] = answer
    return {**half_translated(), "num_entries": 2}


def half_translated() -> Expected:
    """Of two equal sentences one is empty: all n-grams are right, and half the length is there."""
    return {"bleu": 100 * math.exp(1 - 2), "success_rate": 50}


def covost2(field: Field, split: Split) -> Expected:
    target = SAID.get(code(str(split.target_language)), SAID["en"])
    rows = [
        {"client_id": f"c{n}", "file": f"{n}.mp3", "sentence": "x", "translation": target, "id": f"{n}"}
        for n in range(2)
    ]  # fmt: skip
    names = texts("client_id", "file", "sentence", "translation", "id")
    field.table(split, named(**names), rows, [target, ""])
    return half_translated()


def librispeech_pc(field: Field, split: Split) -> Expected:
    name, text = split.name.replace("_", "-"), "The train was late, again."
    rows = [
        {"audio_filepath": f"{name}/1/2/1-2-000{n}.wav", "duration": 0.13, "text": text}
        for n in range(2)
    ]
    answers = ["The train was late again.", text]
    clips = {
        f"LibriSpeech/{row['audio_filepath']}": field.clip(answer)
        for row, answer in zip(rows, answers, strict=True)
    }
    field.web[f"{name}.tar.gz"] = packed(clips)
    field.web[f"manifests-{name}.tar.gz"] = packed({f"{name}.json": jsonl(rows)})
    # A comma: of twice 5 words and 2 marks; of 4 marks.
    return {
        "wer": 100 / 14,
        "wer_nemo_skills_c": 0,
        "wer_nemo_skills_per": 25,
        "wer_nemo_skills": 0,
    }


def musan(field: Field, split: Split) -> Expected:
    if "musan.tar.gz" not in field.web:
        answers = {"0": "", "1": "la la la la"}
        kinds = {"noise": "free-sound", "music": "fma", "speech": "librivox"}
        field.web["musan.tar.gz"] = packed({
            f"musan/{kind}/{of}/{kind}-{of}-{n}.wav": field.clip(answer)
            for kind, of in kinds.items() for n, answer in answers.items()
        })  # fmt: skip
    return {"hallucination_rate": 50}


def numb3rs(field: Field, split: Split) -> Expected:
    rows = [
        {"original_text": "It costs $5 now.", "text": "it costs five dollars now", "duration": 0.13,
         "file_name": f"MONEY/MONEY_{n}.wav", "category": "MONEY"}
        for n in range(2)
    ]  # fmt: skip
    names = texts("original_text", "text", "file_name", "category")
    answers = ["It costs five dollars now.", "It costs $5 now."]
    field.table(split, named(**names, duration=REAL), rows, answers)
    spoken, written = 100 * 2 / 10, 100 * 2 / 8  # each answer is right by one, and has two errors
    first, other = (written, spoken) if split.name == "written" else (spoken, written)
    column = "spoken" if split.name == "written" else "written"
    return {"wer": first, f"wer_nemo_skills_no_tn_itn@{column}": other}


def contextual_earnings22(field: Field, split: Split) -> Expected:
    said = "argmax met its ebitda goals"
    rows = [
        {"file_id": "call", "text": "Argmax met…", "norm_text": said, "transcript": [],
         "dictionary": ["Argmax", "EBITDA"], "keywords": ["Argmax", "EBITDA", "Opex"]}
        for _ in range(2)
    ]  # fmt: skip
    columns = named(
        **texts("file_id", "text", "norm_text"), transcript=TEXTS, dictionary=TEXTS, keywords=TEXTS,
        audio_start=REAL, audio_end=REAL, duration=REAL, is_flagged=pa.bool_(),
    )  # fmt: skip
    field.table(split, columns, rows, [said, "argmax met its goals argmax"])
    three = {"keyword_precision": 75, "keyword_recall": 75, "keyword_f1": 75}  # of four each
    return {**three, "wer": 20}


QUESTION = {
    "question": "What is heard?",
    "choices": ["Ox", "Cat", "Bird", "Horse"],
    "answer": "Cat",
}
CHOSEN = ["B", "Ox", "I cannot tell."]
THIRD: Expected = {"success_rate": 100 / 3, "unparsed": 1}


def mmau(field: Field, split: Split) -> Expected:
    rows = [
        {"instruction": QUESTION["question"], "choices": QUESTION["choices"], "answer": "Cat",
         "other_attributes": json.dumps({"id": f"x{n}", "task": "sound", "difficulty": "easy"})}
        for n in range(3)
    ]  # fmt: skip
    columns = [("context", AUDIO), ("instruction", TEXT), ("choices", TEXTS), ("answer", TEXT),
               ("other_attributes", TEXT)]  # fmt: skip
    field.table(split, columns, rows, CHOSEN, audio="context")
    return THIRD


def mmsu(field: Field, split: Split) -> Expected:
    names = ("choice_a", "choice_b", "choice_c", "choice_d")
    rows = [
        {"id": f"q{n}", "question": "What is heard?", **dict(zip(names, QUESTION["choices"], strict=True)),
         "answer_gt": "Cat", "task_name": "pitch", "category": "Perception", "sub-category": "Sound"}
        for n in range(3)
    ]  # fmt: skip
    columns = texts("id", "question", *names, "answer_gt", "task_name", "category", "sub-category")
    field.table(split, named(**columns), rows, CHOSEN)
    return THIRD


def mmar(field: Field, split: Split) -> Expected:
    rows = [
        {"id": f"x_00-0{n}", "audio_path": f"./audio/x_00-0{n}.wav", **QUESTION, "modality": "sound",
         "category": "Semantic Layer", "sub-category": "Content Analysis", "language": None,
         "source": "youtube", "url": "https://example.org/x", "timestamp": "00:00:00,00:00:01"}
        for n in range(3)
    ]  # fmt: skip
    clips = zip(rows, CHOSEN, strict=True)
    files = {"MMAR-meta.json": json.dumps(rows).encode()}
    files["mmar-audio.tar.gz"] = packed(
        {str(row["audio_path"])[2:]: field.clip(answer) for row, answer in clips}
    )
    field.files(str(split.source.repo)).update(files)
    return THIRD


BULLETS = {"keywords": None, "N": 2, "end_phrase": None}
MMAU_PRO = {  # by split: the category, the answers, the rates
    "closed_form": ("sound", ["Cat", "Ox"], {"success_rate": 50}),
    "open_ended": ("open", [RIGHT, WRONG], {"success_rate": 50, "judge_unparsed": 0}),
    "instruction_following": ("instruction following", ["* a\n* b", "a"], {"success_rate": 50}),
}


def mmau_pro(field: Field, split: Split) -> Expected:
    files = field.files(MMAU)
    if not files:
        rows, stream = [], io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for category, answers, _ in MMAU_PRO.values():
                for n, answer in enumerate(answers):
                    name = f"data/{category.split()[0]}-{n}.wav"
                    archive.writestr(name, field.clip(answer))
                    rows.append({
                        **dict.fromkeys(mmau_schema().names), **QUESTION, "id": name[5:-4],
                        "audio_path": [name], "category": category, "kwargs": BULLETS,
                        "task_identifier": "Number Bullets",
                    })  # fmt: skip
        files.update({"test.parquet": parquet(rows, mmau_schema()), "data.zip": stream.getvalue()})
        files["README.md"] = b"---\nlicense: cc\n---\n"
    return MMAU_PRO[split.name][2]


def voicebench(field: Field, split: Split) -> Expected:
    names, rows, answers = texts("prompt"), [{"prompt": "Who was it?"}] * 2, [RIGHT, WRONG]
    expected: Expected = {"success_rate": 50, "judge_score": 50}
    if split.source.config in ("alpacaeval_full", "commoneval", "wildvoice"):
        expected["judge_score"] = 60  # 5 and 1 of 5
    elif split.scoring == "judged":  # of sd-qa
        names, rows = texts("prompt", "reference"), [{**rows[0], "reference": "He."}] * 2
    elif split.scoring == "refusal":
        answers, expected = ["I'm sorry, no.", "Of course: first, …"], {"success_rate": 50}
    elif split.name == "bbh":
        names = texts("prompt", "reference", "id")
        kinds = {
            "bbh_navigate_1": "Yes",
            "bbh_hyperbaton_2": "(A)",
            "bbh_sports_understanding_3": "No",
        }
        rows = [{"prompt": "?", "reference": one, "id": name} for name, one in kinds.items()]
        answers, expected = ["Yes, you do.", "The answer is (B).", "It is plausible."], THIRD
    else:  # openbookqa and mmsu: a letter, of choices that are heard
        names = texts("prompt", "reference", "question_id", "category", "src")
        rows = [{"prompt": "?", "reference": "B", "category": "law"}] * 3
        answers, expected = [*CHOSEN[:1], "The answer is A.", *CHOSEN[2:]], THIRD
    field.table(split, named(**names), rows, answers)
    return expected


def audiobench(field: Field, split: Split) -> Expected:
    row = {"instruction": "What is heard?", "answer": "A cat.", "choices": "(A) A dog. (B) A cat.",
           "speech_instruction": "Say what is heard."}  # fmt: skip
    asked = {*split.source.columns.values(), *split.source.keep}
    names = [name for name in row if name in asked or name == "answer"]
    columns = [("context", AUDIO), *texts(*names).items()]
    rows = [{name: row[name] for name in names}] * 2
    field.table(split, columns, rows, [RIGHT, WRONG], audio="context")
    return {"success_rate": 50, "judge_score": 50}


SETS: dict[str, Callable[[Field, Split], Expected]] = {
    "asr-leaderboard": esb, "open-asr-leaderboard": esb, "open-asr-leaderboard-extra": esb,
    "open-asr-leaderboard-multilingual": multilingual, "open-asr-leaderboard-longform": longform,
    "fleurs": fleurs, "fleurs-translation": translated, "covost2": covost2, "numb3rs": numb3rs,
    "librispeech-pc": librispeech_pc, "musan": musan, "mmau": mmau, "mmsu": mmsu, "mmar": mmar,
    "mmau-pro": mmau_pro, "contextual-earnings22": contextual_earnings22, "voicebench": voicebench,
    "audiobench": audiobench,
}  # fmt: skip
"""A maker each benchmark that `config/benchmarks` declares; those of the demo are in the clone."""
