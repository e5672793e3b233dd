"""Make the demo's clips and manifests anew: speech by espeak-ng, and sounds that are computed.

``python tests/make_demo.py`` writes config/demo from tests/data/demo.
"""

from __future__ import annotations

import json
from pathlib import Path

import soundfile
from sounds import clips
from speech import SAMPLING_RATE, spoken

HERE = Path(__file__).parent
DEMO = HERE.parent / "config" / "demo"
SNR_DB = {"demo_clean": None, "demo_noisy": 14}
# Opus: all of it is under one mebibyte, so that a clone stays small.
OPUS = {"format": "OGG", "subtype": "OPUS", "compression_level": 0.97}


def questions(name: str) -> None:
    """A split in MMAU-Pro's shape: rows with recipes of sounds become rows with clips."""
    rows = []
    for line in (HERE / "data" / "demo" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        names = []
        for number, samples in enumerate(clips(row.pop("audio")), start=1):
            names.append(f"clips/{row['id']}-{number}.ogg")
            soundfile.write(DEMO / names[-1], samples, SAMPLING_RATE, **OPUS)
        audio = names if len(names) > 1 else names[0]
        rows.append({"id": row.pop("id"), "audio_filepath": audio, **row})
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (DEMO / f"{name}.jsonl").write_text(text, encoding="utf-8")


def main() -> None:
    """Write all splits of both benchmarks of the demo."""
    (DEMO / "clips").mkdir(parents=True, exist_ok=True)
    for name, snr_db in SNR_DB.items():
        lines = (HERE / "data" / "demo" / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        spoken(DEMO / f"{name}.jsonl", lines, snr_db, "clips", "ogg", **OPUS)
    for name in ("closed_form", "open_ended", "instruction_following"):
        questions(name)


if __name__ == "__main__":
    main()
