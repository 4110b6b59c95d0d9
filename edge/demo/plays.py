"""What the demo can play, and what each play needs to be there."""

from pathlib import Path

import edge
from edge.bundle.shipped import read_pins
from edge.demo.stage import Play

__all__ = ["STEADY", "examples_folder", "plays", "shipped_models", "webcams"]

STEADY = "each=0&mishaps=no"  # a hand that stays where it is: for faults that are to be timed


def plays(model: str, source: str | None) -> tuple[Play, ...]:
    """The plays that can run here, the first being the one to begin with. model, source: what a person asked for."""
    first = Play("phantom", "Rendered phantom", model, source or "phantom:derm?seed=1", "phantom:ultrasound?seed=2")
    phantom, organ = "phantom:derm?seed=1", "phantom:ultrasound?seed=2"
    found = [first, Play("derm7", "Skin model on a phantom", "derm7", phantom, organ, _lacks("derm7"))]
    folder = examples_folder()
    lacks = _lacks("breast-us") or (None if folder else "the pictures of docs/examples are not beside this program")
    real = f"dir:{folder}?motion=tremor&seed=1&loop=yes"
    found.append(Play("breast-us", "Breast model on real pictures", "breast-us", real, f"phantom:derm?seed=2&{STEADY}", lacks))
    found += [Play(f"camera:{number}", f"Webcam {number}", model, f"camera:{number}") for number in webcams()]
    return tuple(found)


def shipped_models() -> tuple[str, ...]:
    """Names of the models that came with this program."""
    return tuple(pin.name for pin in read_pins())


def _lacks(model: str) -> str | None:
    return None if model in shipped_models() else f"no model {model} came with this program"


def examples_folder() -> Path | None:
    """docs/examples of the repository that this runs from, or of the present folder."""
    candidates = (Path(edge.__file__).resolve().parents[1] / "docs" / "examples", Path.cwd() / "docs" / "examples")
    return next((folder for folder in candidates if (folder / "labels.csv").is_file()), None)


def webcams() -> tuple[int, ...]:
    """Numbers of the first few capture devices of this machine."""
    numbers = sorted(int(path.name[5:]) for path in Path("/dev").glob("video*") if path.name[5:].isdigit())
    return tuple(numbers[:2])
