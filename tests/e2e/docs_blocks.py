"""Pages as blocks that can be run, and stand-ins for the files a page calls the reader's own."""

from __future__ import annotations

import functools
import io
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnx.helper
import onnx.parser
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image

from haversack.samples.scenes import draw_scene

_FENCE = re.compile(r"^```(\w*)\s*$")
_MARK = "\x01"
Weights: TypeAlias = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block: its language, its text, and the line of the page where it begins."""

    language: str
    text: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command of a console block, and the output the page shows for it ("" for none)."""

    command: str
    expected: str


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    found: list[Block] = []
    language: str | None = None
    start, lines = 0, list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if language is None and fence:
            language, start, lines = fence[1], number, []
        elif language is not None and line == "```":
            found.append(Block(language=language, text="\n".join(lines), line=start))
            language = None
        elif language is not None:
            lines.append(line)
    assert language is None, f"{page}: the block at line {start} has no end"
    return found


def steps(block: Block) -> list[Step]:
    """The commands of a console block; lines that begin with "> " go on with the command."""
    found: list[tuple[list[str], list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif line.startswith("> ") and not found[-1][1]:
            found[-1][0].append(line[2:])
        else:
            found[-1][1].append(line)
    return [Step(command="\n".join(c), expected="\n".join(e).strip("\n")) for c, e in found]


def run_console(block: Block, folder: Path, environ: dict[str, str]) -> Iterator[str]:
    """Run a console block in one bash; a line for each thing that differs from the page.

    A command may fail only where the next one is `echo $?`, so that the page tells the code.
    """
    told = steps(block)
    script = ["code=0"]
    for step in told:
        script += [f"(exit $code)\n{step.command}", f"code=$?; printf '{_MARK}%d\\n' $code"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    parts = re.split(rf"{_MARK}(\d+)\n", done.stdout)
    for i, step in enumerate(told):
        if 2 * i + 1 >= len(parts):
            yield f"$ {step.command}\nwas never run"
            return
        output, code = parts[2 * i], int(parts[2 * i + 1])
        next_tells = i + 1 < len(told) and told[i + 1].command == "echo $?"
        if code and not next_tells:
            yield f"$ {step.command}\nended with {code}:\n{output}"
        if step.expected and not matches(step.expected, output):
            yield f"$ {step.command}\nthe page says:\n{step.expected}\nit gives:\n{output}"


def matches(expected: str, output: str) -> bool:
    """Whether the output is what a page shows; `...` stands for anything, alone for any lines."""
    pattern = ""
    for line in expected.splitlines():
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            words = [re.escape(part.rstrip()) for part in re.split(r"\s+", line.strip())]
            pattern += r"\s*" + r"[ ]+".join(w.replace(r"\.\.\.", r"[^\n]*") for w in words)
            pattern += r"[ ]*\n"
    plain = "\n".join(line.rstrip() for line in output.splitlines()) + "\n"
    return re.fullmatch(rf"\n*{pattern}\n*", plain) is not None


def photos(folder: Path) -> None:
    """`photos/`: three drawn aerial photos."""
    (folder / "photos").mkdir()
    for i, name in enumerate(("ridge.jpg", "river.jpg", "valley.jpg")):
        (folder / "photos" / name).write_bytes(_photo(i))


@functools.cache
def _photo(seed: int) -> bytes:
    """Drawing takes longer than most commands, and every page has the same photos."""
    file = io.BytesIO()
    Image.fromarray(draw_scene(seed, width=640, height=480).pixels).save(file, "JPEG", quality=92)
    return file.getvalue()


def yolox(folder: Path) -> None:
    """`yolox_nano.onnx` and `coco80.names`: a network of YOLOX-Nano's shape with drawn weights."""
    rng = np.random.default_rng(0)
    lines, parts = [], []
    weights: Weights = {}
    for stride in (8, 16, 32):
        cells = (416 // stride) ** 2
        weights[f"w{stride}"] = rng.normal(0, 0.002, (85, 3, 1, 1)).astype(np.float32)
        weights[f"s{stride}"] = np.array([1, 85, cells], np.int64)
        lines.append(
            f"a{stride} = AveragePool <kernel_shape = [{stride},{stride}], "
            f"strides = [{stride},{stride}]> (images)\n"
            f"c{stride} = Conv (a{stride}, w{stride})\nf{stride} = Reshape (c{stride}, s{stride})"
        )
        parts.append(f"f{stride}")
    text = f"""
    network (float[1,3,416,416] images) => (float[1,3549,85] output) {{
        {chr(10).join(lines)}
        cells = Concat <axis = 2> ({", ".join(parts)})
        rows = Transpose <perm = [0, 2, 1]> (cells)
        place, sure = Split <axis = 2> (rows, halves)
        scores = Sigmoid (sure)
        output = Concat <axis = 2> (place, scores)
    }}"""
    weights["halves"] = np.array([4, 81], np.int64)
    _save(text, weights, folder / "yolox_nano.onnx")
    names = [f"class-{i}" for i in range(80)]
    (folder / "coco80.names").write_text("\n".join(names) + "\n")


def detector(folder: Path) -> None:
    """`animals.onnx`, `animals.names`: decoded boxes as [N, 4 + 2, A], scores from brightness."""
    side, stride = 320, 16
    count = side // stride
    middles = (np.arange(count, dtype=np.float32) + 0.5) * stride
    x, y = np.meshgrid(middles, middles)
    size = np.full_like(x, 24)
    weights: Weights = {
        "grid": np.stack([x, y, size, size])[None].astype(np.float32),
        "nothing": np.zeros((4, 3, 1, 1), np.float32),
        "w": np.array([[4, 4, 4], [-4, -4, -4]], np.float32).reshape(2, 3, 1, 1),
        "b": np.array([-8, 2], np.float32),
        "shape": np.array([0, 6, -1], np.int64),
    }
    text = f"""
    network (float[1,3,{side},{side}] images) => (float[1,6,{count * count}] output0) {{
        cells = AveragePool <kernel_shape = [{stride},{stride}], strides = [{stride},{stride}]>
            (images)
        sure = Conv (cells, w, b)
        scores = Sigmoid (sure)
        still = Conv (cells, nothing)
        boxes = Add (still, grid)
        both = Concat <axis = 1> (boxes, scores)
        output0 = Reshape (both, shape)
    }}"""
    _save(text, weights, folder / "animals.onnx")
    (folder / "animals.names").write_text("sheep\ncattle\n")


def classifier(folder: Path) -> None:
    """`coffee-or-cat.onnx` and its labels: logits from the mean colour."""
    weights: Weights = {
        "w": np.array([[1.0, -0.5, -0.5], [-1.0, 0.5, 0.5]], np.float32).T.copy(),
        "flat": np.array([0, 3], np.int64),
    }
    text = """
    network (float[1,3,224,224] input) => (float[1,2] logits) {
        mean = GlobalAveragePool (input)
        row = Reshape (mean, flat)
        logits = MatMul (row, w)
    }"""
    _save(text, weights, folder / "coffee-or-cat.onnx")
    (folder / "coffee-or-cat.names").write_text("coffee\ncat\n")


def label_map(folder: Path) -> None:
    """`ground.onnx` and its labels: three classes a pixel, by smoothed colour."""
    weights: Weights = {
        "w": np.array([[0, 0, 0], [6, -6, 0], [-6, 6, 0]], np.float32).reshape(3, 3, 1, 1),
        "b": np.array([0.2, 0, 0], np.float32),
    }
    text = """
    network (float[1,3,128,128] input) => (float[1,3,16,16] logits) {
        cells = AveragePool <kernel_shape = [8,8], strides = [8,8]> (input)
        logits = Conv (cells, w, b)
    }"""
    _save(text, weights, folder / "ground.onnx")
    (folder / "ground.names").write_text("other\nearth\ngrass\n")


def _save(text: str, weights: Weights, path: Path) -> None:
    graph = onnx.parser.parse_graph(text)
    graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in weights.items())
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), path)


Prepare = Callable[[Path], None]
READERS_OWN: dict[str, tuple[Prepare, ...]] = {
    "README.md": (photos, yolox),
    "docs/tutorial/first-pack.md": (photos, detector),
    "docs/tutorial/first-survey.md": (photos,),
    "docs/how-to/import-a-detector.md": (photos, detector, yolox),
    "docs/how-to/import-a-classifier.md": (photos, classifier),
    "docs/how-to/import-a-label-map.md": (photos, label_map),
    "docs/how-to/predict-a-folder.md": (photos,),
    "docs/how-to/send-a-folder-as-one-job.md": (photos,),
    "docs/how-to/use-from-python.md": (photos,),
}
"""What a page calls the reader's own model and photos, made small for the run."""
