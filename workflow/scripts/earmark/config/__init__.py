"""The config: its keys (`models`, `benchmarks`), how it is read, and what becomes of it (`run`)."""

from earmark.config.benchmarks import Config, Exclude, Sample, Selection, Split
from earmark.config.models import Client, Container, Judge, Matcher, Model, Prompt, Sampling
from earmark.config.parts import Plain
from earmark.config.reading import check, closest, read_or_exit, read_yaml
from earmark.config.run import Run, alone, load, not_imported, resolve, unset_keys
from earmark.config.source import Source

Settings = Plain
"""What call sites that take plain dictionaries call them."""

__all__ = [
    "Client", "Config", "Container", "Exclude", "Judge", "Matcher", "Model", "Plain", "Prompt",
    "Run", "Sample", "Sampling", "Selection", "Settings", "Source", "Split", "alone", "check",
    "closest", "load", "not_imported", "read_or_exit", "read_yaml", "resolve", "unset_keys",
]  # fmt: skip
