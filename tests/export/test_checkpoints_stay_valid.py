"""A new field of a recipe's types must not end trainings that go on for hours: what a checkpoint is keyed by is pinned here."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from export.recipe import Augment, Data, Train, read_recipe

FIELDS = {
    Data: "labels label_column group_column fold_column train_folds dev_folds report_folds seed masks cite duplicates unlabelled",
    Augment: "rotate_deg scale shift flip_x flip_y gain offset gamma channel_gain saturation blur_p noise speckle",
    Train: "backbone grey epochs batch lr weight_decay ema drop mixup mask_weight freeze_norm sampler_power seed minutes_two_cores",
}
# Of the recipes as they stand. Whoever edits one begins its training anew, and writes the new digest here.
KEY_PARTS = {
    "breast-us": "c995d33f7fa04ed60d41396fc31a0e5c3c5e6b8cb6d0cecfa4d4e738a6d9b933",
    "derm7": "613ac81b104fede2dd047a8d9257a9f25ce0f64f292f7576b50a0238b56afe06",
    "phantom": "4ced33ac93d8335becd51e58290a91a1e27e543e24f9774ef0d51821f56ebb62",
}


@pytest.mark.parametrize("kind", FIELDS, ids=lambda kind: kind.__name__)
def test_what_a_checkpoint_is_keyed_by_has_the_fields_it_had(kind: type[msgspec.Struct]) -> None:
    assert " ".join(field.encode_name for field in msgspec.structs.fields(kind)) == FIELDS[kind]


@pytest.mark.parametrize("name", KEY_PARTS)
def test_the_key_parts_of_a_shipped_recipe_are_encoded_as_when_its_training_began(name: str, root: Path) -> None:
    recipe, _ = read_recipe(root / "export" / "recipes" / f"{name}.toml")
    parts = (recipe.labels, recipe.input, recipe.data, recipe.augment, recipe.train)
    assert hashlib.sha256(msgspec.json.encode(parts)).hexdigest() == KEY_PARTS[name]
