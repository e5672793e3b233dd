"""Whether a server on loopback is ready: ``/health``, else ``/v1/models``, else a connection."""

from __future__ import annotations

import http.client
import socket


def ready(port: int, root: str, timeout: float = 5.0) -> bool:
    """Ask a server on loopback once.

    A server that has neither page (404) or speaks no HTTP is ready once it takes connections.

    Args:
        port: Its port.
        root: What stands before its endpoints, such as ``/v1``.
        timeout: Seconds to wait for an answer.
    """
    for page in ("/health", f"{root}/models"):
        try:
            status = _status(port, page, timeout)
        except http.client.HTTPException:
            return True
        except OSError:
            return False
        if status not in (404, 405, 501):
            return status < 500 and status != 429
    return True


def free_port() -> int:
    """A port of loopback that nothing listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _status(port: int, page: str, timeout: float) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", page)
        return connection.getresponse().status
    finally:
        connection.close()
