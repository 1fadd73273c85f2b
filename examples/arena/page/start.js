// Loads the game, or says what is missing.

const show = (cause) => {
  document.querySelector("#loading").hidden = true;
  document.querySelector("#failure-cause").textContent = cause;
  document.querySelector("#failure").hidden = false;
};

const missing = () => {
  if (location.protocol === "file:") return "Serve this folder over HTTP: `cargo ci play` does, or `python3 -m http.server`.";
  if (typeof WebAssembly !== "object") return "This browser has no WebAssembly, or its settings forbid it.";
  if (typeof RTCPeerConnection !== "function") return "This browser has no WebRTC, or its settings forbid it.";
  if (!document.createElement("canvas").getContext("webgl2")) return "This browser has no WebGL 2: switch hardware acceleration on.";
};

// A bug must not look like silence.
addEventListener("error", (event) => show(`It has crashed: ${event.message}. Load the page again.`));
addEventListener("unhandledrejection", (event) => show(`It cannot start: ${event.reason}`));

const cause = missing();
if (cause) {
  show(cause);
} else {
  const { default: init } = await import("./arena.js");
  await init();
  document.querySelector("#loading").hidden = true;
}
