"""Photographs of a 24-patch chart, rendered in linear light: every fault that a real one has, and the truth beside it."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from calibration.color.reference import built_in
from calibration.color.space import F64, encode, lab_to_linear
from edge.frame import U8

PITCH_PX = 60
BORDER = 0.35  # of the pitch
GAP = 0.14
FRAME_LINEAR = 0.035
MIXED = np.array([[0.86, 0.10, 0.04], [0.06, 0.88, 0.06], [0.02, 0.14, 0.84]])  # a camera's own primaries, mixed a little


@dataclass(frozen=True, eq=False)
class Shot:
    """How the photograph is taken. gamma: code = sRGB code ** gamma. light: brightest to darkest across the chart. blur_px: sigma."""

    width_px: int = 720
    height_px: int = 540
    chart_width_px: float = 465.0
    angle_deg: float = 0.0
    tilt: float = 0.0
    center: tuple[float, float] = (0.5, 0.5)
    matrix: F64 = field(default_factory=lambda: MIXED)
    gains: tuple[float, float, float] = (0.92, 0.84, 0.74)
    gamma: float = 1.0
    light: float = 1.0
    vignette: float = 0.0
    blur_px: float = 0.7
    noise: float = 1.5
    seed: int = 0
    is_mirrored: bool = False
    has_frame: bool = True
    background: float = 0.35
    texture: float = 0.03
    gap: float = GAP
    barrel: float = 0.0
    jpeg: int | None = None


@dataclass(frozen=True)
class Photo:
    """pixels: (h, w, 3) uint8 RGB. corners: (4, 2) of the outer patch centres: patch 1, 6, 24, 19."""

    pixels: U8
    corners: F64


def patches_linear() -> F64:
    return lab_to_linear(built_in("classic-24").lab)


def a_flat_chart(linear: F64, shot: Shot) -> tuple[F64, F64]:
    """(h, w, 3) linear light of the chart seen straight on, and the same picture's patch centres, patch 1, 6, 24, 19."""
    border = BORDER if shot.has_frame else 0.0
    w, h = round((6 + 2 * border) * PITCH_PX), round((4 + 2 * border) * PITCH_PX)
    chart = np.full((h, w, 3), FRAME_LINEAR)
    inset = shot.gap / 2
    for index in range(24):
        x, y = border + index % 6, border + index // 6
        a, b = round((x + inset) * PITCH_PX), round((x + 1 - inset) * PITCH_PX)
        c, d = round((y + inset) * PITCH_PX), round((y + 1 - inset) * PITCH_PX)
        chart[c:d, a:b] = linear[index]
    at = (np.array([(0.5, 0.5), (5.5, 0.5), (5.5, 3.5), (0.5, 3.5)]) + border) * PITCH_PX
    return chart, at


def photograph(shot: Shot | None = None, linear: F64 | None = None) -> Photo:
    """linear: (24, 3) what the camera's own channels see of the patches before `gains`; default: sRGB light through `matrix`."""
    shot = shot or Shot()
    seen = patches_linear() @ shot.matrix.T if linear is None else linear
    rng = np.random.default_rng(shot.seed)
    chart, at = a_flat_chart(np.maximum(seen, 0.001), shot)
    rows, columns = chart.shape[:2]
    if shot.is_mirrored:
        chart, at = chart[:, ::-1], np.stack([columns - at[:, 0], at[:, 1]], axis=1)
    home = _homography(shot, columns, rows)
    size = (shot.width_px, shot.height_px)
    scene: F64 = _background(shot, rng)
    warped = cv2.warpPerspective(np.ascontiguousarray(chart), home, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones((rows, columns)), home, size, flags=cv2.INTER_LINEAR).reshape(shot.height_px, shot.width_px, 1)
    scene = scene * (1 - mask) + warped
    scene = scene * _light(shot) * np.array(shot.gains)
    corners = cv2.perspectiveTransform(at[None], home)[0]
    if shot.barrel:
        scene, corners = _barrel(scene, corners, shot)
    if shot.blur_px:
        scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), shot.blur_px), np.float64)
    code = encode(np.clip(scene, 0, 1)) ** shot.gamma * 255
    code += rng.normal(0, shot.noise, code.shape) if shot.noise else 0
    pixels = np.clip(np.rint(code), 0, 255).astype(np.uint8)
    if shot.jpeg is not None:
        ok, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, shot.jpeg])
        assert ok
        pixels = np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])
    return Photo(pixels, corners)


def _homography(shot: Shot, columns: int, rows: int) -> F64:
    scale = shot.chart_width_px / columns
    turn = np.radians(shot.angle_deg)
    flat = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], float)
    away = (flat - (columns / 2, rows / 2)) * scale
    away = away @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    depth = 1 + shot.tilt * away[:, :1] / shot.chart_width_px + 0.6 * shot.tilt * away[:, 1:] / shot.chart_width_px
    there = away / depth + np.array(shot.center) * (shot.width_px, shot.height_px)
    return np.asarray(cv2.getPerspectiveTransform(flat.astype(np.float32), there.astype(np.float32)), np.float64)


def _background(shot: Shot, rng: np.random.Generator) -> F64:
    cloud = cv2.resize(rng.normal(0, 1, (shot.height_px // 40, shot.width_px // 40, 3)), (shot.width_px, shot.height_px))
    return np.asarray(np.clip(shot.background + shot.texture * cloud, 0.01, 1))


def _light(shot: Shot) -> F64:
    """1 in the middle; `light` is the ratio from one side of the chart to the other, along the diagonal."""
    y, x = np.mgrid[: shot.height_px, : shot.width_px]
    across = ((x - shot.center[0] * shot.width_px) + 0.5 * (y - shot.center[1] * shot.height_px)) / shot.chart_width_px
    away = ((x - shot.width_px / 2) ** 2 + (y - shot.height_px / 2) ** 2) / (shot.width_px / 2) ** 2
    return np.asarray((shot.light**across * np.exp(-shot.vignette * away))[..., None])


def _barrel(scene: F64, corners: F64, shot: Shot) -> tuple[F64, F64]:
    camera = np.array([[shot.width_px, 0, shot.width_px / 2], [0, shot.width_px, shot.height_px / 2], [0, 0, 1.0]])
    bent = np.array([shot.barrel, 0, 0, 0, 0])
    y, x = np.mgrid[: shot.height_px, : shot.width_px].astype(np.float32)
    straight = cv2.undistortPoints(np.stack([x.ravel(), y.ravel()], 1)[:, None], camera, bent, P=camera).reshape(*x.shape, 2)
    out = cv2.remap(scene, straight[..., 0], straight[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    normal = (corners - camera[:2, 2]) / shot.width_px
    r2 = (normal**2).sum(axis=1, keepdims=True)
    return np.asarray(out), normal * (1 + shot.barrel * r2) * shot.width_px + camera[:2, 2]
