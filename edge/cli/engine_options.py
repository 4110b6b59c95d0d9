"""`--model`, `--engine`, `--form` and `--threads`, the same for every command that runs one model."""

from typing import Annotated

import typer

__all__ = ["EngineOption", "FormOption", "ModelOption", "ThreadsOption"]

ModelOption = Annotated[str, typer.Option("--model", "-m", help="A shipped name (derm7, breast-us, phantom), a bundle file, or slot:DIR.")]
EngineOption = Annotated[
    str | None, typer.Option("--engine", help="onnxruntime, openvino or tensorrt; by default the tuned or fastest proven one.")
]
FormOption = Annotated[str | None, typer.Option("--form", help="Form of the model; by default the tuned or fastest proven one.")]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="Threads of the engine.")]
