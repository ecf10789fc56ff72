// What to do on a server that nobody has sent anything yet.
import { html } from "./dom.js";

export const FirstMetric = () => html`<p>No metrics yet. Send one:</p><pre>echo "my.first.metric 42 $(date +%s)" |
  nc -q0 127.0.0.1 2003</pre><p>or a mail log's:</p><pre>logmetrics --output=gatherer \\
  PostfixParser /var/log/mail.log</pre>`;
