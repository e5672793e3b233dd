"""What MMAU-Pro's numbers rest on beside the answers: prompts, the judge, the matcher, counting."""

from typing import Any

from earmark.config import Run, Split
from earmark.errors import EarmarkError
from earmark.mmau.judging import judge_settings
from earmark.mmau.matchers import matcher_type


class Protocol:
    """A run's, worked out once.

    Attributes:
        matcher: What determines matches.
    """

    def __init__(self, run: Run) -> None:
        matcher = run.matcher.given
        self._run, self._judge = run, judge_settings(run.judge)
        self.matcher = matcher_type(matcher).identity(matcher)
        for split in run.splits:
            try:
                self.judge_of(split)
            except EarmarkError as error:
                where = f"benchmark {split.benchmark}, split {split.name}"
                raise EarmarkError(f"{where}: {error}") from None

    def judge_of(self, split: Split) -> dict[str, Any]:
        """What determines the judgements of a split."""
        return judge_settings(self._run.judge, split.judged) if split.judged else self._judge

    def of(self, wildcards: Any) -> dict[str, Any]:
        """What a split's numbers rest on, to be kept beside them.

        Args:
            wildcards: A job's ``model``, ``benchmark`` and ``split``.
        """
        split = self._run.split(wildcards)
        judge, judged = self.judge_of(split), split.judged and split.judged.model_dump()
        used: dict[str, dict[str, Any]] = {
            "closed_form": {"matcher": self.matcher},
            "open_ended": {"judge": judge},
            "instruction_following": {"sentences": split.sentences},
            "multiple_choice": {"choices": split.choices},
            "refusal": {"refusals": split.refusals},
            "judged": {"judge": judge, "judged": judged},
        }
        prompt = self._run.request(wildcards)["prompt"]
        return {"prompt": prompt, **used.get(split.scoring, {})}
