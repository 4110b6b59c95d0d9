// The demo's panel: break it, and read the stopwatch. Times are the device's clock as this page knows it, from the last good
// picture to the moment when the words stood on this page.

const POLL_MS = 250;

export function mount(root, { clock }) {
  document.body.classList.add("with-extras");
  document.getElementById("more").open = false;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = "demo.css";
  document.head.append(link);
  root.className = "demo";
  root.innerHTML = `
    <section class="demo-faults" aria-labelledby="demo-title">
      <h2 id="demo-title">Break it</h2>
      <p class="demo-lead">Each fault happens in the capture process itself. The stopwatch runs from the last good picture to the words on this page.</p>
      <div class="demo-buttons" id="demo-buttons"></div>
      <div class="demo-watch" id="demo-watch" role="status" aria-live="polite"><span class="demo-time" id="demo-time">0 ms</span><span class="demo-said" id="demo-said">nothing is broken</span>
        <button type="button" id="demo-repair" hidden>Repair</button></div>
      <ol class="demo-list" id="demo-list"></ol>
    </section>
    <section class="demo-plays" aria-labelledby="demo-plays-title">
      <h2 id="demo-plays-title">Show it something else</h2>
      <div class="demo-buttons" id="demo-play-buttons"></div>
      <div class="demo-own">
        <label class="demo-drop" id="demo-drop"><input type="file" id="demo-file" accept="image/*,.dcm"><span>Drop a picture here, or choose one</span>
        <small>it stays in this machine's memory</small></label>
        <label class="demo-model">read by <select id="demo-model"></select></label>
      </div>
      <p class="demo-trouble" id="demo-trouble" role="alert"></p>
    </section>`;

  const $ = (id) => document.getElementById(id);
  let status = null;
  let running = null; // the fault on the stopwatch: {kind, limit, ordered, stopped}
  let labelBefore = "";

  async function ask(path, options) {
    const answer = await fetch(path, options);
    const body = await answer.json();
    if (!answer.ok) {
      $("demo-trouble").textContent = body.trouble;
      return null;
    }
    return body;
  }

  async function refresh() {
    const fresh = await ask("demo/status").catch(() => null);
    if (!fresh) return;
    if (!status) build(fresh);
    status = fresh;
    $("demo-trouble").textContent = fresh.trouble ?? "";
    for (const button of root.querySelectorAll("[data-play]")) {
      button.setAttribute("aria-pressed", String(button.dataset.play === fresh.play));
    }
    for (const button of root.querySelectorAll("[data-fault=wrong-organ]")) button.disabled = !fresh.has_other;
    if (running?.stopped && !fresh.trial) {
      const done = fresh.trials.at(-1);
      running = null;
      $("demo-repair").hidden = true;
      if (done?.back_s != null) $("demo-said").textContent = `${done.said}; the label was back ${done.back_s.toFixed(1)} s after the repair`;
    }
    list(fresh.trials);
  }

  function build(fresh) {
    models(fresh.models);
    $("demo-buttons").replaceChildren(
      ...fresh.faults.map((fault) => {
        const button = make("button", fault.button);
        button.type = "button";
        button.dataset.fault = fault.kind;
        button.title = `${fault.what}; expected: ${fault.expected} within ${fault.limit_ms} ms`;
        button.addEventListener("click", () => order(fault));
        return button;
      }),
    );
    $("demo-play-buttons").replaceChildren(
      ...fresh.plays.map((play) => {
        const button = make("button", play.title);
        button.type = "button";
        button.dataset.play = play.id;
        button.title = play.lacks ?? `model ${play.model}`;
        button.disabled = play.lacks !== null;
        button.addEventListener("click", () => {
          running = null;
          send({ play: play.id });
        });
        return button;
      }),
    );
  }

  function models(names) {
    $("demo-model").replaceChildren(
      ...names.map((name) => {
        const option = make("option", name.split("/").at(-1));
        option.value = name;
        return option;
      }),
    );
  }

  async function order(fault) {
    labelBefore = document.getElementById("headline").textContent;
    running = { kind: fault.kind, limit: fault.limit_ms, ordered: clock.now() ?? 0, stopped: null };
    $("demo-said").textContent = `${fault.what} …`;
    $("demo-watch").dataset.verdict = "running";
    await send({ fault: fault.kind });
  }

  async function send(what) {
    $("demo-trouble").textContent = "";
    await ask("demo/do", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(what) });
    await refresh();
  }

  $("demo-repair").addEventListener("click", () => {
    $("demo-repair").hidden = true;
    $("demo-said").textContent += " · repaired, waiting for the label";
    send({ fault: "none" });
  });

  async function upload(file) {
    if (!file) return;
    $("demo-trouble").textContent = "";
    await ask(`demo/picture?model=${encodeURIComponent($("demo-model").value)}`, { method: "POST", body: file });
    await refresh();
  }
  $("demo-file").addEventListener("change", (event) => upload(event.target.files[0]));
  const drop = $("demo-drop");
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    upload(event.dataTransfer.files[0]);
  });

  function answered(word, header) {
    if (running.kind === "slow-sink") return header?.face.notes.some((note) => note.includes("slow")) ?? false;
    if (running.kind === "wrong-organ") return word !== "READY" || document.getElementById("headline").textContent !== labelBefore;
    return word === "NO SIGNAL" || word === "CONNECTION LOST";
  }

  // Called by the page after each change of what it shows, with its own idea of the device's time.
  async function shown(word, header, now) {
    if (!running || running.stopped !== null || now === null || !answered(word, header)) return;
    const watch = running;
    watch.stopped = now;
    const fresh = await ask("demo/status").catch(() => null);
    const from = watch.kind === "slow-sink" || !fresh?.good_ms ? watch.ordered : fresh.good_ms;
    const took = watch.stopped - from;
    const slow = watch.kind === "slow-sink" ? header?.face.notes.find((note) => note.includes("slow")) : null;
    const why = slow ?? document.getElementById("reason").textContent;
    $("demo-time").textContent = `${took.toFixed(0)} ms`;
    $("demo-said").textContent = [word, why].filter(Boolean).join(" · ") + ` (limit ${watch.limit} ms)`;
    $("demo-watch").dataset.verdict = took <= watch.limit ? "good" : "late";
    watch.took = took;
    $("demo-repair").hidden = false;
  }

  function list(trials) {
    $("demo-list").replaceChildren(
      ...[...trials].reverse().map((trial) => {
        const li = make("li", "");
        li.dataset.verdict = trial.ok ? "good" : "late";
        li.append(
          make("b", trial.kind),
          make("span", trial.said || "not noticed"),
          make("span", trial.banner_ms === null ? "never" : `${trial.banner_ms.toFixed(0)} ms`),
          make("span", trial.back_s === null ? "label not back" : `back ${trial.back_s.toFixed(1)} s after repair`),
        );
        return li;
      }),
    );
  }

  setInterval(() => {
    if (running && running.stopped === null) $("demo-time").textContent = `${Math.max(0, (clock.now() ?? 0) - running.ordered).toFixed(0)} ms`;
  }, 33);
  setInterval(refresh, POLL_MS);
  refresh();
  return shown;
}

function make(tag, words) {
  const node = document.createElement(tag);
  node.textContent = words;
  return node;
}
