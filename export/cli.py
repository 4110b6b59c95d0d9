"""sonoderm export: from labelled pictures to a signed bundle; keys; signing anew for an owner's fleet."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edge.bundle.open import resolve_model
from edge.bundle.trust import load_trust
from export.bundle.keys import keygen as make_key
from export.bundle.sign import resign, sign, write_bundle
from export.recipe import Recipe, read_recipe

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Make, sign and ship model bundles (workstation).")
RECIPES = Path(__file__).parent / "recipes"
talk = Console(stderr=True)


def _recipe_file(name: str) -> Path:
    shipped = RECIPES / f"{name}.toml"
    return shipped if shipped.is_file() else Path(name)


def _others(own: Recipe) -> tuple[Recipe, ...]:
    """Our other recipes: their train pictures are out of this one's scope."""
    found = (read_recipe(path)[0] for path in sorted(RECIPES.glob("*.toml")))
    return tuple(recipe for recipe in found if recipe.model.name != own.model.name)


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of one of ours: derm7, breast-us, phantom.")],
    data: Annotated[Path, typer.Option(help="Folder that the recipe's label tables lie in.")] = Path("../shared/data"),
    runs: Annotated[Path, typer.Option(help="Where checkpoints and caches are kept; a killed run goes on from here.")] = Path("runs"),
    out: Annotated[Path, typer.Option(help="Folder for the bundle.")] = Path("runs"),
    key: Annotated[Path | None, typer.Option(help="Private key (PEM, ed25519) that signs the bundle.")] = None,
    ship: Annotated[
        bool, typer.Option("--ship", help="Sign with a throw-away key and pin the digest in edge/models (maintainers).")
    ] = False,
) -> None:
    """Train, quantize, calibrate and sign one model."""
    from edge.errors import UsageError
    from export.build import build
    from export.pictures import Places

    if (key is None) == (not ship):
        raise UsageError("a bundle needs a signature", do="give --key KEY.pem (make one: sonoderm export keygen KEY.pem), or --ship")
    spec, digest = read_recipe(_recipe_file(recipe))
    payload = build(spec, digest, _others(spec), Places(data, runs), lambda text: talk.print(text, highlight=False, soft_wrap=True))
    model = spec.model
    if ship:
        from export.bundle.pin import pin

        pinned = pin(payload, version=model.version, security_counter=model.security_counter)
        print(pinned.file)
    elif key is not None:
        image = sign(payload, key, version=model.version, security_counter=model.security_counter)
        print(write_bundle(image, out, name=model.name, version=model.version))


@app.command()
def keygen(key: Annotated[Path, typer.Argument(help="File for the private key; the public one is written beside it.")]) -> None:
    """Make a signing key (ed25519)."""
    pair = make_key(key)
    print(pair.private)
    talk.print(f"public half: {pair.public}; trust it on a device with: sonoderm trust add {pair.public}", highlight=False, soft_wrap=True)


@app.command("sign")
def sign_anew(
    bundle: Annotated[str, typer.Argument(help="A bundle that is trusted here: a file, or the name of a shipped model.")],
    key: Annotated[Path, typer.Option(help="Private key of the fleet's owner (PEM, ed25519).")],
    out: Annotated[Path, typer.Option(help="Folder for the new file.")] = Path(),
    trust: Annotated[Path | None, typer.Option(help="Trust folder.")] = None,
) -> None:
    """Sign a bundle anew under another key; the payload stays the same to the byte."""
    opened = resolve_model(bundle, load_trust(trust))
    print(write_bundle(resign(opened, key), out, name=opened.manifest.name, version=opened.manifest.version))
