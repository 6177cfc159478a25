"""Write the golden answers anew: `python -m tests.golden.make`, and read the difference.

`python -m tests.golden.make old` makes what `old/README.md` lists; only ever with the code of the
commit that is named there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.golden.making_old import make_old
from tests.golden.written import ANSWERS, PARTS, bench

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        made = bench(Path(place))
        if sys.argv[1:] == ["old"]:
            make_old(made.shell)
        else:
            ANSWERS.mkdir(exist_ok=True)
            for write in PARTS.values():
                for name, text in write(made).items():
                    (ANSWERS / name).write_text(text, encoding="utf-8")
