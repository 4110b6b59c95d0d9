// The page: it shows what the device says, for as long as it is true, and nothing longer.
//
// Three things take a label away without any word from the device: its picture is older than the age limit, the device has
// been silent for as long, or the socket is closed. All three are judged here, by this page's own clock.

import { DeviceClock } from "./clock.js";
import { Link } from "./link.js";
import { Screen } from "./screen.js";

const CHECK_MS = 40;
const SILENT_MIN_MS = 300; // two beats of the device

const theme = await (await fetch("theme.json")).json();
const clock = new DeviceClock();
const screen = new Screen(theme);
let shown = null; // the header on the screen, null while this page speaks for itself
let ageLimit = 500;
const listeners = [];

screen.blank("CONNECTING", "looking for the device", "STARTING");

// One message at a time, always the newest: what arrives while a picture is being decoded replaces what waits.
let waiting = null;
let busy = false;

const link = new Link(
  clock,
  (header, jpeg) => {
    ageLimit = header.age_limit_ms;
    const sameKey = waiting?.header.picture && waiting.header.picture.key === header.picture?.key;
    if (shown?.face.state === "READY" && header.face.state !== "READY") draw(header, null); // a label goes before the next picture is decoded
    waiting = { header, jpeg: jpeg ?? (sameKey ? waiting.jpeg : null) };
    if (!busy) work();
  },
  (word, hint) => {
    shown = waiting = null;
    document.getElementById("freeze").disabled = true;
    screen.blank(word, hint);
    tell();
  },
);

async function work() {
  busy = true;
  while (waiting) {
    const { header, jpeg } = waiting;
    waiting = null;
    let bitmap = null;
    if (jpeg && header.picture) {
      try {
        bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
      } catch {
        header.picture = null; // a picture that cannot be decoded is none
      }
    }
    if (link.isOpen()) draw(header, bitmap);
    link.drawn(header.n);
    bitmap?.close();
  }
  busy = false;
}

function life(header) {
  const now = clock.now();
  return now === null || header.captured_ms === null ? 0 : header.age_limit_ms - (now - header.captured_ms);
}

function draw(header, bitmap) {
  const left = header.expires ? life(header) : null;
  if (left !== null && left <= 0) {
    screen.blank("NO SIGNAL", "no newer picture has arrived");
    shown = null;
  } else {
    screen.show(header, bitmap, left);
    shown = header;
  }
  document.getElementById("freeze").disabled = false;
  tell(header);
}

function check() {
  if (link.silentFor() > Math.max(SILENT_MIN_MS, ageLimit)) {
    if (shown !== null) {
      shown = null;
      screen.blank("CONNECTION LOST", "the device does not answer; this page keeps trying");
      tell();
    }
  } else if (shown?.expires && life(shown) <= 0) {
    shown = null;
    screen.blank("NO SIGNAL", "no newer picture has arrived");
    tell();
  }
  const now = clock.now();
  const age = shown?.captured_ms != null && now !== null && document.body.dataset.frame !== "" ? `picture ${Math.max(0, now - shown.captured_ms).toFixed(0)} ms old` : "";
  screen.ticking(shown?.face.state === "FROZEN" ? "" : age);
}

function tell(header = null) {
  for (const listener of listeners) listener(document.body.dataset.word, header, clock.now());
}

function toggle() {
  link.command("toggle");
}

document.getElementById("more").open = matchMedia("(min-width: 861px)").matches; // on a phone it would push the picture away
setInterval(check, CHECK_MS);
document.addEventListener("visibilitychange", check);
document.getElementById("freeze").addEventListener("click", toggle);
document.getElementById("tap").addEventListener("click", toggle);
document.addEventListener("keydown", (event) => {
  if (event.code !== "Space" || event.repeat || event.target.closest("button, summary, input, select, a")) return;
  event.preventDefault();
  toggle();
});

for (const script of theme.extras) {
  const extra = await import(script);
  listeners.push(extra.mount(document.getElementById("extras"), { clock, theme }));
}
