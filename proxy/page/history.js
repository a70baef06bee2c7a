/* SPDX-License-Identifier: MIT
 * What /stats said in the last five minutes, and what follows from the differences.
 */
const KEPT_MS = 300_000;   /* what the charts show */
const RATE_MS = 5_000;     /* what a rate is taken over */
const CHART_MS = 10_000;   /* what each point of a chart is taken over */
const MINUTE_MS = 60_000;  /* what "last minute" is, or since the page was opened */
const GAP_MS = 5_000;      /* no line is drawn over more: nobody asked meanwhile */
const SLACK_MS = 500;      /* answers are not quite a second apart */

class History {
  samples = [];

  /* Counters begin again with the process. True: it is another than before. */
  add(stats, at) {
    const last = this.samples.at(-1);
    const restarted = last && (stats.uptime_s < last.stats.uptime_s || stats.counters.commands < last.stats.counters.commands || at <= last.at);
    if (restarted) this.samples = [];
    else if (last) delete last.stats.pool.frames; /* nobody looks back at them */
    this.samples.push({at, stats});
    while (this.samples[0].at < at - KEPT_MS) this.samples.shift();
    return restarted;
  }

  /* The newest answer, and the oldest that is not older than so long; null: there is but one. */
  span(ms) {
    const last = this.samples.at(-1);
    const first = last && this.samples.find(sample => sample.at >= last.at - ms - SLACK_MS);
    return first && first !== last ? {first: first.stats, last: last.stats, seconds: (last.at - first.at) / 1000} : null;
  }

  /* How much what `of` takes from an answer has grown. */
  grown(of, ms = MINUTE_MS) {
    const span = this.span(ms);
    return span && (of(span.last) ?? 0) - (of(span.first) ?? 0);
  }

  perSecond(of, ms = RATE_MS) {
    const span = this.span(ms);
    return span && ((of(span.last) ?? 0) - (of(span.first) ?? 0)) / span.seconds;
  }

  /* How many times of a histogram there were, and which value in milliseconds each of the shares did not exceed, evenly spread inside a bucket:
   * Infinity above the last bound; null: there were none. */
  quantiles(name, shares, ms) {
    const span = this.span(ms);
    if (!span) return {count: 0, values: shares.map(() => null)};
    const bounds = span.last.histogram_bounds_ms;
    const buckets = span.last.histograms[name].buckets.map((n, i) => n - span.first.histograms[name].buckets[i]);
    const count = buckets.reduce((sum, n) => sum + n, 0);
    return {count, values: shares.map(share => count ? History.quantile(bounds, buckets, share * count) : null)};
  }

  static quantile(bounds, buckets, rank) {
    let below = 0;
    for (let i = 0; i < bounds.length; i++) {
      const low = i ? bounds[i - 1] : 0;
      if (buckets[i] && below + buckets[i] >= rank) return low + (bounds[i] - low) * (rank - below) / buckets[i];
      below += buckets[i];
    }
    return Infinity;
  }

  /* A time out of a histogram: nothing is known below its first bound and above its last. */
  static say(ms, bounds) {
    if (ms === null) return "–";
    if (ms === Infinity) return `> ${duration(bounds.at(-1))}`;
    return ms < bounds[0] ? `< ${duration(bounds[0])}` : duration(ms);
  }
}

/* Values over time, and their line in a drawing 300 wide, one unit a second. */
class Series {
  points = [];

  add(at, value) {
    this.points.push({at, value});
    while (this.points[0].at < at - KEPT_MS) this.points.shift();
  }

  clear() { this.points = []; }

  path(now, height) {
    let line = "", last = null;
    for (const {at, value} of this.points) {
      if (value === null) { last = null; continue; }
      const place = `${(300 - (now - at) / 1000).toFixed(1)} ${height(value).toFixed(1)}`;
      line += last !== null && at - last < GAP_MS ? `L${place}` : `M${place}l.01 0`;
      last = at;
    }
    return line;
  }

  get most() { return this.points.reduce((most, point) => Math.max(most, point.value ?? 0), 0); }
}
