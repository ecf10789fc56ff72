// Dashboards that come by themselves for what our parsers and others send. Each
// has a variable whose values are the places where such metrics are; $gauges and
// $timers are the places of these, which by way of statsd are others, and $unit
// what makes seconds of timers.

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

/** share is how many of a hundred deliveries end so. @param {string} how */
const share = (how) => `alias(asPercent($job.num${how},sumSeries($job.num{Sent,Deferred,Bounced})),'${how.toLowerCase()}')`;

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
    p(8, 0, 4, "Shares, %", [share("Sent"), share("Deferred"), share("Bounced")]),
    p(0, 4, 6, "Delay, s", ["alias($gauges.avgDelay,'mean')", "aliasByNode(scale($timers.delay.{p95,upper_90},$unit),-1)"]),
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
    p(8, 0, 4, "Hits, %", ["alias(asPercent($job.hits,$job.requests),'requests')", "alias(asPercent($job.hitBytes,$job.bytes),'bytes')"]),
    p(0, 4, 6, "Answers", ["aliasByMetric($job.http_*)"], stack),
    p(6, 4, 6, "Time, s", ["aliasByNode(scale($timers.elapsed.{mean,p95,upper_90},$unit),-1)"]),
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
  template("self", "logmetrics itself", "**.serve.store.series", 3, [
    p(0, 0, 8, "Points taken", ["aliasByNode($job.serve.ingest.*.points,-2)"], stack),
    p(8, 0, 4, "Refused", [
      "alias(sumSeries($job.serve.ingest.*.*.refusedPoints),'points')",
      "alias(sumSeries($job.serve.ingest.*.*.refusedRequests),'requests')",
    ]),
    p(0, 4, 4, "Series", ["alias($job.serve.store.series,'series')"]),
    p(4, 4, 4, "Bytes on disk", ["alias($job.serve.store.diskBytes,'bytes')"], { draw: "area" }),
    p(8, 4, 4, "Answers over HTTP", ["aliasByNode($job.serve.http.*.answers,-2)"], stack),
  ]),
];
