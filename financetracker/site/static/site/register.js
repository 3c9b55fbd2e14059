// Marks legs cleared without leaving the place: the form is sent as it is, and the answer's register put in.
// Without this script the same buttons load the page anew.

const place = () => document.getElementById("register");
let waiting = Promise.resolve();

async function send(form, button) {
  const body = new FormData(form, button);
  const [leg] = button.value.split(":");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("register");
    if (!answer.ok || !fresh) throw new Error("no register");
    const open = document.querySelector("details.filters")?.open;
    place().replaceWith(document.adoptNode(fresh));
    const filters = document.querySelector("details.filters");
    if (filters && open) filters.open = true;
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
