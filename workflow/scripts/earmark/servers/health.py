"""Whether a server on loopback is well: ``/health``, else ``/v1/models``, else a connection."""

import contextlib
import http.client
import random
import socket


def healthy(port: int, root: str, timeout: float = 5.0) -> bool | None:
    """Whether a server on loopback is; None when it did not say, as a busy one may not.

    A server that has neither page (404) or speaks no HTTP is well once it takes connections.
    ``root`` is what stands before its endpoints, such as ``/v1``; ``timeout`` is in seconds.
    """
    for page in ("/health", f"{root}/models"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        try:
            connection.request("GET", page)
            status = connection.getresponse().status
        except http.client.HTTPException:
            return True
        except ConnectionRefusedError:
            return False
        except OSError:
            return None
        finally:
            connection.close()
        if status not in (404, 405, 501):
            return status < 500 and status != 429
    return True


def free_port() -> int:
    """A port of loopback that nothing listens on, of those that no outgoing connection takes."""
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
