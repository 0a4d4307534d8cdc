// Live messages: the server sends each one as ready HTML; this places it, shows local times, and ties
// a resolved message to the one it ends.
"use strict";

const list = document.getElementById("messages");
const empty = document.getElementById("empty");
const live = document.getElementById("live");

function showLocalTime(message) {
  const time = message.querySelector("time");
  const date = new Date(Number(time.dataset.epoch) * 1000);
  time.textContent = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  time.title = date.toLocaleString();
}

function tie(from, to, text) {
  const link = from.querySelector(".tie");
  link.href = "#" + to.id;
  link.textContent = text;
  link.hidden = false;
}

function tieToFiring(resolved) {
  const about = CSS.escape(resolved.dataset.about);
  const candidates = [...list.querySelectorAll(`.message[data-about="${about}"][data-state="firing"]`)]
    .filter((m) => Number(m.dataset.id) < Number(resolved.dataset.id) && !m.classList.contains("ended"));
  for (const firing of candidates) {
    firing.classList.add("ended");
    tie(firing, resolved, "resolved " + resolved.querySelector("time").textContent);
    tie(resolved, firing, "ends the alert of " + firing.querySelector("time").textContent);
  }
}

function adopt(message) {
  showLocalTime(message);
  if (message.dataset.state === "resolved") tieToFiring(message);
}

list.querySelectorAll(".message").forEach(adopt);
window.scrollTo(0, document.body.scrollHeight);

const events = new EventSource("/events?since=" + list.dataset.last);
events.onopen = () => { live.textContent = "live"; live.classList.add("on"); };
events.onerror = () => { live.textContent = "reconnecting"; live.classList.remove("on"); };
events.onmessage = (event) => {
  if (document.getElementById("m" + event.lastEventId)) return;
  const atEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 80;
  empty.hidden = true;
  list.insertAdjacentHTML("beforeend", event.data);
  const message = list.lastElementChild;
  message.classList.add("new");
  adopt(message);
  if (atEnd) message.scrollIntoView({ behavior: "smooth", block: "end" });
};
