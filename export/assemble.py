"""The manifest and its members -> the payload."""

import numpy as np
from numpy.typing import NDArray

from edge.bundle.manifest import Form, Manifest, Provenance
from edge.bundle.pack import build_payload
from export.card import card
from export.distil.deployed import OPSET, OUTPUTS
from export.distil.members import words_of_teachers
from export.gate.pairs import BANK, Numbers
from export.gate.teacher import AgainstTeacher
from export.provenance import made_at, versions_of
from export.recipe import Source
from export.sbom import sbom
from export.work import SCHEMES, Work

__all__ = ["assemble"]

TOOLS = ("torch", "timm", "onnx", "onnxruntime", "openvino", "opencv-python")


def assemble(
    work: Work, source: Source, weights: str, numbers: Numbers, bank: NDArray[np.int8] | None, beside: AgainstTeacher | None = None
) -> bytes:
    """weights: where the student started from. bank: (n, 128) int8, None: no part of the distance.

    beside: the student against its teacher, where it has one.
    """
    recipe, model, teachers = work.recipe, work.recipe.model, words_of_teachers(work.recipe, work.folder)
    counts = {str(side): tuple(np.bincount(s.labels, minlength=len(recipe.labels)).tolist()) for side, s in work.sides.items()}
    members = {f"forms/{form}.onnx": work.form(form).read_bytes() for form in SCHEMES}
    members |= {BANK: bank.tobytes()} if bank is not None else {}
    members |= {"card.md": card(recipe, numbers.gated, counts, teachers, beside).encode()} | numbers.golden.members
    members |= {"sbom.cdx.json": sbom(("sonoderm", *TOOLS))}
    k = len(recipe.labels)
    manifest = Manifest(
        name=model.name,
        version=model.version,
        modality=model.modality,
        labels=recipe.labels,
        input=recipe.input,
        outputs=OUTPUTS,
        forms=tuple(
            Form(id=form, scheme=scheme, member=f"forms/{form}.onnx", opset=OPSET)  # type: ignore[arg-type]
            for form, scheme in SCHEMES.items()
        ),
        pairs=numbers.pairs,
        scope=numbers.scope,
        aggregation=recipe.aggregation,
        operating_points=numbers.points,
        golden=numbers.golden.entries,
        calibration_prevalence=(round(1 / k, 6),) * k,
        nominal_level=recipe.set_coverage,
        licence=model.licence,
        licence_note=model.licence_note,
        intended_use=model.intended_use,
        rendered_only=model.rendered_only,
        provenance=Provenance(
            recipe=source.name,
            recipe_sha256=source.sha256,
            data=recipe.data.cite if recipe.data else (),
            weights=(weights, *(f"teacher: {line}" for line in teachers)),
            tools=versions_of(TOOLS),
            made_at=made_at(),
        ),
        card="card.md",
        members=(),
    )
    return build_payload(manifest, members)
