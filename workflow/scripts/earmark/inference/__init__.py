"""From a manifest to a model's predictions: the infer step."""
