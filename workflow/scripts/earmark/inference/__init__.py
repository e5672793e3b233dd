"""The infer step: a manifest comes in, a model's predictions go out, in the same order."""
