// The device's monotonic clock, seen from this page.
//
// Each answer to a clock question gives an offset that is off by no more than half its round trip. The best answer of the
// last half minute counts, taken on the safe side: the device is assumed to be later, and so every picture older, by that half.

const KEPT_MS = 30_000;

export class DeviceClock {
  #samples = [];
  #floor = -Infinity; // a message made at t on the device proves that it is at least t there when it arrives

  answered(askedAt, heardAt, deviceMs) {
    const half = Math.max(0, heardAt - askedAt) / 2;
    this.#samples = this.#samples.filter((s) => heardAt - s.at < KEPT_MS && Math.abs(s.offset - (deviceMs - heardAt)) < 1000 + half);
    this.#samples.push({ at: heardAt, offset: deviceMs - (askedAt + half), half });
  }

  heard(heardAt, deviceMs) {
    this.#floor = Math.max(this.#floor, deviceMs - heardAt);
  }

  reset() {
    this.#samples = [];
    this.#floor = -Infinity;
  }

  // Device time in ms, or null before the device was heard.
  now() {
    if (this.#floor === -Infinity) return null;
    let offset = this.#floor;
    if (this.#samples.length > 0) {
      const best = this.#samples.reduce((a, b) => (b.half < a.half ? b : a));
      offset = Math.max(offset, best.offset + best.half);
    }
    return performance.now() + offset;
  }
}
