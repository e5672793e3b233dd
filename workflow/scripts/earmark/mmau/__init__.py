"""MMAU-Pro (arXiv 2508.13992; Hub dataset ``gamma-lab-umd/MMAU-Pro``): its three ways to score.

`rules` checks instructions, `judge` reads a language model's judgements, `matching` turns an
answer into a choice by embedding similarity, and `summary` adds verdicts up. A verdict is made for
every sample; a sample that cannot be scored has ``correct: null`` and a reason, and is counted.
"""
