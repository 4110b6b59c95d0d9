"""sonoderm export: from labelled pictures to a signed bundle; keys; signing anew for an owner's fleet."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from calibration.profile.signing import read_signing_key
from edge.bundle.durable import require_folder
from edge.bundle.open import resolve_model
from edge.bundle.trust import load_trust
from edge.cli.output import print_json
from edge.cli.trust_option import TrustOption
from export.bundle.keys import keygen as make_key
from export.bundle.sign import resign, sign, write_bundle
from export.recipe import RECIPES, Recipe, read_recipe

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Make, sign and ship model bundles (workstation).")
JsonOption = Annotated[bool, typer.Option("--json", help="The result as one JSON object.")]
RecipeArgument = Annotated[str, typer.Argument(help="A recipe file, or the name of one of ours: derm7, breast-us, phantom.")]
DataOption = Annotated[Path, typer.Option(help="Folder that the recipe's label tables lie in.")]
RunsOption = Annotated[Path, typer.Option(help="Where checkpoints and caches are kept; a killed run goes on from here.")]
CommercialOption = Annotated[bool, typer.Option("--commercial", help="Refuse teachers and data whose terms forbid a commercial student.")]
talk = Console(stderr=True)


class MadeKey(msgspec.Struct, frozen=True, kw_only=True):
    """What keygen prints as JSON. hash: how bundles and `trust list` name the key."""

    v: int = 1
    private: str
    public: str
    hash: str


class WrittenBundle(msgspec.Struct, frozen=True, kw_only=True):
    """What `run` and `sign` print as JSON. digest: of the payload, the same under every key. sha256: of this file."""

    v: int = 1
    file: str
    name: str
    version: str
    digest: str
    sha256: str


def _recipe_file(name: str) -> Path:
    shipped = RECIPES / f"{name}.toml"
    return shipped if shipped.is_file() else Path(name)


def _others(own: Recipe) -> tuple[Recipe, ...]:
    """Our other models: their train pictures are out of this one's scope. A recipe with another teacher is the same model again."""
    found = ((path.stem, read_recipe(path)[0]) for path in sorted(RECIPES.glob("*.toml")))
    return tuple(recipe for stem, recipe in found if stem == recipe.model.name != own.model.name)


def _say(text: str) -> None:
    talk.print(text, highlight=False, soft_wrap=True)


def _warn_of_terms(recipe: Recipe, commercial: bool) -> None:
    from export.teach.terms import terms_of

    for line in terms_of(recipe, commercial=commercial):
        _say(f"warning: {line}")


@app.command()
def run(
    recipe: RecipeArgument,
    data: DataOption = Path("../shared/data"),
    runs: RunsOption = Path("runs"),
    out: Annotated[Path, typer.Option(help="Folder for the bundle.")] = Path("runs"),
    key: Annotated[Path | None, typer.Option(help="Private key (PEM, ed25519) that signs the bundle.")] = None,
    ship: Annotated[
        bool, typer.Option("--ship", help="Sign with a throw-away key and pin the digest in edge/models (maintainers).")
    ] = False,
    commercial: CommercialOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train, quantize, calibrate and sign one model, and write its report."""
    from datetime import UTC, datetime

    from edge.cli.output import Progress
    from edge.errors import UsageError
    from export.build import build
    from export.pictures import Places
    from export.report.after_run import report_of_run

    if (key is None) == (not ship):
        raise UsageError("a bundle needs a signature", do="give --key KEY.pem (make one: sonoderm export keygen KEY.pem), or --ship")
    spec, source = read_recipe(_recipe_file(recipe))
    if key is not None:  # what cannot be signed or written is said before hours of work
        read_signing_key(key)
        runs.mkdir(parents=True, exist_ok=True)
        require_folder(out / "bundle")
    _warn_of_terms(spec, commercial)
    payload = build(spec, source, _others(spec), Places(data, runs), _say)
    model = spec.model
    if ship:
        from edge.bundle.shipped import MODELS
        from export.bundle.pin import pin

        pinned = pin(payload, version=model.version, security_counter=model.security_counter)
        image = (MODELS / pinned.file).read_bytes()
        written = WrittenBundle(
            file=pinned.file, name=pinned.name, version=pinned.version, digest=pinned.payload_sha256, sha256=pinned.image_sha256
        )
    else:
        assert key is not None, "one of the two was given"
        image = sign(payload, key, version=model.version, security_counter=model.security_counter)
        file = write_bundle(image, out, name=model.name, version=model.version)
        written = _written(file, image, model.name, model.version, sha256(payload).hexdigest())
    made = report_of_run(spec, image, Places(data, runs), datetime.now(UTC).isoformat(timespec="seconds"), Progress)
    if made is not None:
        _say(f"report: {made}; mistakes.html beside it holds pictures of patients and stays here")
    _say_written(written, as_json)


@app.command()
def train(
    recipe: RecipeArgument,
    data: DataOption = Path("../shared/data"),
    runs: RunsOption = Path("runs"),
    commercial: CommercialOption = False,
) -> None:
    """Only the training of a recipe (teacher, then student): what `run` would do first, also on many GPUs or machines.

    On N processes: torchrun --nproc-per-node N --no-python sonoderm export train RECIPE
    """
    from export.pictures import Places
    from export.train import train_alone

    spec, _ = read_recipe(_recipe_file(recipe))
    _warn_of_terms(spec, commercial)
    train_alone(spec, Places(data, runs), _say)


@app.command()
def duplicates(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option(help="The table (CSV: a, b, correlation, sides); name it in data.duplicates.pairs once you looked.")],
    alike: Annotated[
        float, typer.Option(min=0.5, max=1.0, help="Correlation of small grey copies from which two pictures are a pair.")
    ] = 0.99,
    data: DataOption = Path("../shared/data"),
    runs: RunsOption = Path("runs"),
) -> None:
    """List pictures of two groups that look the same. Sides that are opened for reports alone are not looked at."""
    from export.duplicates import find_duplicates, write_duplicates
    from export.pictures import Places

    require_folder(out)
    spec, _ = read_recipe(_recipe_file(recipe))
    found = find_duplicates(spec, Places(data, runs), alike)
    write_duplicates(found, out)
    print(out)
    across = sum(one.is_across for one in found)
    _say(f"{len(found)} pairs of two groups correlate from {alike}, {across} of them stand on two sides")


@app.command()
def keygen(
    key: Annotated[Path, typer.Argument(help="File for the private key; the public one is written beside it.")],
    as_json: JsonOption = False,
) -> None:
    """Make a signing key (ed25519)."""
    pair = make_key(key)
    if as_json:
        print_json(MadeKey(private=str(pair.private), public=str(pair.public), hash=pair.hash))
    else:
        print(pair.private)
    talk.print(f"public half: {pair.public}; trust it on a device with: sonoderm trust add {pair.public}", highlight=False, soft_wrap=True)


@app.command("bundle")
def bundle_own(
    onnx: Annotated[Path, typer.Option("--onnx", help="A picture classifier as ONNX, opset 11 to 21.")],
    labels: Annotated[str, typer.Option(help="Classes in the model's order: a,b or code=Full name,…")],
    key: Annotated[Path, typer.Option(help="Private key (PEM, ed25519) that signs the bundle.")],
    out: Annotated[Path, typer.Option(help="The bundle's file.")],
    name: Annotated[str | None, typer.Option(help="Name of the model; default: that of the ONNX file.")] = None,
    version: Annotated[str, typer.Option(help="MAJOR.MINOR.REVISION.")] = "0.1.0",
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Size of the picture where the model leaves it open.")] = None,
    mean: Annotated[str | None, typer.Option(help="Of pixels in 0..1, one or three numbers; default: ImageNet's.")] = None,
    std: Annotated[str | None, typer.Option(help="As --mean.")] = None,
    fit: Annotated[str, typer.Option(help="crop, letterbox or squash.")] = "crop",
    field: Annotated[str, typer.Option(help="Field of view to look for: dermatoscope, ultrasound or none.")] = "none",
    modality: Annotated[str, typer.Option(help="dermoscopy, ultrasound or other.")] = "other",
    output: Annotated[str | None, typer.Option(help="The output that holds the classes, where there are several.")] = None,
    output_is: Annotated[str, typer.Option("--output-is", help="auto, logits or probabilities.")] = "auto",
    licence: Annotated[str, typer.Option(help="SPDX expression of the weights' licence.")] = "LicenseRef-not-stated",
    intended_use: Annotated[str, typer.Option("--intended-use", help="What the model is for.")] = "Research only. Not a medical device.",
    pictures: Annotated[
        Path | None,
        typer.Option(help="Your pictures, in folders named by their label or without: quantizes, proves, and gives a scope check."),
    ] = None,
    security_counter: Annotated[int, typer.Option("--security-counter", help="Count up by one for each release.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Make a checked, signed bundle from an ONNX file of your own: in float, or in INT8 with --pictures."""
    from export.own.command import Words, make_bundle

    words = Words(onnx, labels, name, version, size, mean, std, fit, field, modality, output, output_is, licence, intended_use, pictures)
    made = make_bundle(words, key, out, security_counter, _say)
    _say_written(_written(out, made.image, made.name, version, made.digest), as_json)


@app.command()
def report(
    recipe: RecipeArgument,
    bundle: Annotated[str, typer.Option("--bundle", help="The bundle to report on: a file, or the name of a shipped model.")],
    out: Annotated[Path, typer.Option(help="The report's HTML file; mistakes.html (pictures of patients) is written beside it.")],
    data: DataOption = Path("../shared/data"),
    runs: RunsOption = Path("runs"),
    subgroup: Annotated[list[str] | None, typer.Option(help="A column of the label table; may be given again.")] = None,
    sensitivity: Annotated[Path | None, typer.Option(help="File of the layer scan (JSON).")] = None,
    latency: Annotated[Path | None, typer.Option(help="Measurements of speed and accuracy (JSON).")] = None,
    trust: TrustOption = None,
) -> None:
    """Run a bundle on dev and write all that is known of it as one HTML file that opens offline."""
    from datetime import UTC, datetime

    from edge.cli.output import Progress
    from export.pictures import Places
    from export.report.command import Extras, make_report

    spec, _ = read_recipe(_recipe_file(recipe))
    opened = resolve_model(bundle, load_trust(trust))
    extras = Extras(tuple(subgroup or ()), sensitivity, latency)
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    sheet = make_report(spec, opened, Places(data, runs), extras, out, made_at, Progress)
    print(out)
    talk.print(f"{sheet} stays on the workstation: it holds patient pictures", highlight=False, soft_wrap=True)


@app.command("sign")
def sign_anew(
    bundle: Annotated[str, typer.Argument(help="A bundle that is trusted here: a file, or the name of a shipped model.")],
    key: Annotated[Path, typer.Option(help="Private key of the fleet's owner (PEM, ed25519).")],
    out: Annotated[Path, typer.Option(help="Folder for the new file.")] = Path(),
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign a bundle anew under another key; the payload stays the same to the byte."""
    require_folder(out / "bundle")
    opened = resolve_model(bundle, load_trust(trust))
    image = resign(opened, key)
    name, version = opened.manifest.name, opened.manifest.version
    file = write_bundle(image, out, name=name, version=version)
    _say_written(_written(file, image, name, version, opened.digest), as_json)


def _written(file: Path, image: bytes, name: str, version: str, digest: str) -> WrittenBundle:
    return WrittenBundle(file=str(file), name=name, version=version, digest=digest, sha256=sha256(image).hexdigest())


def _say_written(written: WrittenBundle, as_json: bool) -> None:
    """Its path alone, or the object for a script."""
    if as_json:
        print_json(written)
    else:
        print(written.file)
