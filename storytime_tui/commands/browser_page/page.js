// Tells the terminal where its app is, and says why the app has ended. It runs before textual.js, which begins on load.
document.addEventListener("DOMContentLoaded", () => {
  const terminal = document.getElementById("terminal");
  const page = terminal.dataset.page;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  terminal.dataset.sessionWebsocketUrl = `${scheme}//${location.host}/ws/${page}`;
  document.getElementById("again").addEventListener("click", () => location.reload());
  new MutationObserver(async (_, observer) => {
    if (!document.body.classList.contains("-closed")) return;
    observer.disconnect();
    document.getElementById("again").focus();
    const why = document.getElementById("why");
    try {
      why.textContent = await (await fetch(`ended/${page}`)).text();
    } catch {
      why.textContent = "The server has ended: start it with storytime-tui serve, and open the address that it prints.";
    }
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
});
