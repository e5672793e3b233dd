"""What MMAU-Pro's numbers rest on beside the answers: prompts, the judge, the matcher, counting."""

from __future__ import annotations

from typing import Any

from earmark.config import Run, Split
from earmark.errors import EarmarkError
from earmark.mmau.judging import judge_settings
from earmark.mmau.matchers import matcher_type


class Protocol:
    """A run's, worked out once.

    Attributes:
        judge: What determines judgements.
        matcher: What determines matches.
    """

    def __init__(self, run: Run) -> None:
        matcher = run.matcher.given
        self.judge = judge_settings(run.judge)
        self.matcher = matcher_type(matcher).identity(matcher)
        for split in run.splits:
            try:
                self.judge_of(split, run)
            except EarmarkError as error:
                where = f"benchmark {split.benchmark}, split {split.name}"
                raise EarmarkError(f"{where}: {error}") from None

    def judge_of(self, split: Split, run: Run) -> dict[str, Any]:
        """What determines the judgements of a split."""
        return judge_settings(run.judge, split.judged) if split.judged else self.judge

    def of(self, run: Run, wildcards: Any) -> dict[str, Any]:
        """What a split's numbers rest on, to be kept beside them.

        Args:
            run: The run.
            wildcards: A job's ``model``, ``benchmark`` and ``split``.
        """
        split = run.split(wildcards)
        if split.scoring == "judged" and split.judged:
            own = {"judge": self.judge_of(split, run), "judged": split.judged.model_dump()}
        else:
            own = {}
        used: dict[str, dict[str, Any]] = {
            "closed_form": {"matcher": self.matcher},
            "open_ended": {"judge": self.judge},
            "instruction_following": {"sentences": split.sentences},
            "multiple_choice": {"choices": split.choices},
            "judged": own,
        }
        prompt = run.request(wildcards)["prompt"]
        return {"prompt": prompt, **used.get(split.scoring, {})}
