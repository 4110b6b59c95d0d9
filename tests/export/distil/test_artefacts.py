"""An artefact is drawn by seed and place alone, keeps to its part of the picture, and reaches the student but not the teacher."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from edge.bundle.manifest import InputSpec, Label
from edge.frame import U8
from edge.sources.phantom_still import render_still
from export.distil.artefacts import Artefact, Kind, artefacts_of, painted, table, worn
from export.distil.lesson import Pictures, Taught, batches, crop
from export.recipe import Augment, Distil, Identity, Recipe, Train

KINDS: tuple[Kind, ...] = ("skin", "ultrasound")
EVERY = [pytest.param(kind, artefact, id=f"{kind}: {artefact.name}") for kind in KINDS for artefact in artefacts_of(kind)]
STILL = {"skin": "derm-disc", "ultrasound": "us-mass"}


@pytest.fixture(scope="module")
def stills() -> dict[Kind, U8]:
    return {kind: render_still(STILL[kind], 1, width_px=320, height_px=240) for kind in KINDS}


def _apart(a: U8, b: U8) -> float:
    return float(np.abs(a.astype(int) - b).mean())


@pytest.mark.parametrize(("kind", "artefact"), EVERY)
def test_the_same_place_wears_the_same_artefact_and_the_picture_given_is_left_alone(
    stills: dict[Kind, U8], kind: Kind, artefact: Artefact
) -> None:
    before = stills[kind].copy()
    first = painted(stills[kind], kind, artefact, 0.7, (1, 5))
    assert np.array_equal(first, painted(stills[kind], kind, artefact, 0.7, (1, 5)))
    assert np.array_equal(stills[kind], before)
    assert first.shape == before.shape
    assert first.dtype == np.uint8


@pytest.mark.parametrize(("kind", "artefact"), EVERY)
def test_an_artefact_shows_and_grows_with_its_strength(stills: dict[Kind, U8], kind: Kind, artefact: Artefact) -> None:
    change = [
        float(np.mean([_apart(stills[kind], painted(stills[kind], kind, artefact, strength, (seed,))) for seed in range(12)]))
        for strength in (1 / 3, 2 / 3, 1.0)
    ]
    assert change[0] > 0.02
    assert all(more > less for less, more in pairwise(change))


@settings(max_examples=60, deadline=None)
@given(
    case=st.sampled_from([(kind, artefact) for kind in KINDS for artefact in artefacts_of(kind)]),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    strength=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_pictures_of_any_size_can_wear_any_artefact(
    case: tuple[Kind, Artefact], height: int, width: int, strength: float, seed: int
) -> None:
    kind, artefact = case
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert painted(pixels, kind, artefact, strength, (seed,)).shape == pixels.shape


def test_one_more_kind_moves_none_of_the_others(monkeypatch: pytest.MonkeyPatch, stills: dict[Kind, U8]) -> None:
    nothing = Artefact("a new kind", 1.0, "frame", lambda pixels, strength, rng: pixels)
    before = [worn(stills["skin"], "skin", (1, place)) for place in range(8)]
    monkeypatch.setattr(table, "SKIN", (*table.SKIN[:3], nothing, *table.SKIN[3:]))
    for place, pixels in enumerate(before):
        assert np.array_equal(worn(stills["skin"], "skin", (1, place)), pixels)


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_kinds_share_a_name_and_so_a_draw(kind: Kind) -> None:
    names = [artefact.name for artefact in artefacts_of(kind)]
    assert len(set(names)) == len(names)


def test_each_kind_comes_as_often_as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 draws of each; four standard deviations."""
    seen: dict[str, int] = {}

    def counting(artefact: Artefact) -> Artefact:
        def count(pixels: U8, strength: float, rng: np.random.Generator) -> U8:
            seen[artefact.name] = seen.get(artefact.name, 0) + 1
            return pixels

        return Artefact(artefact.name, artefact.rate, "frame", count)

    monkeypatch.setattr(table, "ULTRASOUND", tuple(counting(artefact) for artefact in table.ULTRASOUND))
    small = np.full((16, 16, 3), 90, np.uint8)
    for place in range(2000):
        worn(small, "ultrasound", (7, place))
    for artefact in table.ULTRASOUND:
        spread = 4 * (2000 * artefact.rate * (1 - artefact.rate)) ** 0.5
        assert abs(seen[artefact.name] - 2000 * artefact.rate) < spread, artefact.name


def test_what_lies_in_the_field_leaves_the_screen_around_it_alone() -> None:
    """A field on a screen: only words, scale and body mark are drawn beside it."""
    screen = np.zeros((300, 400, 3), np.uint8)
    screen[40:260, 90:310] = render_still("us-mass", 4, width_px=220, height_px=220)
    outside = np.ones((300, 400), bool)
    outside[36:264, 86:314] = False
    for artefact in artefacts_of("ultrasound"):
        if artefact.name in {"rescaled", "JPEG"}:  # of the whole file
            continue
        changed = [painted(screen, "ultrasound", artefact, 1.0, (seed,))[outside].any() for seed in range(6)]
        assert any(changed) == (artefact.where == "frame"), artefact.name


@pytest.mark.parametrize("name", ["hairs", "stubble", "ruler", "gel bubbles", "glints", "sticker", "ink"])
def test_nothing_that_lies_on_skin_is_seen_in_the_dark_beside_a_round_field(name: str) -> None:
    y, x = np.mgrid[0:150, 0:200]
    skin = np.where((np.hypot(x - 100, y - 75) < 95)[..., None], np.array([214, 164, 150]), 8).astype(np.uint8)
    dark = skin[..., 0] == 8
    artefact = next(artefact for artefact in artefacts_of("skin") if artefact.name == name)
    for seed in range(5):
        assert (painted(skin, "skin", artefact, 1.0, (seed,))[dark] == 8).all()


@pytest.mark.parametrize("bars", [0, 12])
def test_a_dark_field_is_told_from_the_bars_of_its_letterbox(bars: int) -> None:
    """As training shows it: an offset on everything, and noise."""
    rng = np.random.default_rng(3)
    picture = np.full((120, 120, 3), bars, np.float32)
    picture[:, 20:100] += 7
    picture[40:70, 45:75] += 60
    noisy = np.clip(picture + rng.normal(0, 4, (120, 120, 1)), 0, 255).astype(np.uint8)
    seen: list[tuple[int, ...]] = []

    def look(pixels: U8, strength: float, rng: np.random.Generator) -> U8:
        seen.append(pixels.shape)
        return pixels

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(table, "ULTRASOUND", (Artefact("a look", 1.0, "field", look),))
        worn(noisy, "ultrasound", (1,))
    assert seen == [(120, 80, 3)]


@pytest.mark.parametrize("sign", [0, 1, 2, 3])
def test_gain_leaves_what_is_black_black(sign: int) -> None:
    half = np.zeros((64, 64, 3), np.uint8)
    half[:, 32:] = 120
    artefact = next(artefact for artefact in artefacts_of("ultrasound") if artefact.name == "gain")
    changed = artefact.paint(half, 1.0, np.random.default_rng(sign))
    assert (changed[:, :32] == 0).all()
    assert (changed[:, 32:] != 120).all()


def _recipe(artefacts: str, side: int) -> Recipe:
    return Recipe(
        model=Identity(
            name="toy", version="0.1.0", security_counter=1, modality="other", licence="Apache-2.0", licence_note="", intended_use="test"
        ),
        labels=(Label(code="a", name="A"), Label(code="b", name="B")),
        input=InputSpec(width_px=side, height_px=side, fit="letterbox", field="none"),
        augment=Augment(rotate_deg=10, scale=(0.9, 1.1)),
        train=Train(epochs=1, batch=8, mask_weight=0.3, minutes_two_cores=0.1),
        distil=structs.replace(Distil(crops=2), artefacts=artefacts),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_student_alone_sees_artefacts_and_the_lesion_mask_stays(kind: Kind) -> None:
    side, n = 96, 16
    still = render_still(STILL[kind], 5, width_px=side, height_px=side)
    masks = np.zeros((n, side, side), np.uint8)
    masks[:, 30:60, 30:60] = 255
    pictures = Pictures(np.repeat(still[None], n, 0), np.arange(n, dtype=np.int64) % 2, masks)
    taught = Taught(np.zeros((n, 2, 2), np.float32), np.zeros((n, 2, 3), np.float32))
    clean, dressed = _recipe("", side), _recipe(kind, side)
    assert all(np.array_equal(crop(pictures, i, 1, clean)[0], crop(pictures, i, 1, dressed)[0]) for i in range(n))
    changed = 0
    for epoch in range(2):
        for (a, _), (b, _) in zip(*(batches(pictures, r, epoch, mixed=0, taught=taught) for r in (clean, dressed)), strict=True):
            assert a.mask is not None
            assert b.mask is not None
            assert np.array_equal(a.mask.numpy(), b.mask.numpy())
            changed += int((a.x != b.x).flatten(1).any(1).sum())
    assert changed > n
    again = [batch.x for batch, _ in batches(pictures, dressed, 1, mixed=0, taught=taught)]
    assert all((a == b.x).all() for a, (b, _) in zip(again, batches(pictures, dressed, 1, mixed=0, taught=taught), strict=True))


def test_a_training_from_labels_alone_wears_nothing() -> None:
    pictures = Pictures(np.full((8, 32, 32, 3), 90, np.uint8), np.arange(8, dtype=np.int64) % 2)
    ((clean, _),) = batches(pictures, _recipe("", 32), 0, mixed=0)
    ((dressed, _),) = batches(pictures, _recipe("skin", 32), 0, mixed=0)
    assert (clean.x == dressed.x).all()
