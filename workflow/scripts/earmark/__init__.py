"""Earmark evaluates speech and audio models, one package a step of the workflow.

`config` says what is evaluated, `data` makes manifests of it, `servers` run the model, `inference`
asks it, `scoring` and `mmau` count, `report` shows, and `cli` is the ``earmark`` command. A package
imports those before it alone.
"""

__version__ = "0.1.0"
