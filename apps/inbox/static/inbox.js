// Live messages. The server sends ready HTML of every message that is new or has changed (a firing one
// that was resolved); this puts it in its place and shows times as the reader's clock does.
"use strict";

const MOST_MESSAGES = 500;
const RETRY_MS = 10000;
const messages = document.getElementById("messages");
const live = document.getElementById("live");
const title = document.title;
let unseen = 0;

function localise(element) {
  const today = new Date().toDateString();
  for (const time of element.querySelectorAll("time")) {
    const date = new Date(time.dateTime);
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    const day = date.toDateString() === today ? {} : { month: "short", day: "numeric" };
    time.textContent = date.toLocaleString([], { ...day, ...clock });
    time.title = date.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
  }
}

function place(id, html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const message = holder.content.querySelector("article");
  localise(message);
  const known = document.getElementById("m" + id);
  if (known) {
    known.replaceWith(message);
    return;
  }
  message.classList.add("new");
  messages.append(message);
  while (messages.children.length > MOST_MESSAGES) messages.firstElementChild.remove();
  if (document.hidden) unseen += 1;
}

function showUnseen() {
  if (!document.hidden) unseen = 0;
  document.title = unseen ? `(${unseen}) ${title}` : title;
}

function show(isLive) {
  live.classList.toggle("on", isLive);
  live.textContent = isLive ? "live" : "reconnecting";
}

function listen(since) {
  let last = since;
  const events = new EventSource("/events?since=" + last);
  events.onopen = () => show(true);
  events.onmessage = (event) => {
    last = event.lastEventId;
    for (const { id, html } of JSON.parse(event.data)) place(id, html);
    showUnseen();
  };
  events.onerror = () => {
    show(false);
    // The browser tries again by itself, unless the server said no (too many pages are open).
    if (events.readyState === EventSource.CLOSED) setTimeout(() => listen(last), RETRY_MS);
  };
}

localise(messages);
document.addEventListener("visibilitychange", showUnseen);
listen(messages.dataset.last);
