"""The report step: what has been evaluated, as tables, charts and a page with every sample.

`gather` reads a run's results, whole or half way; `leaderboard` and `formats` make the tables;
`charts` and `samples` make the page's parts, and `page` puts them together.
"""
