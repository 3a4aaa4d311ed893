// Tells the terminal where its app is, gives it the keys, and says why the app has ended. Runs before textual.js, which
// begins on load.
document.addEventListener("DOMContentLoaded", () => {
  const terminal = document.getElementById("terminal");
  const page = terminal.dataset.page;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  terminal.dataset.sessionWebsocketUrl = `${scheme}//${location.host}/ws/${page}`;
  document.getElementById("again").addEventListener("click", () => location.reload());
  const focus = () => document.querySelector(".xterm-helper-textarea")?.focus();
  let begun = false;
  new MutationObserver(async (_, observer) => {
    const now = document.body.classList;
    if (now.contains("-first-byte") && !begun) {
      begun = true;
      focus();
      window.addEventListener("focus", focus);
    }
    if (!now.contains("-closed")) return;
    observer.disconnect();
    window.removeEventListener("focus", focus);
    document.getElementById("again").focus();
    const said = document.getElementById("said");
    try {
      said.textContent = (await (await fetch(`ended/${page}`)).text()) || said.textContent;
    } catch {
      said.textContent = "The server has ended: run storytime-tui serve, and open the address that it prints.";
    }
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
});
