"""The teacher's ensemble: each member is fine-tuned as a student is, at its own size and in its own folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lightning_fabric import Fabric
from msgspec import structs

from edge.errors import InputRefused
from export.data.table import Side
from export.distil.ask import ask, taught_by
from export.distil.finetune import Epoch, Pictures, finetune
from export.distil.lesson import Taught
from export.distil.network import Student
from export.pictures import Places, in_domain, train_masks
from export.recipe import Member, Recipe

__all__ = ["Trained", "member_recipe", "teach", "train_members"]


def member_recipe(recipe: Recipe, member: Member) -> Recipe:
    """The recipe with the member's network, size and schedule in the student's place."""
    size = structs.replace(recipe.input, width_px=member.width_px, height_px=member.height_px)
    train = structs.replace(recipe.train, backbone=member.backbone, epochs=member.epochs, batch=member.batch, lr=member.lr)
    return structs.replace(recipe, input=size, train=train)


def member_folder(recipe: Recipe, member: Member, places: Places) -> Path:
    return places.runs / recipe.model.name / "teacher" / f"{member.backbone}-{member.width_px}x{member.height_px}"


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """One member, ready to be asked. pictures: its train side, at its size."""

    member: Member
    student: Student
    pictures: Pictures


def train_members(recipe: Recipe, places: Places, said: Callable[[Member, Epoch], None], fabric: Fabric) -> tuple[Trained, ...]:
    """Train what is not trained yet; each goes on where its checkpoint stands. Empty when the recipe names no teacher."""
    out = []
    for member in recipe.teacher.members if recipe.teacher else ():
        own = member_recipe(recipe, member)
        with fabric.rank_zero_first():  # the first process decodes, the others read its cache
            sides = in_domain(own, places)
        train = Pictures(sides[Side.TRAIN].pixels, sides[Side.TRAIN].labels, train_masks(own, places))
        choice = Pictures(sides[Side.CHOICE].pixels, sides[Side.CHOICE].labels)

        def heard(epoch: Epoch, member: Member = member) -> None:
            said(member, epoch)

        student = finetune(own, train, choice, member_folder(recipe, member, places), heard, fabric=fabric)
        out.append(Trained(member, student, train))
    return tuple(out)


def teach(recipe: Recipe, places: Places, trained: tuple[Trained, ...], said: Callable[[Member, int], None]) -> tuple[Taught, Pictures]:
    """Ask every member about the fixed crops; returns the ensemble's word and the pictures, at the teacher's size, that it is about.

    Raises InputRefused when the members differ in size: they would see different crops.
    """
    if len({(one.member.width_px, one.member.height_px) for one in trained}) != 1:
        raise InputRefused("teacher: the members differ in size, so they would see different crops", do="give all members one size")
    answers = []
    for one in trained:

        def heard(crops: int, member: Member = one.member) -> None:
            said(member, crops)

        own = member_recipe(recipe, one.member)
        answers.append(ask(one.student, one.pictures, own, member_folder(recipe, one.member, places), heard))
    return taught_by(tuple(answers)), trained[0].pictures
