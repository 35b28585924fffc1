// Keys and live updates of the console. Every page works without it.
// A row is [data-row]; an element with data-key="a" is what the key "a" does there;
// an element with data-live and an id is drawn anew in place when something changed.
const page = document.getElementById("page");
const field = document.getElementById("find");
const help = document.getElementById("keys");

document.documentElement.classList.add("keyed"); // the letters stand on the buttons only where they work

const rows = () => [...page.querySelectorAll("[data-row]")].filter((row) => row.offsetParent);
const typing = (at) => at.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

function current(all) {
  const here = all.findIndex((row) => row.contains(document.activeElement));
  return here >= 0 ? here : all.findIndex((row) => row.querySelector('[aria-current="true"]'));
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = current(all);
  const next = all[Math.min(Math.max(at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step, 0), all.length - 1)];
  const link = next.querySelector("a[href]");
  if (link) {
    link.focus();
    next.scrollIntoView({ block: "nearest" });
  }
}

function select() {
  const row = rows()[current(rows())];
  const box = row && row.querySelector("input[type=checkbox]");
  if (box) box.click();
}

function act(key) {
  const row = rows()[current(rows())];
  const found = (row && row.querySelector(`[data-key="${key}"]`)) || page.querySelector(`[data-key="${key}"]`);
  if (!found || found.disabled) return false;
  if (found.matches("button, a, summary")) found.click();
  else found.focus();
  return true;
}

function listKeys() {
  const own = help.querySelector("[data-own]");
  own.replaceChildren();
  for (const one of page.querySelectorAll("[data-key]")) {
    const word = one.dataset.word || one.textContent.trim() || one.getAttribute("aria-label") || one.name;
    const key = document.createElement("dt");
    const said = document.createElement("dd");
    key.textContent = one.dataset.key;
    said.textContent = word;
    own.append(key, said);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && typing(event.target)) return event.target.blur();
  if (typing(event.target) || help.open) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "x") select();
  else if (event.key === "/") field.focus();
  else if (event.key === "?") {
    listKeys();
    help.showModal();
  } else if (!/^[a-z]$/.test(event.key) || !act(event.key)) return;
  event.preventDefault();
});

// --- what changes while one looks ---------------------------------------------------------
let seen = Number(document.body.dataset.change || 0);
let drawing = false;
let again = 0;

function count(counts) {
  for (const link of document.querySelectorAll(".rail nav a")) {
    const number = counts[link.getAttribute("href")] || 0;
    let mark = link.querySelector(".count");
    if (number && !mark) {
      mark = document.createElement("span");
      mark.className = "count";
      link.append(mark);
    }
    if (mark && number) mark.textContent = number;
    else if (mark) mark.remove();
  }
}

function busy(part) {
  const at = document.activeElement;
  const chosen = part.querySelector("input:checked");
  return (part.contains(at) && typing(at)) || chosen || (getSelection().toString() && part.contains(getSelection().anchorNode));
}

async function draw() {
  const parts = [...page.querySelectorAll("[data-live][id]")];
  if (drawing || !parts.length || document.hidden || Date.now() < again) return false;
  drawing = true;
  again = Date.now() + 5000;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok) return false;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts) {
      const anew = fresh.getElementById(part.id);
      if (!anew || busy(part) || anew.innerHTML === part.innerHTML) continue;
      const at = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      const top = part.scrollTop;
      part.replaceChildren(...anew.childNodes);
      part.scrollTop = top;
      if (at) [...part.querySelectorAll("a")].find((link) => link.getAttribute("href") === at)?.focus({ preventScroll: true });
    }
    return true;
  } finally {
    drawing = false;
  }
}

if (window.EventSource) {
  const source = new EventSource("/live");
  source.addEventListener("change", async (event) => {
    const counts = JSON.parse(event.data);
    count(counts);
    const change = counts.change;
    if (change > seen && (await draw())) seen = change;
  });
  addEventListener("pagehide", () => source.close());
}
