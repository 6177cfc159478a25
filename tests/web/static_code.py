"""The page's code, as the laws read it: without comments, and what in it decides by a task."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TASKS = "detect|segment|label-map|label_map|classify|tensor|tabular|sequence"
_PARTS = "detections|classes|legend|map|masks|outputs|truncated|candidates"
# A string keeps what looks like a comment in it; a slash of a regular expression is not looked for.
_WORDS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)""", re.DOTALL
)
_DECISIONS = {
    "names a task": re.compile(rf"""["'`](?:{_TASKS})["'`]"""),
    "compares a task": re.compile(r"\btask\b\s*[!=]==?|[!=]==?\s*(?:[\w?]+\.)*task\b(?!\s*[.?(])"),
    "matches on a task": re.compile(r"switch\s*\([^)]*\btask\b"),
    "indexes by a task": re.compile(
        r"\[[^\]\n]*\.task\s*\]|\[\s*task\s*\]|(?<!taskOf)(?<!\w)(?:\w+\.)(?:get|has)\([^)]*\btask\b"
    ),
    "asks for a result's kind": re.compile(
        rf"(?<!\.\.)\.(?:{_PARTS})\b(?!\s*\()|\{{[^{{}};]*\b(?:{_PARTS})\b[^{{}};]*\}}\s*=\s*[\w.#]*record"
    ),
}


def bare(code: str) -> str:
    """JavaScript without its comments."""
    return _WORDS.sub(lambda found: found[1] or " ", code)


def decisions(code: str) -> Iterator[str]:
    """What of it belongs to a task's own module: `names a task: "detect"`."""
    for kind, pattern in _DECISIONS.items():
        for found in pattern.finditer(bare(code)):
            yield f"{kind}: {found[0]}"
