"""What the commands say of packs and photos, a pack of each task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from tests.golden.bench import Shell
from tests.golden.masks import masked
from tests.golden.material import bands, chequered, coloured, short_jpeg
from tests.golden.surveys import transcript
from tests.integration.survey_material import save
from tests.server.running import PHOTO

PACKS = ("blobs", "spots", "few", "shades", "means")
FATES = ("whole.png", "bands.png", "none.jpg", "short.jpg", "grün [1].png")


def draw_few(folder: Path) -> None:
    """A photo of each fate for `predict`."""
    save(folder / "whole.png", coloured(3, 150, 100))
    save(folder / "crowded.png", chequered(128))
    save(folder / "bands.png", bands(90, 60))
    (folder / "none.jpg").write_text("no photo")
    (folder / "short.jpg").write_bytes(short_jpeg())
    (folder / "grün [1].png").write_bytes(PHOTO.read_bytes())
    rows = np.arange(8, dtype=np.float32).reshape(2, 4) / 8
    np.savez(folder / "rows.npz", rows=rows)
    np.savez(folder / "wrong.npz", rows=rows[:, :3])
    np.savez(folder / "other.npz", lines=rows)


def predict_answers(shell: Shell) -> dict[str, str]:
    """Every task as JSON, table, text and drawn, with a threshold and without."""
    draw_few(shell.folder)
    found = {}
    for pack in (*PACKS, "tiny"):
        words = _words(pack)
        told = [transcript(one, shell.run(*one)) for one in words]
        for folder in sorted(shell.folder.glob(f"drawn-{pack}*")):
            told += [_drawn(folder, shell.folder)]
        found[f"predict-{pack}.txt"] = masked("\n".join(told), shell.folder)
    return found


def _words(pack: str) -> list[tuple[str, ...]]:
    start = ("predict", pack, *_inputs(pack), "--threads", "1")
    drawn = (*start, "--draw", f"drawn-{pack}")
    if pack == "blobs":  # 800 px: a call of it costs more than all the others
        return [(*start, "--json"), (*drawn, "--threshold", "0.6")]
    words = [start, (*start, "--json"), (*start, "--csv"), (*start, "--json", "--threshold", "0.9")]
    if pack in ("spots", "few"):
        return [*words, (*start, "--threshold", "0.05", "--csv"), (*drawn, "--threshold", "0.5")]
    return [*words, drawn]


def _inputs(pack: str) -> tuple[str, ...]:
    if pack == "tiny":
        return ("rows.npz", "wrong.npz", "other.npz", "whole.png")
    if pack == "blobs":
        return ("whole.png", "none.jpg", "grün [1].png")
    return (*FATES, "crowded.png") if pack == "few" else FATES


def _drawn(folder: Path, root: Path) -> str:
    """Of each copy its size, and where and in which colours something was drawn."""
    told = [f"== {folder.name}"]
    for path in sorted(folder.rglob("*.*")):
        with Image.open(path) as opened:
            copy = np.asarray(opened.convert("RGB")).astype(int)
        with Image.open(root / path.name) as opened:
            photo = np.asarray(opened.convert("RGB")).astype(int)
        changed = np.abs(copy - photo).max(axis=2) > 40  # more than a JPEG's own noise
        y, x = np.nonzero(changed)
        where = f"from {x.min()},{y.min()} to {x.max()},{y.max()}" if len(x) else "nowhere"
        colours, counts = np.unique(copy[changed] // 32, axis=0, return_counts=True)
        most = sorted(zip(-counts, map(tuple, colours.tolist()), strict=True))[:3]
        shown = "; ".join(f"{-count} of {colour}" for count, colour in most)
        told.append(f"{path.name} {copy.shape[1]} x {copy.shape[0]}: {where}; {shown}")
    return "\n".join(told) + "\n"


def pack_answers(shell: Shell, imported: dict[str, str]) -> dict[str, str]:
    """What was made, and what the commands for packs show of it."""
    told = [f"# import of {name}\n{text}" for name, text in imported.items()]
    for path in sorted((shell.folder / "packs").glob("*/*/pack.toml")):
        told.append(f"# {path.relative_to(shell.folder)}\n{path.read_text('utf-8')}")
        files = sorted(p for p in path.parent.rglob("*") if p.is_file())
        told.append("\n".join(str(p.relative_to(path.parent)) for p in files) + "\n")
    for name in ("blobs", *imported):
        for words in (("pack", "inspect", name), ("pack", "inspect", name, "--json")):
            told.append(transcript(words, shell.run(*words)))
        told.append(transcript(verify := ("pack", "verify", name), shell.run(*verify)))
    told.append(transcript(listed := ("pack", "list"), shell.run(*listed)))
    told.append(transcript(as_json := ("pack", "list", "--json"), shell.run(*as_json)))
    told += _refusals(shell)
    return {"packs.txt": masked("\n".join(told), shell.folder)}


def _refusals(shell: Shell) -> list[str]:
    """Imports that are refused, and why."""
    start = ("pack", "import")
    asked = (
        (*start, "spots.onnx", "--name", "x", "--preset", "nobody"),
        (*start, "spots.onnx", "--name", "x", "--preset", "ultralytics", "--task", "classify"),
        (*start, "spots.onnx", "--name", "x", "--head", "softmax", "--geometry", "stretch"),
        (*start, "spots.onnx", "--name", "x", "--head", "yolox", "--geometry", "stretch"),
        (*start, "means.onnx", "--name", "x", "--head", "nobody"),
        (*start, "means.onnx", "--name", "x", "--head", "softmax", "--nms-iou", "0.5"),
        (*start, "tiny.onnx", "--name", "x", "--head", "none", "--candidates", "5"),
        (*start, "tiny.onnx", "--name", "x", "--head", "softmax", "--geometry", "stretch"),
        (*start, "abc.txt", "--name", "x", "--head", "none"),
        (*start, "shades.onnx", "--name", "X!", "--head", "argmax"),
    )
    whole = [(*words, "--samples", "samples") for words in asked]
    return [transcript(words, shell.run(*words)) for words in whole]
