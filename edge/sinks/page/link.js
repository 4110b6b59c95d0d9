// The socket to the device: whole messages in, words out. It comes back by itself, and says when it is gone.

const PING_MS = 1000;
const RETRY_MS = [250, 500, 1000, 2000];
const WHY = {
  4408: ["VIEW IS FULL", "too many pages look at this device; close one"],
  4401: ["NOT ALLOWED", "open the address that the device printed, with its token"],
};

// The token stands in the fragment, which no browser sends; it leaves the address bar at once.
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("t");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem("token");
}

export class Link {
  // onMessage(header, jpegOrNull), onLost(word, hint)
  constructor(clock, onMessage, onLost) {
    this.clock = clock;
    this.onMessage = onMessage;
    this.onLost = onLost;
    this.lastHeard = -Infinity; // performance.now() and wall time of the last message: whichever went further counts
    this.lastWall = -Infinity;
    this.skipped = 0;
    this.roundTrip = null;
    this.#token = takeToken();
    this.#open();
    setInterval(() => this.#say({ ping: performance.now() }), PING_MS);
  }

  #token;
  #socket = null;
  #tries = 0;

  silentFor() {
    return Math.max(performance.now() - this.lastHeard, Date.now() - this.lastWall);
  }

  isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  command(word) {
    return this.#say({ cmd: word });
  }

  drawn(n) {
    this.#say({ ack: n });
  }

  #say(words) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(words));
    return true;
  }

  #open() {
    const socket = new WebSocket(`ws://${location.host}/live`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (this.#token) this.#say({ token: this.#token });
      this.#say({ ping: performance.now() });
    };
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = (event) => {
      this.#socket = null;
      this.clock.reset();
      this.onLost(...(WHY[event.code] ?? ["CONNECTION LOST", "the device does not answer; this page keeps trying"]));
      setTimeout(() => this.#open(), RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)]);
    };
    this.#socket = socket;
  }

  #heard(data) {
    const at = performance.now();
    if (typeof data === "string") {
      const answer = JSON.parse(data);
      this.clock.answered(answer.pong, at, answer.now_ms);
      this.skipped = answer.skipped;
      this.roundTrip = at - answer.pong;
      return;
    }
    this.#tries = 0;
    this.lastHeard = at;
    this.lastWall = Date.now();
    const length = new DataView(data).getUint32(0);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    this.clock.heard(at, header.now_ms);
    const jpeg = data.byteLength > 4 + length ? new Uint8Array(data, 4 + length) : null;
    this.onMessage(header, jpeg);
  }
}
