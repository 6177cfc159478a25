"""One line of text for each event, on standard error."""

from __future__ import annotations

import logging

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def set_up() -> None:
    """Send what Haversack says to standard error; of its libraries only warnings."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    own = logging.getLogger("haversack")
    own.handlers = [handler]
    own.setLevel(logging.INFO)
    own.propagate = False
    server = logging.getLogger("uvicorn")
    server.handlers = [handler]
    server.setLevel(logging.WARNING)
    server.propagate = False
