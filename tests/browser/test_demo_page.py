"""The demo's page in a real browser: each fault is ordered by its button, and its banner stands on the page inside its time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest

from edge.demo.faults import FAULTS
from edge.demo.panel import Panel
from edge.demo.plays import STEADY
from edge.demo.sinks import KeptOpen
from edge.demo.stage import Play, Stage
from edge.pipeline.options import LiveModel
from edge.sinks.table import Surroundings
from edge.sinks.web.sink import WebSink, bind
from tests.builders import a_bundle
from tests.edge.sinks.views import a_picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
TRIES = 3  # a machine that is busy with something else may be late once; the promise is judged by the best of a few
SLOW_MS = 60_000
READY = "body[data-state=READY]"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    built = a_bundle(tmp_path_factory.mktemp("bundle"))

    def open_model(name: str, _step: Callable[..., None]) -> LiveModel:
        from edge.model import open_model as open_verified

        return open_verified(name, built.trust)

    home = Play("phantom", "Rendered phantom", str(built.path), f"phantom:derm?{STEADY}", f"phantom:ultrasound?{STEADY}")
    panel = Panel([home])
    web = WebSink(bind("127.0.0.1", 0), Surroundings(), [panel.extra()])
    kept = KeptOpen(web)
    stage = Stage([kept], open_model, lambda _line: None, home=home)
    panel.attach(stage)
    stage.start(home)
    yield web.url
    stage.close()
    kept.end()
    panel.close()


@pytest.fixture
def demo(browser: "Browser", url: str) -> "Iterator[Page]":
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(url)
    page.wait_for_selector(READY, timeout=SLOW_MS)
    yield page
    page.close()
    assert troubles == []


@pytest.mark.parametrize("kind", [fault.kind.value for fault in FAULTS])
def test_each_fault_has_its_banner_on_the_page_inside_its_time(demo: "Page", kind: str) -> None:
    limit_ms = next(fault.limit_ms for fault in FAULTS if fault.kind.value == kind)
    took_ms: list[float] = []
    while len(took_ms) < TRIES and min(took_ms, default=limit_ms + 1) > limit_ms:
        demo.click(f"[data-fault={kind}]")
        demo.wait_for_selector("#demo-repair:not([hidden])", timeout=SLOW_MS)
        took_ms.append(float(demo.inner_text("#demo-time").split()[0]))
        demo.click("#demo-repair")
        demo.wait_for_selector("#demo-repair", state="hidden", timeout=SLOW_MS)
        demo.wait_for_selector(READY, timeout=SLOW_MS)
    assert min(took_ms) <= limit_ms, took_ms


def test_a_dropped_picture_is_played_from_memory_and_leaves_nothing_behind(demo: "Page", tmp_path: Path) -> None:
    before = set(Path("/dev/shm").glob("sonoderm-*.picture"))
    file = tmp_path / "own.png"
    cv2.imwrite(str(file), a_picture())
    demo.set_input_files("#demo-file", str(file))
    demo.wait_for_selector("#rendered", state="hidden", timeout=SLOW_MS)  # no phantom any more
    demo.wait_for_selector("body:not([data-frame=''])", timeout=SLOW_MS)
    demo.click("[data-play=phantom]")
    demo.wait_for_selector("#rendered:not([hidden])", timeout=SLOW_MS)
    assert set(Path("/dev/shm").glob("sonoderm-*.picture")) == before


def test_a_file_that_is_no_picture_is_said_and_the_phantom_goes_on(demo: "Page", tmp_path: Path) -> None:
    file = tmp_path / "notes.png"
    file.write_text("no picture at all")
    demo.set_input_files("#demo-file", str(file))
    demo.wait_for_selector("#demo-trouble:not(:empty)", timeout=SLOW_MS)
    demo.wait_for_selector(READY, timeout=SLOW_MS)
    assert demo.is_visible("#rendered")
