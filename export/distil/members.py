"""The teacher's ensemble: each member is fine-tuned as a student is, or adapted from a checkpoint, at its own size, in its own folder."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from lightning_fabric import Fabric
from msgspec import structs
from numpy.typing import NDArray

from edge.errors import InputRefused
from edge.frame import U8
from export.data.table import Side
from export.distil.ask import Witness, ask, taught_by
from export.distil.finetune import Epoch, Pictures, finetune
from export.distil.lesson import Taught, crop
from export.distil.network import PRETRAINED
from export.distil.recall import Recalled, recall
from export.pictures import Places, Sided, in_domain, train_masks, with_unlabelled
from export.recipe import Adapted, Member, Recipe
from export.teach.lineage import Lineage, read_lineage, words_of, write_lineage
from export.teach.member import adapted_member, open_member
from export.teach.stored import StoredTeacher
from export.teach.terms import name_of

__all__ = ["Trained", "member_recipe", "student_folder", "teach", "train_members", "words_of_teachers"]


def member_recipe(recipe: Recipe, member: Member | Adapted) -> Recipe:
    """The recipe with the member's network, size and schedule in the student's place; of an adapted member, with its size alone."""
    size = structs.replace(recipe.input, width_px=member.width_px, height_px=member.height_px)
    if isinstance(member, Adapted):
        return structs.replace(recipe, input=size)
    train = structs.replace(recipe.train, backbone=member.backbone, epochs=member.epochs, batch=member.batch, lr=member.lr)
    return structs.replace(recipe, input=size, train=train)


def _folder(member: Member | Adapted, model: Path) -> Path:
    """model: the recipe's own folder below the runs."""
    name = name_of(member).replace(":", "-") if isinstance(member, Adapted) else member.backbone
    return model / "teacher" / f"{name}-{member.width_px}x{member.height_px}"


def words_of_teachers(recipe: Recipe, model: Path) -> tuple[str, ...]:
    """Lines of the card on each member: what it is, where its weights come from, under which terms. Raises as `read_lineage` does."""
    lines: list[str] = []
    for member in recipe.teacher.members if recipe.teacher else ():
        if isinstance(member, Adapted):
            lines += words_of(read_lineage(_folder(member, model)))
        else:
            package, version, *_ = PRETRAINED.get(member.backbone, ("random weights", ""))
            begun = f"{package}=={version}" if version else package
            lines.append(f"{member.backbone} at {member.width_px}x{member.height_px}, fine-tuned on the same train pictures from {begun}")
    return tuple(lines)


def student_folder(recipe: Recipe, model: Path) -> Path:
    """Recipes that differ in the teacher alone share a model's folder; each of their students has its own."""
    members = recipe.teacher.members if recipe.teacher else ()
    if not any(isinstance(member, Adapted) for member in members):
        return model / "student"
    return model / f"student-{hashlib.sha256(msgspec.json.encode(members)).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """One member, ready to be asked. pictures: its train side with the masks, at its size; names: of the pictures."""

    member: Member | Adapted
    network: Witness | Recalled
    pictures: Pictures
    names: tuple[str, ...]


def train_members(
    recipe: Recipe,
    places: Places,
    said: Callable[[Member, Epoch], None],
    fabric: Fabric,
    tell: Callable[[str], object] = str,
) -> tuple[Trained, ...]:
    """Train what is not trained yet; each goes on where its checkpoint stands. Empty when the recipe names no teacher.

    said: hears of a trained member's epochs; tell: of an adapted one's (by default nobody does).
    """
    out = []
    for member in recipe.teacher.members if recipe.teacher else ():
        own = member_recipe(recipe, member)
        with fabric.rank_zero_first():  # the first process decodes, the others read its cache
            sides = in_domain(own, places)
        train = Pictures(sides[Side.TRAIN].pixels, sides[Side.TRAIN].labels, train_masks(own, places))
        choice = Pictures(sides[Side.CHOICE].pixels, sides[Side.CHOICE].labels)
        folder = _folder(member, places.runs / recipe.model.name)
        if isinstance(member, Adapted):
            with fabric.rank_zero_first():
                network = _adapt(member, own, places, sides, train, folder, fabric, tell)
            out.append(Trained(member, network, train, sides[Side.TRAIN].names))
            continue
        network = finetune(own, train, choice, folder, partial(said, member), fabric=fabric)
        out.append(Trained(member, network, train, sides[Side.TRAIN].names))
    return tuple(out)


def _adapt(
    member: Adapted,
    own: Recipe,
    places: Places,
    sides: dict[Side, Sided],
    train: Pictures,
    folder: Path,
    fabric: Fabric,
    tell: Callable[[str], object],
) -> Witness | Recalled:
    name, k, choice = name_of(member), len(own.labels), sides[Side.CHOICE]
    teacher = open_member(member, places.data)
    if isinstance(teacher, StoredTeacher):
        known = (sides[Side.TRAIN].names, train.labels)
        recalled, judged = recall(teacher, known, (choice.names, choice.labels), k, member.l2)
        folder.mkdir(parents=True, exist_ok=True)
        write_lineage(Lineage(teacher.identity, judged.way, judged.nll), folder)
        tell(f"{name}: probe, NLL on the kept tenth {judged.nll[0][1]:.3f}")
        return recalled

    def crops(_: U8, epoch: int, at: NDArray[np.intp]) -> U8:
        """Another fixed crop in each epoch, from those that it will be asked about."""
        return np.stack([crop(train, int(i), epoch % own.distil.crops, own)[0] for i in at])

    return adapted_member(
        member,
        teacher,
        (train.pixels, train.labels),
        (choice.pixels, choice.labels),
        k,
        folder,
        seed=own.train.seed,
        context=msgspec.json.encode((own.input, own.augment, own.distil.crops)),
        show=crops,
        say=lambda text: tell(f"{name}: {text}"),
        device=fabric.device,
    )


def teach(
    recipe: Recipe, places: Places, trained: tuple[Trained, ...], said: Callable[[Member | Adapted, int], None]
) -> tuple[Taught, Pictures]:
    """Ask every member about the fixed crops; returns the ensemble's word and the pictures, at the teacher's size, that it is about:
    the train side, and the frames without a label that the recipe names.

    Raises InputRefused when the members differ in size: they would see different crops.
    """
    if len({(one.member.width_px, one.member.height_px) for one in trained}) != 1:
        raise InputRefused("teacher: the members differ in size, so they would see different crops", do="give all members one size")
    free = with_unlabelled(member_recipe(recipe, trained[0].member), places)
    about, names = (trained[0].pictures, trained[0].names) if free is None else (Pictures(free.pixels, free.labels), free.names)
    answers = []
    for one in trained:
        if isinstance(one.network, Recalled):
            answers.append(one.network.answers(names, recipe.distil.crops))
            continue
        own = member_recipe(recipe, one.member)
        folder = _folder(one.member, places.runs / recipe.model.name)
        answers.append(ask(one.network, about, own, folder, partial(said, one.member)))
    return taught_by(tuple(answers)), about
