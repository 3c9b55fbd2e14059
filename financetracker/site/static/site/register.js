// Marks legs cleared without leaving the place: the form is sent as it is, and the answer's figures and entries put in.
// Without this script the same buttons load the page anew.

// What changes with a leg: the figures on top, and the entries. The search between them stays as it stands.
const PARTS = ["figures", "entries"];
let waiting = Promise.resolve();

async function send(form, button) {
  const body = new FormData(form, button);
  const [leg] = button.value.split(":");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = PARTS.map((id) => page.getElementById(id));
    if (!answer.ok || fresh.includes(null)) throw new Error("no register");
    for (const part of fresh) document.getElementById(part.id).replaceWith(document.adoptNode(part));
    document.querySelector(`#leg-${CSS.escape(leg)} button.toggle`)?.focus();
    const said = page.querySelector(".messagelist");
    document.querySelector(".messagelist")?.remove();
    if (said) document.getElementById("content").before(document.adoptNode(said));
  } catch {
    // Offline, or the login is over: let the browser say so.
    button.dataset.plain = "yes";
    button.click();
  }
}

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target.id !== "states-form" || !button?.classList.contains("toggle") || button.dataset.plain) return;
  event.preventDefault();
  // One after the other: two at once would each show a page without the other's change.
  waiting = waiting.then(() => send(event.target, button));
});
