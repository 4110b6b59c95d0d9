"""What `models show` says of a bundle, as (what, value) lines."""

from collections.abc import Iterator

from edge.bundle.manifest import Manifest, Pair
from edge.bundle.open import VerifiedBundle

__all__ = ["summary"]


def summary(bundle: VerifiedBundle) -> list[tuple[str, str]]:
    """Identity, purpose, input, labels, forms and how each was proven, scope, behaviour over time, provenance; in this order."""
    manifest, image = bundle.manifest, bundle.image
    rows = [("model", f"{manifest.name} {manifest.version}" + (", for rendered phantoms only" if manifest.rendered_only else ""))]
    rows.append(("intended use", manifest.intended_use))
    rows.append(("modality", manifest.modality))
    rows.append(("licence", f"{manifest.licence} {manifest.licence_note}".strip()))
    rows.append(("digest", bundle.digest))
    rows.append(("file", f"{bundle.path}, {bundle.size_b} bytes, sha256 {image.image_sha256}"))
    rows.append(("signed by", f"{bundle.signer}, security counter {image.security_counter}"))
    if image.vendor_id:
        rows.append(("bound to", f"vendor {image.vendor_id}, class {image.class_id or 'any'}"))
    rows += _what_it_takes(manifest)
    rows += _named("labels", (f"{label.code}  {label.name}" for label in manifest.labels))
    sizes = {member.name: member.size_b for member in manifest.members}
    rows += _named("forms", (f"{form.id}  {form.scheme}, opset {form.opset}, {sizes[form.member]} bytes" for form in manifest.forms))
    rows += _named("proven on", (_pair(pair) for pair in manifest.pairs))
    rows.append(("golden frames", str(len(manifest.golden))))
    rows.append(("scope", _scope(manifest)))
    over = manifest.aggregation
    rows.append(("over time", f"tau {over.tau_s} s, settle {over.settle_s} s, dwell {over.dwell_s} s, switch margin {over.switch_margin}"))
    points = (f"{p.name}: {p.label} at {p.at_least:.4f} and more, measured on {p.measured_on}" for p in manifest.operating_points)
    rows += _named("operating points", points)
    made = manifest.provenance
    rows.append(("recipe", f"{made.recipe}, {made.made_at}" + (f", commit {made.commit}" if made.commit else "")))
    rows += _named("weights", made.weights)
    rows += _named("data", made.data)
    return rows


def _named(name: str, values: "Iterator[str] | tuple[str, ...]") -> list[tuple[str, str]]:
    return [(name if i == 0 else "", value) for i, value in enumerate(values)]


def _what_it_takes(manifest: Manifest) -> list[tuple[str, str]]:
    spec = manifest.input
    grey = ", grey" if spec.grey else ""
    return [("input", f"{spec.width_px} x {spec.height_px} px, {spec.fit}, field {spec.field}{grey}, {spec.dtype} {spec.layout}")]


def _pair(pair: Pair) -> str:
    if pair.gate == "unrun":
        return f"{pair.form} on {pair.engine}: UNRUN; sonoderm check --accept proves it on a machine"
    where = f", on {', '.join(pair.isa)}" if pair.isa else ""
    return (
        f"{pair.form} on {pair.engine}: passed, golden outputs within {pair.tolerance:g}, temperature {pair.decision.temperature:g}{where}"
    )


def _scope(manifest: Manifest) -> str:
    if manifest.scope is None:
        return "no scope check: the model answers whatever it is shown"
    bank = f"bank of {manifest.scope.n} embeddings" if manifest.scope.bank else "no bank"
    gate = "input gate" if manifest.outputs.gate else "no input gate"
    return f"{gate}, {bank}" + (f"; {manifest.scope.statement}" if manifest.scope.statement else "")
