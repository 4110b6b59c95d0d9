"""Random change of pictures for training: geometry by one warp, then light. Seeded; the same for every class."""

import cv2
import numpy as np

from edge.frame import U8
from export.recipe import Augment

__all__ = ["augment", "augment_with_mask"]


def _warp(picture: U8, how: Augment, rng: np.random.Generator, border: int, mask: U8 | None) -> tuple[U8, U8 | None]:
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(
        (width / 2, height / 2), float(rng.uniform(-how.rotate_deg, how.rotate_deg)), float(rng.uniform(*how.scale))
    )
    if how.flip_x and rng.random() < 0.5:
        matrix = matrix @ np.array([[-1, 0, width], [0, 1, 0], [0, 0, 1]], float)
    if how.flip_y and rng.random() < 0.5:
        matrix = matrix @ np.array([[1, 0, 0], [0, -1, height], [0, 0, 1]], float)
    matrix[:, 2] += rng.uniform(-how.shift, how.shift, 2) * np.array([width, height])
    size = (width, height)
    out = np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border), np.uint8)
    return out, None if mask is None else np.asarray(cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)


def _light(picture: U8, how: Augment, rng: np.random.Generator) -> U8:
    levels = np.arange(256, dtype=np.float32) / 255
    gamma = float(np.exp(rng.uniform(-how.gamma, how.gamma)))
    gains = rng.uniform(1 - how.gain, 1 + how.gain) * rng.uniform(1 - how.channel_gain, 1 + how.channel_gain, 3)
    offset = float(rng.uniform(-how.offset, how.offset))
    table = np.clip((levels[:, None] ** gamma) * 255 * gains + offset, 0, 255).astype(np.uint8)
    out = np.asarray(cv2.LUT(picture, table.reshape(256, 1, 3)), np.uint8)
    if how.saturation:
        grey = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        share = float(rng.uniform(1 - how.saturation, 1 + how.saturation))
        out = np.asarray(cv2.addWeighted(out, share, grey, 1 - share, 0), np.uint8)
    return out


def _texture(picture: U8, how: Augment, rng: np.random.Generator) -> U8:
    if rng.random() < how.blur_p:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 1.2))), np.uint8)
    noise = np.zeros(picture.shape[:2], np.float32)
    if how.noise:
        noise += rng.standard_normal(noise.shape, np.float32) * float(rng.uniform(0, how.noise))
    if how.speckle and rng.random() < 0.3:
        grain = cv2.GaussianBlur(rng.standard_normal(noise.shape, np.float32), (0, 0), float(rng.uniform(0.5, 1.5)))
        noise += grain * picture[..., 0] * float(rng.uniform(0.2, 1)) * how.speckle
    if not noise.any():
        return picture
    return np.asarray(np.clip(picture.astype(np.float32) + noise[..., None], 0, 255), np.uint8)


def augment(picture: U8, how: Augment, rng: np.random.Generator, *, reflect: bool) -> U8:
    """(h, w, 3) uint8 -> the same shape. reflect: fill what the warp uncovers by mirroring (else black, as a letterbox is)."""
    return augment_with_mask(picture, None, how, rng, reflect=reflect)[0]


def augment_with_mask(picture: U8, mask: U8 | None, how: Augment, rng: np.random.Generator, *, reflect: bool) -> tuple[U8, U8 | None]:
    """The same change of a picture and its lesion mask (h, w) uint8, 255 on the lesion: the mask follows the geometry alone."""
    picture, mask = _warp(picture, how, rng, cv2.BORDER_REFLECT_101 if reflect else cv2.BORDER_CONSTANT, mask)
    return _texture(_light(picture, how, rng), how, rng), mask
