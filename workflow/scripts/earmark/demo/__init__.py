"""The embedded demo: speech synthesized here, and a CPU server with a real model behind it."""
