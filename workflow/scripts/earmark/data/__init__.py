"""The download and manifest steps: a split's source comes in, clips and a manifest go out."""
