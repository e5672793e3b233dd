"""From a benchmark's declaration to clips and a manifest: the download and manifest steps."""
