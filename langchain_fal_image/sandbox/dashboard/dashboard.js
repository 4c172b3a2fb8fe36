// Shows the sandbox's requests. Texts are set as text content, never as HTML.
const list = document.querySelector("main");
const count = document.querySelector("#count");
const shown = new Map();

function createElement(tag, text, className) {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className ?? "";
  return element;
}

function createMedia(request) {
  const media = createElement("div", "", "media");
  for (const url of request.images) {
    const image = document.createElement("img");
    image.src = url;
    image.alt = request.input;
    media.append(image);
  }
  for (const url of request.audio) {
    const player = document.createElement("audio");
    player.src = url;
    player.controls = true;
    player.preload = "none";
    media.append(player);
  }
  if (!media.childElementCount) media.append(createElement("div", "", "empty"));
  return media;
}

function createArticle(request) {
  const times = [["waited", request.wait_seconds], ["ran", request.run_seconds]]
    .filter(([, seconds]) => seconds !== null)
    .map(([verb, seconds]) => `${verb} ${seconds.toFixed(1)} s`)
    .join(", ");
  const status = createElement("p", request.status, "status");
  if (request.is_failed) status.classList.add("failed");
  status.append(createElement("span", ` \u00b7 ${times}`, "times soft"));
  const text = document.createElement("div");
  text.append(
    createElement("h2", request.input || "(no prompt)"),
    status,
    createElement("p", request.endpoint_id, "soft"),
  );
  if (request.error) text.append(createElement("p", request.error, "failed"));
  if (request.transcript) {
    text.append(createElement("p", `\u201c${request.transcript}\u201d`));
  }
  text.append(
    createElement("p", request.options, "options soft"),
    createElement("p", request.request_id, "options soft"),
  );
  const article = document.createElement("article");
  article.id = request.request_id;
  article.append(createMedia(request), text);
  return article;
}

function showRequests(requests) {
  const articles = requests.map((request) => {
    const json = JSON.stringify(request);
    const before = shown.get(request.request_id);
    const article = before?.json === json ? before.article : createArticle(request);
    shown.set(request.request_id, { json, article });
    return article;
  });
  // A player goes on only if its element stays in the page.
  const isSame = list.children.length === articles.length &&
    articles.every((article, index) => list.children[index] === article);
  if (!isSame) list.replaceChildren(...articles);
}

async function refresh() {
  try {
    const state = await (await fetch("state.json")).json();
    count.textContent = state.count === 1 ? "1 request" : `${state.count} requests`;
    showRequests(state.requests);
  } catch {
    count.textContent = "The sandbox is not running.";
  }
  setTimeout(refresh, 500);
}
refresh();
