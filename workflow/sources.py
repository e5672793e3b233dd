"""Where Snakemake's cache keeps the rules' scripts: worked out once a script, not once a job.

Snakemake asks three times for each of thousands of jobs, each time by building a class, which took
a fifth of a large dry run. What is answered stays the same.
"""

import functools

from snakemake.sourcecache import LocalSourceFile


@functools.cache
def _cache_path(path):
    return LocalSourceFile(path).get_cache_path()


class Source(LocalSourceFile):
    """A file or folder of the workflow, as Snakemake has it; files joined to it are such too."""

    def get_cache_path(self):
        """Where the source is kept, relative to the cache's folder."""
        return _cache_path(self.path)


def find_once(workflow):
    """Have the rules' scripts looked up by their path, each once.

    Args:
        workflow: Snakemake's workflow object, when all rules are known.
    """
    for rule in workflow.rules:
        if type(rule.basedir) is LocalSourceFile:
            rule.basedir = Source(rule.basedir.path)
