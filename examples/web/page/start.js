// Loads the program; all else is Rust. What keeps it from starting is said in the page.

function fail(cause) {
  document.body.dataset.state = "failed";
  document.getElementById("state").textContent = "failed";
  document.getElementById("failure-title").textContent = "The chat cannot start";
  document.getElementById("failure-cause").textContent = cause;
  document.getElementById("failure").hidden = false;
}

// Whoever hears the form is not there yet, or not any more: a submit must not load another page.
document.getElementById("say").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("again").addEventListener("click", () => location.reload());

if (typeof WebAssembly !== "object") {
  fail("This browser has no WebAssembly, or it is switched off.");
} else {
  try {
    const { default: init } = await import("./web_chat.js");
    await init();
  } catch (error) {
    // A panic has said more already.
    if (document.getElementById("failure").hidden) fail(`The program could not be loaded: ${error}`);
  }
}
