// Dashboards that come by themselves for what our parsers and others send. Each
// has a variable whose values are the places where such metrics are.

/** @param {number} x @param {number} y @param {number} w @param {string} title @param {string[]} targets @param {any} [more] */
const p = (x, y, w, title, targets, more = {}) => ({
  x,
  y,
  w,
  h: 4,
  title,
  targets,
  draw: "lines",
  log: false,
  right: [],
  bands: {},
  weeks: [],
  colors: {},
  ...more,
});

const stack = { draw: "stack" };

/** @param {string} name @param {string} title @param {string} probe @param {number} cut @param {any[]} panels */
const template = (name, title, probe, cut, panels) => ({
  name,
  title,
  probe,
  board: /** @type {import("./boards.js").Board} */ ({ version: 1, title, vars: [{ name: "job", query: probe, cut }], panels }),
});

export const templates = [
  template("postfix", "Postfix", "**.numDeferred", 1, [
    p(
      0,
      0,
      8,
      "Deliveries",
      ["alias($job.numSent,'sent')", "alias($job.numDeferred,'deferred')", "alias($job.numBounced,'bounced')"],
      stack,
    ),
    p(8, 0, 4, "Shares, %", ["alias($job.pctSent,'sent')", "alias($job.pctDeferred,'deferred')", "alias($job.pctBounced,'bounced')"]),
    p(0, 4, 6, "Delay, s", ["aliasByMetric($job.{avgDelay,delay})"], { bands: { 0: "minmax" } }),
    p(6, 4, 6, "Connections and refusals", ["aliasByMetric($job.{numConnect,numReject,numRbl})"]),
    p(0, 8, 12, "Sent, and a week before", ["alias($job.numSent,'sent')"], { weeks: [1] }),
  ]),
  template("access", "Web server", "**.http_2xx", 1, [
    p(0, 0, 8, "Answers", ["aliasByMetric($job.http_?xx)"], stack),
    p(8, 0, 4, "Errors", ["aliasByMetric($job.http_{4xx,5xx})"]),
    p(0, 4, 6, "Requests", ["alias($job.requests,'requests')"], { weeks: [1] }),
    p(6, 4, 6, "Bytes", ["alias($job.{bytes,size},'bytes')"], { draw: "area" }),
  ]),
  template("squid", "Squid", "**.squid_TCP_MISS", 1, [
    p(0, 0, 8, "Results", ["aliasByMetric($job.squid_*)"], stack),
    p(8, 0, 4, "Hits, %", ["aliasByMetric($job.pct{Hit,ByteHit})"]),
    p(0, 4, 6, "Answers", ["aliasByMetric($job.http_*)"], stack),
    p(6, 4, 6, "Time", ["aliasByMetric($job.elapsed)"], { bands: { 0: "minmax" } }),
  ]),
  template("log4j", "Java programs", "**.numExceptions", 1, [
    p(0, 0, 8, "Events", ["aliasByMetric($job.{TRACE,DEBUG,INFO,WARN,ERROR,FATAL})"], stack),
    p(8, 0, 4, "Exceptions", ["alias($job.numExceptions,'exceptions')"]),
    p(0, 4, 12, "Warnings and errors, and a week before", ["aliasByMetric($job.{WARN,ERROR,FATAL})"], { weeks: [1] }),
  ]),
  template("host", "Hosts", "**.load.load.shortterm", 3, [
    p(0, 0, 6, "Load", ["aliasByNode($job.load.load.*,-1)"]),
    p(6, 0, 6, "Memory", ["aliasByNode($job.memory.*,-1)"], stack),
    p(0, 4, 6, "CPU", ["aliasByNode(averageSeriesWithWildcards($job.cpu-*.*,-2),-1)"], stack),
    p(6, 4, 6, "Network", ["aliasByNode($job.interface-*.if_octets.*,-3,-1)"]),
  ]),
  template("self", "logmetrics itself", "logmetrics.serve.*.store.series", 3, [
    p(0, 0, 6, "Points taken", ["aliasByMetric($job.serve.*.ingest.*.points)"]),
    p(6, 0, 6, "Series", ["alias($job.serve.*.store.series,'series')"]),
  ]),
];
