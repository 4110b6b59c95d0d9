"""The live page in a real browser: label and picture are one, and a label never outlives its picture, whoever falls silent."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from edge.reading import Command, State
from edge.sinks.expiry import SPEAKS_OF_A_PICTURE
from edge.sinks.theme import RESEARCH
from edge.sinks.web.sink import WebSink
from tests.browser.numbered import READ_NUMBER, Feeder, numbered_view
from tests.edge.sinks.views import a_view

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
READY = "body[data-state=READY]"
PICTURES_SEEN = 12
LOOKS_AT = 5_000  # however fast the machine looks, so many must show that many pictures


def state(name: str) -> str:
    return f"body[data-state='{name}']"


def test_label_and_picture_always_carry_the_same_index(page: "Page", web: WebSink) -> None:
    with Feeder(web):
        page.goto(web.url)
        page.wait_for_selector(READY)
        seen: list[dict[str, Any]] = []
        while len({look["picture"] for look in seen}) < PICTURES_SEEN and len(seen) < LOOKS_AT:
            seen.append(page.evaluate(READ_NUMBER))
    ready = [look for look in seen if look["state"] == "READY" and not look["hidden"]]
    assert len({look["picture"] for look in ready}) > PICTURES_SEEN // 2
    for look in ready:
        assert look["label"] == f"Frame {look['picture']}"
        assert look["frame"] == str(look["picture"])


def test_a_loop_that_falls_silent_is_no_signal_within_the_age_limit_and_the_picture_goes_too(page: "Page", web: WebSink) -> None:
    with Feeder(web) as feeder:
        page.goto(web.url)
        page.wait_for_selector(READY)
        feeder.stop()
        page.wait_for_selector(state("NO SIGNAL"), timeout=2_000)
    look = page.evaluate(READ_NUMBER)
    assert look["hidden"]
    assert not look["label"].startswith("Frame")


def test_a_server_that_stops_leaves_no_label_on_the_page(page: "Page", web: WebSink) -> None:
    with Feeder(web):
        page.goto(web.url)
        page.wait_for_selector(READY)
        web.close()
        page.wait_for_selector("body[data-word='CONNECTION LOST']", timeout=3_000)
    assert page.evaluate(READ_NUMBER)["hidden"]
    assert "Frame" not in page.inner_text(".statement")


def test_a_page_whose_socket_stays_open_but_hears_nothing_blanks_itself(page: "Page", web: WebSink) -> None:
    page.route_web_socket(re.compile(r".*/live"), lambda ws: _forward_until_told(page, ws))
    with Feeder(web):
        page.goto(web.url)
        page.wait_for_selector(READY)
        page.evaluate("() => { window.deaf = true; }")
        setattr(page, "deaf", True)  # noqa: B010 - read by the forwarder below
        page.wait_for_selector("body[data-word='CONNECTION LOST'], body[data-state='NO SIGNAL']", timeout=3_000)
        assert "Frame" not in page.inner_text(".statement")


def _forward_until_told(page: "Page", ws: Any) -> None:
    server = ws.connect_to_server()
    server.on_message(lambda message: None if getattr(page, "deaf", False) else ws.send(message))


def test_the_statement_carries_a_dead_mans_switch_that_needs_no_script(page: "Page", web: WebSink) -> None:
    page.goto(web.url)
    with Feeder(web):
        page.wait_for_selector(READY)
        switch = page.evaluate(
            """() => { const [run] = document.getElementById('life').getAnimations(), timing = run.effect.getComputedTiming();
              return { state: run.playState, ms: timing.duration, fill: timing.fill, last: run.effect.getKeyframes().at(-1).opacity }; }"""
        )
    assert switch["state"] == "running"
    assert 0 < switch["ms"] <= 500
    assert (switch["fill"], switch["last"]) == ("forwards", "0")


def test_space_a_tap_and_the_button_each_ask_for_freeze(page: "Page", web: WebSink, commands: list[Command]) -> None:
    with Feeder(web):
        page.goto(web.url)
        page.wait_for_selector(READY)
        page.keyboard.press("Space")
        page.click("#picture")
        page.click("#freeze")
        page.wait_for_timeout(300)
    assert commands == [Command.TOGGLE] * 3


def test_a_frozen_view_stays_with_its_own_time_and_says_what_is_live(page: "Page", web: WebSink) -> None:
    page.goto(web.url)
    web.show(a_view(State.FROZEN))
    page.wait_for_selector(state("FROZEN"))
    page.wait_for_timeout(800)  # longer than the age limit: it is held on purpose
    words = page.inner_text(".statement")
    assert "Benign keratosis-like lesion (bkl)" in words
    assert "taken 2026-03-01 12:00:00" in words
    assert "live: NO SIGNAL · unplugged" in words
    assert page.inner_text("#freeze-word") == "Resume"
    assert not page.evaluate(READ_NUMBER)["hidden"]


@pytest.mark.parametrize("shown", [s for s in State if s is not State.READY])
def test_every_state_is_told_in_words_and_fits_the_page(page: "Page", web: WebSink, shown: State) -> None:
    page.goto(web.url)
    with Feeder(web) as feeder:
        page.wait_for_selector(READY)
        feeder.stop()
        web.show(numbered_view(7, shown) if shown in SPEAKS_OF_A_PICTURE else a_view(shown))
        page.wait_for_selector(state(shown.value), timeout=2_000)
    assert page.inner_text("#word") == shown.value
    assert page.inner_text("#research") == RESEARCH
    assert page.is_visible("#shape")
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_rendered_pictures_say_so_on_the_frame_and_nothing_lies_over_the_picture(page: "Page", web: WebSink) -> None:
    page.goto(web.url)
    web.show(a_view(State.FROZEN, rendered=True))
    page.wait_for_selector(state("FROZEN"))
    assert "RENDERED PHANTOM" in page.inner_text("#frame")
    covered = page.evaluate(
        """() => { const r = document.getElementById('picture').getBoundingClientRect(); const wrong = [];
          for (let i = 1; i < 8; i++) for (let j = 1; j < 8; j++) {
            const x = r.left + r.width * i / 8, y = r.top + r.height * j / 8;
            if (y < innerHeight - 1 && document.elementFromPoint(x, y)?.id !== 'picture') wrong.push([i, j]); }
          return wrong; }"""
    )
    assert covered == []


def test_a_dropped_connection_comes_back_by_itself(page: "Page", web: WebSink) -> None:
    sockets: list[Any] = []
    page.route_web_socket(re.compile(r".*/live"), lambda ws: sockets.append(ws) or ws.connect_to_server())
    with Feeder(web):
        page.goto(web.url)
        page.wait_for_selector(READY)
        sockets[0].close()
        page.wait_for_selector("body[data-word='CONNECTION LOST']", timeout=2_000)
        page.wait_for_selector(READY, timeout=5_000)
    assert len(sockets) >= 2
