// Measures a client for Node.js in the same way as clients.py measures the others:
//     node clients.mjs <client> <url> <generations> <at once>
// Prints the arguments of figures() in clients.py as JSON.

const [name, url, generations, atOnce] = process.argv.slice(2);
const MODEL = "fal-ai/qwen-image";

async function falClient() {
  const { createFalClient } = await import("@fal-ai/client");
  const fetchFromQueue = (target, init) =>
    fetch(String(target).replace("https://queue.fal.run", url), init);
  const fal = createFalClient({ credentials: "x", fetch: fetchFromQueue });
  return async () => {
    const input = { prompt: "a hill", seed: 7 };
    const { requestId } = await fal.subscribe(MODEL, { input });
    return requestId;
  };
}

async function aiSdk() {
  const { createFal } = await import("@ai-sdk/fal");
  const { generateImage } = await import("ai");
  const fal = createFal({ apiKey: "x", baseURL: `${url}/run` });
  return async () => {
    const { responses } = await generateImage({
      model: fal.image(MODEL),
      prompt: "a hill",
      seed: 7,
    });
    return responses[0].headers["x-fal-request-id"];
  };
}

const generate = await { "@fal-ai/client": falClient, "@ai-sdk/fal": aiSdk }[name]();
const now = () => (performance.timeOrigin + performance.now()) / 1000;
const queueTimes = async () => (await fetch(`${url}/times`)).json();

await Promise.all(Array.from({ length: Math.min(atOnce, 8) }, generate));
const before = (await queueTimes()).requests;
const spans = [];
let left = Number(generations);
async function work() {
  while (left-- > 0) {
    const began = now();
    const id = await generate();
    spans.push([id, began, now()]);
  }
}
const used = process.cpuUsage();
const began = performance.now();
await Promise.all(Array.from({ length: Number(atOnce) }, work));
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(used);
const { times, requests } = await queueTimes();
const figures = {
  times,
  spans,
  seconds,
  cpu: (user + system) / 1e6,
  memory: process.resourceUsage().maxRSS,
  requests: requests - before,
  at_once: Number(atOnce),
};
// Exit explicitly: connections that are kept open would keep the process running.
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
