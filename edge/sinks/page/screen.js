// What stands on the page: one statement, with the picture that it speaks of. Both change in one step or not at all.

import { drawShape } from "./shapes.js";

const $ = (id) => document.getElementById(id);
const ALOUD_MS = 600; // a screen reader hears a state that has stood so long, not each flicker

export class Screen {
  #theme;
  #picture = $("picture").getContext("2d");
  #key = -1; // of the picture on the canvas
  #death = null;
  #aloudTimer = 0;
  #aloudWords = "";

  constructor(theme) {
    this.#theme = theme;
    $("research").textContent = theme.research;
  }

  // bitmap: the header's own picture, or null when the page has it already (same key) or there is none.
  show(header, bitmap, lifeMs) {
    const face = header.face;
    if (bitmap) {
      const canvas = this.#picture.canvas;
      if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
        canvas.width = bitmap.width;
        canvas.height = bitmap.height;
        document.body.style.setProperty("--ratio", String(bitmap.width / bitmap.height));
      }
      this.#picture.drawImage(bitmap, 0, 0);
      this.#key = header.picture.key;
    }
    const hasPicture = header.picture !== null && header.picture.key === this.#key;
    document.body.dataset.frame = hasPicture ? String(header.picture.frame) : "";
    this.#state(face.state, face.word, hasPicture);
    text("headline", face.frozen_label ?? face.headline);
    text("code", face.code);
    text("reason", face.reason);
    text("do", face.do);
    text("alternative", face.alternative);
    text("taken", face.frozen_at ? `taken ${face.frozen_at}` : "");
    text("live", face.live);
    $("live").style.setProperty("--live", face.live_state ? this.#theme.looks[face.live_state].colour : "inherit");
    this.#confidence(face.confidence);
    $("rendered").hidden = !face.marks.includes(this.#theme.rendered);
    list($("notes"), face.notes);
    this.#details(face.details);
    $("headline").dataset.frame = header.line.frame ?? "";
    this.#liveFor(header.expires ? lifeMs : null);
    this.#sayAloud([face.headline, face.reason].filter(Boolean).join(", "));
  }

  // Nothing current to say: word and hint of this page itself. No label, no picture.
  blank(word, hint, look = "NO SIGNAL") {
    this.#liveFor(null);
    this.#state(look, word, false);
    document.body.dataset.frame = "";
    text("headline", word);
    for (const id of ["code", "alternative", "taken", "live", "reason"]) text(id, "");
    text("do", hint);
    this.#confidence(null);
    delete $("headline").dataset.frame;
    this.#sayAloud(word);
  }

  ticking(words) {
    text("pulse", words);
  }

  #state(state, word, hasPicture) {
    const look = this.#theme.looks[state];
    document.body.dataset.state = state;
    document.body.dataset.word = word;
    document.body.style.setProperty("--state", look.colour);
    text("word", word);
    drawShape($("shape"), look);
    drawShape($("nothing"), look);
    $("frame").classList.toggle("empty", !hasPicture);
    const frozen = state === "FROZEN";
    text("freeze-word", frozen ? "Resume" : "Freeze");
    $("freeze").classList.toggle("held", frozen);
    document.title = `${word} · sonoderm`;
  }

  #confidence(value) {
    $("confidence").hidden = value === null;
    if (value === null) return;
    $("fill").style.setProperty("--part", String(Math.min(1, Math.max(0, value))));
    text("percent", `${Math.round(value * 100)}%`);
  }

  #details(rows) {
    const dl = $("details");
    if (dl.children.length !== rows.length * 2) {
      dl.replaceChildren(...rows.flatMap(() => [document.createElement("dt"), document.createElement("dd")]));
    }
    rows.forEach(([name, value], i) => {
      set(dl.children[2 * i], name);
      set(dl.children[2 * i + 1], value);
    });
    const model = rows.find(([name]) => name === "model");
    const engine = rows.find(([name]) => name === "engine");
    text("model-line", model?.[1]);
    text("engine-line", engine?.[1]);
  }

  // A dead man's switch below the script: the compositor fades the statement out at the end of its life, even while the
  // script hangs. Each new message winds it up again.
  #liveFor(ms) {
    this.#death?.cancel();
    this.#death = null;
    if (ms === null) return;
    const steps = [{ opacity: 1 }, { opacity: 1, offset: 0.999 }, { opacity: 0 }];
    this.#death = $("life").animate(steps, { duration: Math.max(1, ms), fill: "forwards" });
  }

  #sayAloud(words) {
    if (words === this.#aloudWords) return;
    this.#aloudWords = words;
    clearTimeout(this.#aloudTimer);
    this.#aloudTimer = setTimeout(() => text("aloud", words), ALOUD_MS);
  }
}

function text(id, words) {
  set($(id), words ?? "");
}

function set(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

function list(ul, words) {
  if (ul.dataset.words === words.join("\n")) return;
  ul.dataset.words = words.join("\n");
  ul.replaceChildren(
    ...words.map((word) => {
      const li = document.createElement("li");
      li.textContent = word;
      return li;
    }),
  );
}
