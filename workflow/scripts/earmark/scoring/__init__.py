"""From predictions to scores and metrics: the score and aggregate steps."""
