"""Earmark evaluates speech and audio models: manifests, requests, scores and reports."""

__version__ = "0.1.0"
