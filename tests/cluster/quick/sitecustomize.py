"""Looked for by Python when it starts: has Snakemake look at its cluster jobs every few seconds.

The plugin waits ten seconds longer after each look in vain, which is right for clusters and
would double the length of the tests.
"""

import sys

if "--profile" in sys.orig_argv:
    from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

    slow = RemoteExecutor.next_seconds_between_status_checks
    RemoteExecutor.next_seconds_between_status_checks = property(
        lambda self: min(3, slow.fget(self)), slow.fset
    )
