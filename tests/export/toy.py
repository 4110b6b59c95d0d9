"""A toy data set and its recipe: two kinds of rendered stripes, 240 pictures of 120 lesions in five folds."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.frame import U8
from export.recipe import Data
from tests.edge.sources.dicom_builder import a_dicom

__all__ = ["CODES", "RECIPE", "a_cine", "a_picture", "a_split", "a_toy_set", "stripes"]

CODES = ("across", "down")
SIDE_PX = 48
RECIPE = """
set_coverage = 0.9

[model]
name = "toy"
version = "1.0.0"
security_counter = 1
modality = "other"
licence = "Apache-2.0"
licence_note = ""
intended_use = "Tests."

[[labels]]
code = "across"
name = "Stripes across"
[[labels]]
code = "down"
name = "Stripes down"

[input]
width_px = 48
height_px = 48
fit = "crop"
field = "none"

[data]
labels = "labels.csv"
group_column = "group"
train_folds = ["2", "3", "4"]
dev_folds = ["1"]
report_folds = ["0"]
cite = ["made by the test"]

[augment]

[train]
backbone = "mobilenetv2_035"
epochs = 12
batch = 16
lr = 4e-3
ema = 0.9
drop = 0.0
minutes_two_cores = 0.5

[scope]
rendered = 60
phantoms = 0
foreign = 0

[quantize]
pictures = 48
searched = 96
"""


def stripes(kind: int, rng: np.random.Generator) -> U8:
    """(48, 48, 3) uint8 of one of CODES."""
    x, y = np.meshgrid(np.arange(SIDE_PX), np.arange(SIDE_PX))
    wave = np.sin((y if kind == 0 else x) * rng.uniform(0.5, 0.9) + rng.uniform(0, 6))
    tint = np.array([60, 0, -60]) * (1 if kind == 0 else -1)
    return np.asarray(np.clip(128 + tint + 60 * wave[..., None] + rng.normal(0, 8, (SIDE_PX, SIDE_PX, 3)), 0, 255), np.uint8)


def a_toy_set(folder: Path, *, recipe: str = RECIPE, pictures: int = 240) -> Path:
    """Writes pictures, labels.csv and toy.toml; returns the recipe's file."""
    rng = np.random.default_rng(0)
    lines = ["image,label,group,fold"]
    for i in range(pictures):
        cv2.imwrite(str(folder / f"{i}.png"), stripes(i % 2, rng)[..., ::-1])
        lines.append(f"{i}.png,{CODES[i % 2]},g{i // 2},{(i // 2) % 5}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "toy.toml").write_text(recipe, encoding="utf-8")
    return folder / "toy.toml"


def a_cine(path: Path, frames: int = 4, **tags: Any) -> Path:
    """Frame i is of level 40 i."""
    levels = np.arange(frames, dtype=np.uint8)[:, None, None, None] * np.uint8(40)
    return a_dicom(path, np.ascontiguousarray(np.broadcast_to(levels, (frames, 64, 64, 3))), **tags)


def a_picture(path: Path, level: int = 90) -> Path:
    cv2.imwrite(str(path), np.full((48, 64, 3), level, np.uint8))
    return path


def a_split(labels: str, group_column: str, **more: Any) -> Data:
    """Folds 2 to 4 train, 1 dev, 0 report."""
    folds = {"train_folds": ("2", "3", "4"), "dev_folds": ("1",), "report_folds": ("0",)}
    return Data(labels=labels, group_column=group_column, cite=(), **(folds | more))
