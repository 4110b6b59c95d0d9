"""What the demo can play, and what each play needs to be there."""

from pathlib import Path

import edge
from edge.demo.stage import Play

__all__ = ["STEADY", "examples_folder", "plays", "webcams"]

STEADY = "each=0&mishaps=no"  # a hand that stays where it is: for faults that are to be timed


def plays(model: str, source: str | None) -> tuple[Play, ...]:
    """The plays that can run here, the first being the one to begin with. model, source: what a person asked for."""
    first = Play("phantom", "Rendered phantom", model, source or "phantom:derm?seed=1", "phantom:ultrasound?seed=2")
    found = [first, Play("derm7", "Skin model on a phantom", "derm7", "phantom:derm?seed=1", "phantom:ultrasound?seed=2")]
    folder = examples_folder()
    if folder is not None:
        found.append(Play("breast-us", "Breast model on real pictures", "breast-us", f"dir:{folder}?motion=tremor&seed=1&loop=yes"))
    found += [Play(f"camera:{number}", f"Webcam {number}", model, f"camera:{number}") for number in webcams()]
    return tuple(found)


def examples_folder() -> Path | None:
    """docs/examples of the repository that this runs from, or of the present folder."""
    candidates = (Path(edge.__file__).resolve().parents[1] / "docs" / "examples", Path.cwd() / "docs" / "examples")
    return next((folder for folder in candidates if (folder / "labels.csv").is_file()), None)


def webcams() -> tuple[int, ...]:
    """Numbers of the first few capture devices of this machine."""
    numbers = sorted(int(path.name[5:]) for path in Path("/dev").glob("video*") if path.name[5:].isdigit())
    return tuple(numbers[:2])
