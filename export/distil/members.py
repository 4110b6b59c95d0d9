"""The teacher's ensemble: each member is fine-tuned as a student is, at its own size and in its own folder."""

from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from export.data.table import Side
from export.distil.finetune import Epoch, Pictures, finetune
from export.distil.network import Student
from export.pictures import Places, in_domain, train_masks
from export.recipe import Member, Recipe

__all__ = ["member_recipe", "train_members"]


def member_recipe(recipe: Recipe, member: Member) -> Recipe:
    """The recipe with the member's network, size and schedule in the student's place."""
    size = structs.replace(recipe.input, width_px=member.width_px, height_px=member.height_px)
    train = structs.replace(recipe.train, backbone=member.backbone, epochs=member.epochs, batch=member.batch, lr=member.lr)
    return structs.replace(recipe, input=size, train=train)


def member_folder(recipe: Recipe, member: Member, places: Places) -> Path:
    return places.runs / recipe.model.name / "teacher" / f"{member.backbone}-{member.width_px}x{member.height_px}"


def train_members(recipe: Recipe, places: Places, said: Callable[[Member, Epoch], None]) -> tuple[Student, ...]:
    """Train what is not trained yet; each goes on where its checkpoint stands. Empty when the recipe names no teacher."""
    out = []
    for member in recipe.teacher.members if recipe.teacher else ():
        own = member_recipe(recipe, member)
        sides = in_domain(own, places)
        train = Pictures(sides[Side.TRAIN].pixels, sides[Side.TRAIN].labels, train_masks(own, places))
        choice = Pictures(sides[Side.CHOICE].pixels, sides[Side.CHOICE].labels)

        def heard(epoch: Epoch, member: Member = member) -> None:
            said(member, epoch)

        out.append(finetune(own, train, choice, member_folder(recipe, member, places), heard))
    return tuple(out)
