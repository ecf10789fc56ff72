// The sheet of what is loaded later is there before any of it is shown.
await new Promise((done) => {
  const sheet = { rel: "stylesheet", href: "later.css", onload: done, onerror: done };
  document.head.append(Object.assign(document.createElement("link"), sheet));
});

export {};
