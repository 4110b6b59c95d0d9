"""A headless Chromium of this machine. Without one, or without playwright, the tests skip aloud."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.reading import Command
from edge.sinks.table import Surroundings
from edge.sinks.web.sink import WebSink, bind

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'sonoderm[browser]'")
    with playwright.sync_playwright() as driver:
        if CHROMIUM.exists():
            opened = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGS))
        elif Path(driver.chromium.executable_path).exists():
            opened = driver.chromium.launch(args=list(ARGS))
        else:
            pytest.skip("no Chromium on this machine: apt-get install chromium")
        yield opened
        opened.close()


@pytest.fixture(params=[(390, 844), (1280, 800)], ids=["390px", "1280px"])
def page(request: pytest.FixtureRequest, browser: "Browser") -> "Iterator[Page]":
    """A page of phone and of desktop width, on which no script may fail and no foreign host may be asked."""
    width, height = request.param
    opened = browser.new_page(viewport={"width": width, "height": height})
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("request", lambda asked: troubles.append(asked.url) if "://127.0.0.1:" not in asked.url else None)
    yield opened
    opened.close()
    assert troubles == []


@pytest.fixture
def commands() -> list[Command]:
    return []


@pytest.fixture
def web(commands: list[Command]) -> Iterator[WebSink]:
    sink = WebSink(bind("127.0.0.1", 0), Surroundings())
    sink.open(commands.append)
    yield sink
    sink.close()
