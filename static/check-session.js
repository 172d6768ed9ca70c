// Tells a client, as often as it asks, whether the session at this server is still the one it
// knows (OIDC Session Management 1.0 §3.2), without a request to the server.
"use strict";
(() => {
  const cookieName = document.body.dataset.cookie;

  const browserState = () => {
    for (const cookie of document.cookie.split("; ")) {
      const [name, ...value] = cookie.split("=");
      if (name === cookieName) {
        return value.join("=");
      }
    }
    return "";
  };

  const hex = (buffer) =>
    Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

  // What `session_state` computes at the server.
  const sessionState = async (clientId, origin, salt) => {
    const text = [clientId, origin, browserState(), salt].join(" ");
    return hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))) + "." + salt;
  };

  const status = async (message, origin) => {
    // "client_id session_state", and the latter is a hash, a dot and a salt.
    const parts = /^(.+) ([^ .]+)\.([^ .]+)$/.exec(typeof message === "string" ? message : "");
    if (!parts || origin === "null") {
      return "error";
    }
    const [, clientId, hash, salt] = parts;
    try {
      return (await sessionState(clientId, origin, salt)) === hash + "." + salt
        ? "unchanged"
        : "changed";
    } catch {
      return "error"; // no `crypto.subtle`: the page is neither HTTPS nor on this machine
    }
  };

  window.addEventListener("message", async (event) => {
    if (event.source && event.source !== window) {
      // A window without an origin, such as a sandboxed one, only ever hears "error".
      const receiver = event.origin === "null" ? "*" : event.origin;
      event.source.postMessage(await status(event.data, event.origin), receiver);
    }
  });
})();
