"""The socket at which jobs of an allocation have supervisors started."""

from __future__ import annotations

import socket

from earmark.servers import allocation


def test_a_job_that_is_killed_before_it_has_asked_leaves_no_traceback():
    ours, theirs = socket.socketpair()
    theirs.close()
    allocation._Starter(ours, None, None)
