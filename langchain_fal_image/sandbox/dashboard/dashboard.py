"""The sandbox's page: its requests as they come, for whoever develops against it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_fal_image.results._html import render_page
from langchain_fal_image.sandbox.api.queue import Job, Queue

__all__ = ["page", "state"]

_SHOWN = 100
_LONGEST = 160
_ASKED = ("prompt", "text", "preview_text", "gen_text", "script", "audio_url")

_STYLE = """
body { max-width: 60rem; }
article { display: grid; grid-template-columns: 9rem 1fr; gap: 1.1rem;
  padding: 1.1rem 0; border-top: 1px solid var(--line); }
article .pictures { display: grid; gap: .4rem; align-content: start; }
article img, article audio { width: 100%; }
article h2 { font-size: 1rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
article p { margin: .15rem 0; font-size: .85rem; overflow-wrap: anywhere; }
.soft { opacity: .7; }
.state { font-weight: 600; }
.times { font-weight: 400; }
.options { font: .78rem/1.5 ui-monospace, monospace; }
.empty { aspect-ratio: 4/3; border-radius: .5rem; background: var(--soft); }
.failed { color: var(--accent); }
@media (max-width: 30rem) { article { grid-template-columns: 5.5rem 1fr; gap: .8rem; } }
"""

_SCRIPT = """
const list = document.querySelector("main"), count = document.querySelector("#count");
const made = (tag, text, name) => {
  const element = document.createElement(tag);
  element.textContent = text; if (name) element.className = name;
  return element;
};
const seconds = (value) => value === null ? "" : value.toFixed(1) + " s";
function shown(job) {
  const article = document.createElement("article");
  article.id = job.request_id;
  const pictures = made("div", "", "pictures"), told = document.createElement("div");
  for (const url of job.images) {
    const image = document.createElement("img");
    image.src = url; image.alt = job.prompt;
    pictures.append(image);
  }
  for (const url of job.audio) {
    const player = document.createElement("audio");
    player.src = url; player.controls = true; player.preload = "none";
    pictures.append(player);
  }
  if (!pictures.childElementCount) pictures.append(made("div", "", "empty"));
  told.append(made("h2", job.prompt || "(no prompt)"));
  const state = made("p", job.state, job.failed ? "state failed" : "state");
  const times = ["waited " + seconds(job.waited), job.ran === null ? "" :
    "ran " + seconds(job.ran)].filter(Boolean).join(", ");
  state.append(made("span", " \\u00b7 " + times, "times soft"));
  told.append(state, made("p", job.endpoint_id, "soft"));
  if (job.error) told.append(made("p", job.error, "failed"));
  if (job.said) told.append(made("p", "\u201c" + job.said + "\u201d"));
  told.append(made("p", job.options, "options soft"));
  told.append(made("p", job.request_id, "options soft"));
  article.append(pictures, told);
  return article;
}
const known = new Map();
async function look() {
  try {
    const told = await (await fetch("state.json")).json();
    count.textContent = told.count === 1 ? "1 request" : told.count + " requests";
    const order = [];
    for (const job of told.jobs) {
      const text = JSON.stringify(job), before = known.get(job.request_id);
      const article = before && before.text === text ? before.article : shown(job);
      known.set(job.request_id, { text, article });
      order.push(article);
    }
    const same = list.children.length === order.length &&
      order.every((article, place) => list.children[place] === article);
    if (!same) list.replaceChildren(...order);
    document.body.dataset.state = "live";
  } catch { count.textContent = "the sandbox has stopped"; }
  setTimeout(look, 500);
}
look();
"""


def page() -> str:
    """Give the page; it asks for the state by itself."""
    return render_page(
        "The sandbox's requests",
        "<p id='count' class='soft' role='status'></p><main></main>",
        subtitle="An offline fal on this machine: nothing here came from fal, or cost "
        "anything. Newest first.",
        style=_STYLE,
        script=_SCRIPT,
    )


def state(queue: Queue) -> dict[str, Any]:
    """Give the newest requests as the page shows them.

    Args:
        queue: Whose.
    """
    jobs = list(queue.jobs.values())
    return {
        "count": len(jobs),
        "jobs": [_told(each, queue) for each in reversed(jobs[-_SHOWN:])],
    }


def _told(job: Job, queue: Queue) -> dict[str, Any]:
    given = job.payload if isinstance(job.payload, Mapping) else {}
    answer = job.answer if isinstance(job.answer, Mapping) else {}
    failed = job.is_done and job.answer_status >= 400  # noqa: PLR2004 - HTTP's
    word = job.status
    if job.status == "IN_QUEUE":
        word = f"IN_QUEUE, {queue.position(job)} before it"
    now = time.time()
    began = job.began_at or job.ended_at or now
    asked = next((name for name in _ASKED if given.get(name)), None)
    options = {name: value for name, value in given.items() if name != asked}
    images = answer.get("images") or [answer.get("image")]
    audio = [answer.get(name) for name in ("audio", "audio_file", "audio_url")]
    said = answer.get("text") if "chunks" in answer or "words" in answer else None
    return {
        "request_id": job.request_id,
        "endpoint_id": job.endpoint_id,
        "state": f"{word}, {job.answer_status}" if failed else word,
        "failed": failed,
        "prompt": _short(given[asked] if asked else ""),
        "options": _short(options),
        "images": _urls(images),
        "audio": _urls(audio),
        "said": _short(said or ""),
        "error": _error(answer.get("detail")) if failed else "",
        "waited": round(began - job.submitted_at, 1),
        "ran": round((job.ended_at or now) - job.began_at, 1) if job.began_at else None,
    }


def _urls(files: Iterable[Any]) -> list[str]:
    return [
        each["url"]
        for each in files
        if isinstance(each, Mapping) and str(each.get("url")).startswith("http")
    ]


def _error(detail: Any) -> str:
    if not isinstance(detail, list):
        return _short(detail)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in detail
    )


def _short(value: Any) -> str:
    """Write a value in a line; of bytes only how many there are."""
    if isinstance(value, str):
        if value[:5].lower() == "data:":
            return f"data URI of {len(value)} characters"
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_short(each)}" for name, each in value.items())
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    return str(value)
