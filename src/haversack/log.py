"""One line of text for each event, on standard error."""

from __future__ import annotations

import logging

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def first_line(fault: BaseException) -> str:
    """What a line of the log has room for: an error of ours goes on with details and a hint."""
    return str(fault).partition("\n")[0]


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
