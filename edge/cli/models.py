"""`sonoderm models`: what is shipped, what is in a bundle, and whether a bundle is what it claims to be."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from edge.bundle.open import VerifiedBundle, open_bundle, open_shipped, resolve_model
from edge.bundle.shipped import read_pins
from edge.bundle.trust import load_trust
from edge.cli.listing import plain_text, print_pairs, print_table
from edge.cli.model_summary import summary
from edge.cli.output import print_json
from edge.cli.trust_option import TrustOption
from edge.errors import BundleRefused, InputRefused, SonodermError

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="List, show and verify model bundles.")

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]


class Listed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One bundle as `--json` prints it. error: why it is refused; nothing else is said of such a bundle."""

    path: str
    ok: bool
    name: str | None = None
    version: str | None = None
    modality: str | None = None
    labels: tuple[str, ...] = ()
    licence: str | None = None
    size_b: int | None = None
    digest: str | None = None
    image_sha256: str | None = None
    security_counter: int | None = None
    signer: str | None = None
    error: str | None = None


class Report(msgspec.Struct, frozen=True):
    v: int
    models: tuple[Listed, ...]


@app.command("list")
def list_models(trust: TrustOption = None, as_json: JsonOption = False) -> None:
    """The models inside this installation, each verified first.

    Exit code 5 when one is not what was shipped.
    """
    believed = load_trust(trust)
    listed: list[Listed] = []
    refusals: list[SonodermError] = []
    for pin in read_pins():
        try:
            listed.append(_listed(open_shipped(pin, believed)))
        except SonodermError as error:
            listed.append(Listed(path=pin.file, ok=False, name=pin.name, version=pin.version, error=error.line()))
            refusals.append(error)
    if as_json:
        print_json(Report(1, tuple(listed)))
    elif listed:
        rows = [_row(each) for each in listed]
        print_table(("name", "version", "modality", "licence", "size", "digest", "trusted by"), rows)
    else:
        print("no model is inside this installation")
    _end(refusals, len(listed))


@app.command()
def show(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A shipped name, or the path of a bundle.")],
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a model is and how it was proven, and its card."""
    bundle = resolve_model(model, load_trust(trust))
    card = bundle.member(bundle.manifest.card).decode("utf-8", "replace") if bundle.manifest.card else ""
    if as_json:
        print_json({"v": 1, **msgspec.to_builtins(_listed(bundle)), "manifest": bundle.manifest, "card": card})
        return
    print_pairs(summary(bundle))
    if card:
        print(f"\n{plain_text(card).rstrip()}")


@app.command()
def verify(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Bundle files, or names of shipped models.")],
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """Would this machine trust these bundles? A line for each.

    Exit code 5 when one is refused, 3 when one is no file.
    """
    believed = load_trust(trust)
    shipped = {pin.name for pin in read_pins()}
    listed: list[Listed] = []
    refusals: list[SonodermError] = []
    for path in paths:
        try:
            is_name = str(path) in shipped and not path.exists()
            each = _listed(resolve_model(str(path), believed) if is_name else open_bundle(path, believed))
        except SonodermError as error:
            each = Listed(path=str(path), ok=False, error=error.line())
            refusals.append(error)
        listed.append(each)
        if not as_json:
            print(_verdict(each), flush=True)
    if as_json:
        print_json(Report(1, tuple(listed)))
    _end(refusals, len(listed))


def _listed(bundle: VerifiedBundle) -> Listed:
    manifest, image = bundle.manifest, bundle.image
    return Listed(
        path=str(bundle.path or ""),
        ok=True,
        name=manifest.name,
        version=manifest.version,
        modality=manifest.modality,
        labels=manifest.codes(),
        licence=manifest.licence,
        size_b=bundle.size_b,
        digest=bundle.digest,
        image_sha256=image.image_sha256,
        security_counter=image.security_counter,
        signer=bundle.signer,
    )


def _row(each: Listed) -> tuple[str, ...]:
    if not each.ok:
        return (each.name or "", each.version or "", "REFUSED", "", "", "", each.error or "")
    size = f"{(each.size_b or 0) / 1e6:.1f} MB"
    who = (each.signer or "")[:12]
    return (each.name or "", each.version or "", each.modality or "", each.licence or "", size, (each.digest or "")[:12], who)


def _verdict(each: Listed) -> str:
    if not each.ok:
        return f"REFUSED  {each.error}"
    return plain_text(
        f"OK       {each.path}: {each.name} {each.version}, digest {(each.digest or '')[:12]}, signed by {(each.signer or '')[:12]}"
    )


def _end(refusals: list[SonodermError], of: int) -> None:
    """Trust outweighs the rest: one bundle that is not trusted makes exit code 5, whatever else was wrong."""
    if not refusals:
        return
    what, do = f"{len(refusals)} of {of} refused", "see the line of each above"
    if any(isinstance(error, BundleRefused) for error in refusals):
        raise BundleRefused(what, do=do)
    if any(isinstance(error, InputRefused) for error in refusals):
        raise InputRefused(what, do=do)
    raise refusals[0]
