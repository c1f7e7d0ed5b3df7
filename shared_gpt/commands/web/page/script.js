// The page of `chat --web`: asks, shows the answer as it streams, and opens any token of it.
"use strict";

const $ = (id) => document.getElementById(id);
const talks = []; // each: {element, prompt: number of the prompt's tokens, tokens: [{id, token, text, span}]}
let opened = null; // {talk, place, reply, block, head}
let writing = null; // the AbortController of the answer that is being written
let answers = true; // whether the model answers, or only goes on with a text

// Small helpers

function element(name, content = "", className = "") {
  const made = document.createElement(name);
  made.textContent = content;
  if (className) made.className = className;
  return made;
}

function percent(p) {
  return p >= 0.1 ? `${(100 * p).toFixed(0)} %` : p >= 0.0005 ? `${(100 * p).toFixed(1)} %` : p > 0 ? "< 0.1 %" : "0 %";
}

function temperature() {
  return Number($("temperature").value);
}

function ask(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function* lines(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += decoder.decode(value, { stream: !done });
    const parts = rest.split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
    if (done) return;
  }
}

// Writing

async function write(body) {
  if (writing) writing.abort();
  const controller = (writing = new AbortController());
  const talk = newTalk();
  let end = "broken";
  setSending(true);
  try {
    const response = await ask("write", { ...body, temperature: temperature() }, controller.signal);
    for await (const message of lines(response)) {
      if (message.error) end = message.error;
      else if (message.end) end = message.end;
      else if (message.tokens) message.tokens.forEach((token, place) => addToken(talk, token, place < message.prompt));
      else addToken(talk, message, false);
    }
  } catch (error) {
    end = controller.signal.aborted ? "stopped" : "broken";
  }
  finish(talk, end);
  if (writing === controller) {
    writing = null;
    setSending(false);
  }
}

function newTalk() {
  const talk = { element: element("article", "", "exchange"), tokens: [] };
  talk.prompt = element("p", "", "text prompt");
  talk.answer = element("p", "", "text answer writing");
  talk.ended = element("p", "", "ended");
  talk.element.append(element("p", answers ? "as the model reads it" : "the beginning", "kind"), talk.prompt);
  talk.element.append(element("p", answers ? "its answer" : "how it goes on", "kind"), talk.answer, talk.ended);
  talks.push(talk);
  $("hint").hidden = true;
  $("talk").append(talk.element);
  talk.element.scrollIntoView({ block: "end" });
  return talk;
}

function addToken(talk, token, inPrompt) {
  const span = element("span", token.text || (inPrompt ? "" : token.token), "token");
  if (!token.text) span.classList.add("sign"); // a part of a character, or the end of the text
  const place = talk.tokens.length;
  span.setAttribute("role", "button");
  span.setAttribute("aria-label", token.token);
  span.tabIndex = place === 0 ? 0 : -1; // one stop for the Tab key in each talk; the arrows do the rest
  span.addEventListener("click", () => open(talk, place));
  span.addEventListener("keydown", (event) => tokenKey(event, talk, place));
  talk.tokens.push({ ...token, span });
  (inPrompt ? talk.prompt : talk.answer).append(span);
  if (!inPrompt && !opened) span.scrollIntoView({ block: "nearest" });
}

function finish(talk, end) {
  const said = {
    finished: "",
    length: "Cut: the answer reached the length that was asked for.",
    context: "Cut: no more fits into what the model can see.",
    stopped: "Stopped.",
    broken: "The connection broke off; is the program still running?",
  };
  talk.answer.classList.remove("writing");
  talk.ended.textContent = end in said ? said[end] : end;
  talk.ended.classList.toggle("failed", !(end in said) || end === "broken");
  const answer = talk.answer.textContent;
  $("status").textContent = `${answer} ${talk.ended.textContent}`;
}

function setSending(sending) {
  $("send").textContent = sending ? "Stop" : answers ? "Ask" : "Go on";
}

// Opening a token

function open(talk, place) {
  if (place === 0) {
    $("status").textContent = "Nothing stands before the first token, so nothing chose it.";
    return;
  }
  const kept = opened ? { block: opened.block, head: opened.head } : { block: 0, head: 0 };
  clearLooks();
  opened = { talk, place, ...kept };
  $("panel").hidden = false;
  document.querySelector(".columns").classList.add("open");
  talk.tokens[place].span.classList.add("open");
  refresh().then(() => talk.tokens[place]?.span.scrollIntoView({ block: "nearest" }));
}

async function refresh() {
  const { talk, place } = opened;
  const asked = opened;
  const token = talk.tokens[place];
  const ids = talk.tokens.slice(0, place).map((before) => before.id);
  const response = await ask("open", { ids, chosen: token.id, temperature: temperature() });
  const reply = await response.json();
  if (opened !== asked) return; // another one was opened meanwhile
  if (reply.error) {
    $("chance").textContent = reply.error;
    return;
  }
  opened.reply = reply;
  $("panel-title").replaceChildren("Token ", element("code", token.token));
  const drawn = temperature() === 0 ? "as at temperature 1; at 0 the first is always taken" : `at temperature ${temperature()}`;
  const place_ = reply.rank ? `number ${reply.rank} of all` : "never drawn";
  $("chance").textContent = `Probability ${percent(reply.probability)}, ${place_} (${drawn}).`;
  $("candidates").replaceChildren(...reply.candidates.map((candidate) => candidateRow(candidate, token)));
  showHeads();
}

function candidateRow(candidate, token) {
  const button = element("button");
  button.type = "button";
  button.style.setProperty("--share", `${100 * candidate.probability}%`);
  button.append(element("code", candidate.token), element("span", percent(candidate.probability)));
  button.classList.toggle("chosen", candidate.id === token.id);
  const { talk, place } = opened;
  button.addEventListener("click", () => {
    const ids = [...talk.tokens.slice(0, place).map((before) => before.id), candidate.id];
    const prompt = Math.min(talk.prompt.childElementCount, place);
    close(false);
    $("request").focus();
    write({ ids, prompt });
  });
  const row = element("li");
  row.append(button);
  return row;
}

function close(focusToken = true) {
  if (!opened) return;
  const { talk, place } = opened;
  clearLooks();
  opened = null;
  $("panel").hidden = true;
  document.querySelector(".columns").classList.remove("open");
  if (focusToken) talk.tokens[place].span.focus();
}

function clearLooks() {
  if (!opened) return;
  for (const { span } of opened.talk.tokens) {
    span.classList.remove("open");
    span.style.removeProperty("--looked");
    span.removeAttribute("title");
  }
}

// The heads

function showHeads() {
  const { attention } = opened.reply;
  const across = attention[0].length;
  opened.block = Math.min(opened.block, attention.length - 1);
  opened.head = Math.min(opened.head, across - 1);
  $("heads").style.gridTemplateColumns = `repeat(${across}, minmax(0, 1fr))`;
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--warm");
  $("heads").replaceChildren(
    ...attention.flatMap((heads, block) => heads.map((weights, head) => headButton(weights, block, head, colour))),
  );
  showHead();
}

function headButton(weights, block, head, colour) {
  const button = element("button");
  button.type = "button";
  button.setAttribute("aria-label", `Block ${block + 1}, head ${head + 1}`);
  button.addEventListener("click", () => chooseHead(block, head));
  button.addEventListener("keydown", (event) => headKey(event, block, head));
  const canvas = element("canvas");
  canvas.width = weights.length;
  canvas.height = 1;
  const pen = canvas.getContext("2d");
  const most = Math.max(...weights);
  pen.fillStyle = colour;
  weights.forEach((weight, place) => {
    pen.globalAlpha = most ? weight / most : 0;
    pen.fillRect(place, 0, 1, 1);
  });
  button.append(canvas);
  return button;
}

function chooseHead(block, head) {
  opened.block = block;
  opened.head = head;
  showHead();
}

function showHead() {
  const { talk, block, head, reply } = opened;
  const weights = reply.attention[block][head];
  const most = Math.max(...weights);
  weights.forEach((weight, place) => {
    const { span } = talk.tokens[place];
    span.style.setProperty("--looked", `${most ? 70 * (weight / most) : 0}%`);
    span.title = percent(weight);
  });
  [...$("heads").children].forEach((button, number) => {
    const chosen = number === block * reply.attention[0].length + head;
    button.setAttribute("aria-pressed", chosen);
    button.tabIndex = chosen ? 0 : -1;
  });
  const order = weights.map((_, place) => place).sort((a, b) => weights[b] - weights[a]).slice(0, 3);
  const parts = order.flatMap((place, number) => [
    number ? ", " : "",
    element("code", talk.tokens[place].token),
    ` ${percent(weights[place])}`,
  ]);
  $("looked").replaceChildren(`Block ${block + 1}, head ${head + 1} looked most at `, ...parts, ".");
}

// The keyboard

function tokenKey(event, talk, place) {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  if (event.key === "Enter" || event.key === " ") {
    open(talk, place);
  } else if (event.key in steps) {
    moveTo(talk, place, place + steps[event.key]);
  } else if (event.key === "Home") {
    moveTo(talk, place, 0);
  } else if (event.key === "End") {
    moveTo(talk, place, talk.tokens.length - 1);
  } else {
    return;
  }
  event.preventDefault();
}

function moveTo(talk, from, to) {
  const target = talk.tokens[to]?.span;
  if (!target) return;
  for (const { span } of talk.tokens) span.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
  if (opened?.talk === talk && to > 0) open(talk, to);
}

function headKey(event, block, head) {
  const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const { attention } = opened.reply;
  const down = Math.min(Math.max(block + moves[event.key][0], 0), attention.length - 1);
  const across = Math.min(Math.max(head + moves[event.key][1], 0), attention[0].length - 1);
  chooseHead(down, across);
  $("heads").children[down * attention[0].length + across].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close();
});

// The form and the slider

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (writing) {
    writing.abort();
    return;
  }
  const text = $("request").value;
  if (!text.trim()) return;
  close(false);
  $("request").value = "";
  fitHeight();
  write({ text: answers ? text.trim() : text });
});

$("request").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!writing) $("form").requestSubmit();
  }
});

function fitHeight() {
  const field = $("request");
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

function showTemperature() {
  const t = temperature();
  $("temperature-value").textContent = t;
  $("temperature-meaning").textContent =
    t === 0 ? "always the likeliest token" : t < 1 ? "likely tokens more often" : t === 1 ? "as likely as predicted" : "more daring";
}

let waiting;
$("temperature").addEventListener("input", () => {
  showTemperature();
  clearTimeout(waiting);
  waiting = setTimeout(() => opened && refresh(), 150);
});
$("request").addEventListener("input", fitHeight);
$("close").addEventListener("click", () => close());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => opened?.reply && showHeads());

async function begin() {
  const model = await (await fetch("model")).json();
  answers = model.answers;
  const { n_layers, n_heads, context_length } = model.sizes;
  document.title = `${model.name} · ${model.program}`;
  $("name").textContent = `${model.name} · ${model.program}`;
  $("sizes").textContent =
    `${model.parameters.toLocaleString("en")} parameters, ${n_layers} blocks of ${n_heads} heads, sees ${context_length} tokens`;
  $("temperature").value = model.temperature;
  $("request-label").textContent = answers ? "Ask or tell" : "Begin a text, and the model goes on with it";
  $("form-hint").textContent = answers
    ? "Each request stands by itself. What follows “ | ” is the text to work on. Enter sends, Shift+Enter begins a line."
    : "Enter sends, Shift+Enter begins a line.";
  setSending(false);
  showTemperature();
}

begin();
