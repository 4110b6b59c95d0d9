"""The demo's part of the page: buttons that order faults and change what is played. It answers to the page alone (the web sink's
guard looks at Host and Origin first), and it is not a command path of the product.
"""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge.demo.faults import FAULTS, find_fault
from edge.demo.plays import shipped_models
from edge.demo.stage import Play, Stage
from edge.demo.trial import NS_PER_MS, Trial, back_s, banner_ms
from edge.errors import SonodermError
from edge.sinks.web.app import Extra, page_file

__all__ = ["Panel"]

PICTURE_MAX_B = 40_000_000
MEMORY = Path("/dev/shm")


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """fault: a kind, or "none" to repair. play: the id of one."""

    fault: str | None = None
    play: str | None = None


class Panel:
    """Between the page and the stage. A dropped picture lives in memory only (a file of /dev/shm), until the next play."""

    def __init__(self, plays: Sequence[Play]) -> None:
        self._plays = plays
        self._stage: Stage | None = None
        self._picture: Path | None = None

    def attach(self, stage: Stage) -> None:
        self._stage = stage

    def extra(self) -> Extra:
        files = (page_file("edge.demo", "page", "demo.js"), page_file("edge.demo", "page", "demo.css"))
        routes = (
            Route("/demo/status", self._status, methods=["GET"]),
            Route("/demo/do", self._do, methods=["POST"]),
            Route("/demo/picture", self._take_picture, methods=["POST"]),
        )
        return Extra("./demo.js", files, routes)

    def close(self) -> None:
        self._forget_picture()

    async def _status(self, _request: Request) -> Response:
        return self._answer()

    async def _do(self, request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await request.body(), type=_Asked)
        except (msgspec.DecodeError, UnicodeError):
            return _refusal("not understood")
        stage = self._stage
        if stage is None:
            return _refusal("not ready yet")
        if asked.fault == "none":
            stage.repair()
        elif asked.fault is not None:
            fault = find_fault(asked.fault)
            if fault is None:
                return _refusal("no such fault")
            stage.order(fault)
        if asked.play is not None:
            play = next((play for play in self._plays if play.id == asked.play), None)
            if play is None or play.lacks is not None:
                return _refusal(play.lacks if play and play.lacks else "no such play")
            return await self._begin(stage, play)
        return self._answer()

    async def _begin(self, stage: Stage, play: Play) -> Response:
        try:
            await run_in_threadpool(stage.start, play)
        except SonodermError as error:
            return _refusal(error.line())
        if self._picture is None or str(self._picture) not in play.source:
            self._forget_picture()
        return self._answer()

    async def _take_picture(self, request: Request) -> Response:
        """The body is a picture file of any kind that `classify` reads; query `model` names the model."""
        stage = self._stage
        if stage is None or not MEMORY.is_dir():
            return _refusal("this machine has no /dev/shm: a picture would have to be written to a disk")
        data = bytearray()
        async for part in request.stream():
            data += part
            if len(data) > PICTURE_MAX_B:
                return _refusal(f"a picture of more than {PICTURE_MAX_B // 1_000_000} MB")
        before, self._picture = self._picture, MEMORY / f"sonoderm-{secrets.token_hex(8)}.picture"
        fd = os.open(self._picture, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        model = request.query_params.get("model", "derm7")
        answer = await self._begin(stage, Play("own", "Your picture", model, f"dir:{self._picture}?motion=tremor&seed=1&loop=yes"))
        if before is not None:
            before.unlink(missing_ok=True)
        return answer

    def _forget_picture(self) -> None:
        if self._picture is not None:
            self._picture.unlink(missing_ok=True)
            self._picture = None

    def _answer(self) -> Response:
        stage = self._stage
        trial = stage.trial if stage else None
        body = {
            "faults": [
                {"kind": f.kind.value, "button": f.button, "what": f.what, "expected": f.expected, "limit_ms": f.limit_ms} for f in FAULTS
            ],
            "plays": [{"id": play.id, "title": play.title, "model": play.model, "lacks": play.lacks} for play in self._plays],
            "models": list(dict.fromkeys([*shipped_models(), self._plays[0].model])),
            "play": stage.play.id if stage and stage.play else None,
            "has_other": bool(stage and stage.play and stage.play.other),
            "trouble": stage.trouble.line() if stage and stage.trouble else None,
            "good_ms": stage.switch.good_ns / NS_PER_MS if stage else None,
            "trial": _plain(trial) if trial else None,
            "trials": [_plain(done) for done in (stage.trials[-8:] if stage else [])],
        }
        return Response(msgspec.json.encode(body), media_type="application/json")


def _plain(trial: Trial) -> dict[str, object]:
    return {
        "kind": trial.fault.kind.value,
        "said": trial.said,
        "banner_ms": banner_ms(trial),
        "back_s": back_s(trial),
        "limit_ms": trial.fault.limit_ms,
        "good_ms": trial.good_ns / NS_PER_MS if trial.good_ns else None,
        "ok": trial.is_ok,
    }


def _refusal(why: str) -> Response:
    return Response(msgspec.json.encode({"trouble": why}), status_code=400, media_type="application/json")
