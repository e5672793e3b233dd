"""Splits from the Hugging Face Hub, at a pinned commit: only what a split needs."""
