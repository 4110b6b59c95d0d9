"""The training step of a recipe: the student from labels, or teacher members, their word on fixed crops, then the student."""

from lightning_fabric import Fabric

from export.data.table import Side
from export.distil.finetune import Epoch, Pictures, finetune
from export.distil.machines import fabric_here
from export.distil.members import student_folder, teach, train_members
from export.distil.network import Student
from export.pictures import Places, counted, in_domain, train_masks
from export.recipe import Adapted, Member, Recipe
from export.teach.terms import name_of
from export.work import Say, Work

__all__ = ["train_alone", "train_student"]


def _said(work: Work, who: str, epoch: Epoch, epochs: int) -> None:
    left_min = (epochs - epoch.epoch - 1) * epoch.seconds / 60
    work.say(
        f"{who}: epoch {epoch.epoch + 1}/{epochs}: loss {epoch.loss:.3f}, on the kept tenth: balanced accuracy "
        f"{epoch.balanced_accuracy:.3f}, NLL {epoch.nll_balanced:.3f} ({epoch.seconds:.0f} s; about {left_min:.0f} min left)"
    )


def train_student(work: Work, places: Places, fabric: Fabric | None = None) -> Student:
    """Goes on where earlier, killed runs stopped. Under `torchrun` every process calls it, and the first of them writes."""
    fabric = fabric or fabric_here()
    recipe, sides = work.recipe, work.sides
    choice = Pictures(sides[Side.CHOICE].pixels, sides[Side.CHOICE].labels)
    for line in counted(recipe, places):
        work.say(line)
    epochs = recipe.train.epochs
    if recipe.teacher is None:
        train = Pictures(sides[Side.TRAIN].pixels, sides[Side.TRAIN].labels, train_masks(recipe, places))
        return finetune(recipe, train, choice, work.folder, lambda epoch: _said(work, "student", epoch, epochs), fabric=fabric)
    members = train_members(recipe, places, lambda member, epoch: _said(work, member.backbone, epoch, member.epochs), fabric, work.say)

    def asked(member: Member | Adapted, crops: int) -> None:
        name = name_of(member) if isinstance(member, Adapted) else member.backbone
        work.say(f"{name}: asked about {crops}/{recipe.distil.crops} crops")

    with fabric.rank_zero_first():  # the first asks, the others read its answers
        taught, train = teach(recipe, places, members, asked)
    folder = student_folder(recipe, work.folder)
    return finetune(recipe, train, choice, folder, lambda epoch: _said(work, "student", epoch, epochs), taught=taught, fabric=fabric)


def train_alone(recipe: Recipe, places: Places, say: Say) -> None:
    """Every process of a launch calls it; only the first one speaks, decodes and writes."""
    fabric = fabric_here()
    folder = places.runs / recipe.model.name
    folder.mkdir(parents=True, exist_ok=True)
    with fabric.rank_zero_first():
        sides = in_domain(recipe, places)
    train_student(Work(recipe, folder, sides, say if fabric.is_global_zero else _silent), places, fabric)


def _silent(_: str) -> None:
    pass
