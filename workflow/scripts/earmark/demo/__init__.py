"""The embedded demo: a CPU server with a real model behind it."""
