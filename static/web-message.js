// Hands an authorization response to the window that opened or embeds this one (response mode
// `web_message`). Browsers deliver it only if that window is of the client's origin.
"use strict";
(() => {
  const { targetOrigin, message } = document.getElementById("web-message").dataset;
  const receiver = window.opener || window.parent;
  if (receiver !== window) {
    receiver.postMessage(JSON.parse(message), targetOrigin);
  }
})();
