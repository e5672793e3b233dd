"""Questions: MMAU-Pro (arXiv 2508.13992, Hub dataset ``gamma-lab-umd/MMAU-Pro``) and other sets.

`rules` checks instructions, `judge` reads a language model's judgements, MMAU-Pro's and as a split
sets, `matching` turns an answer into a choice by embedding similarity, `choice` finds the one that
it names, and `summary` adds verdicts up. A verdict is made for every sample; a sample that cannot
be scored has ``correct: null`` and a reason, and is counted.
"""
