"""The score and aggregate steps: predictions come in, a row a sample and metrics go out."""
