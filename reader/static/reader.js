// One plain script for every page: keys, hover links, what opens at the side, search, projector. Without it the pages still read.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const isRoom = document.body.classList.contains("room");
const data = isRoom ? JSON.parse($("#data").textContent) : {};
const panel = $("#panel");
const pick = { batch: 0, head: 0, token: -1 };  // what the numbers show; token -1: all of them
let current = null;  // the line that keys start from
let open = "";  // which panel is open
let step = -1;  // the number that is shown
let planted = -1;  // the mistake that the projector shows

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Lines

// Every line in reading order: NumPy's, and PyTorch's where it stands alone.
const lines = isRoom ? $$(".pair").flatMap((pair) => {
  const own = $$(".np .l", pair);
  return own.length ? own : $$(".pt .l", pair);
}) : [];
const definitions = $$(".def[id]");
const definitionOf = (line) => line.closest(".def");
const nameOf = (line) => definitionOf(line).dataset.name;

function across(line) {
  // The line of the other pane that stands beside this one.
  const side = line.closest(".np, .pt"), own = $$(".l", side);
  const other = side.classList.contains("np") ? $(".pt", side.parentElement) : $(".np", side.parentElement);
  const beside = other ? $$(".l", other) : [];
  return beside[Math.min(own.indexOf(line), beside.length - 1)];
}

function answering(line) {
  // The lines that this one is tied to: the forward line that it answers, or the backward lines that answer it.
  if (line.dataset.answers) return [document.getElementById(line.dataset.answers)];
  return $$(`.l[data-answers="${line.id}"]`);
}

function light(line) {
  for (const lit of $$(".l.lit, .l.shown")) lit.classList.remove("lit", "shown");
  $("#threads")?.remove();
  if (!line) return;
  const tied = answering(line);
  for (const other of tied) other.classList.add("lit");
  if (tied.length) line.classList.add("lit");
  across(line)?.classList.add("shown");
  const threads = tied.map((other) => [line, other]);
  for (const { save, pop, uses } of data.saved) {
    const at = ["n" + save, "n" + pop].includes(line.id);
    const used = Object.values(uses).flat().map((number) => "n" + number);
    if (!at && !used.includes(line.id)) continue;
    const from = document.getElementById("n" + save);
    const ends = at ? [...new Set(used)] : [line.id];
    from.classList.add("lit");
    for (const end of ends) {
      const use = document.getElementById(end);
      if (!use) continue;
      use.classList.add("lit");
      threads.push([from, use]);
    }
  }
  draw(threads);
}

function draw(threads) {
  if (!threads.length) return;
  const panes = $("#panes"), box = panes.getBoundingClientRect();
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.id = "threads";
  svg.setAttribute("aria-hidden", "true");
  for (const [a, b] of threads) {
    const [from, to] = [a, b].map((line) => line.getBoundingClientRect());
    const x = from.left - box.left + 6, y1 = from.top - box.top + 10, y2 = to.top - box.top + 10;
    const bend = Math.min(14, 4 + Math.abs(y2 - y1) / 40);
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("d", `M${x} ${y1}C${x - bend} ${y1} ${x - bend} ${y2} ${x} ${y2}`);
    svg.append(path);
  }
  panes.append(svg);
}

function go(line, scroll = true, address = line?.id) {
  if (!line) return;
  current?.classList.remove("here");
  current?.removeAttribute("tabindex");
  current = line;
  line.classList.add("here");
  line.tabIndex = 0;
  line.focus({ preventScroll: true });
  if (scroll) line.scrollIntoView({ block: "nearest" });
  history.replaceState(null, "", "#" + address);
  light(line);
  if (open && open !== "mistakes") show(open);
}

function move(by) {
  const here = lines.indexOf(current);
  go(current && here >= 0 ? lines[here + by] : lines[0]);
}

function moveDefinition(by) {
  const here = current ? definitions.findIndex((one) => one.dataset.name === nameOf(current)) : -1;
  const target = definitions[Math.max(0, here + by)];
  if (target) {
    go($(".l", target), false);
    target.scrollIntoView();
  }
}

function cross() {
  // From a backward line to the forward line that it answers, and back; else from one method to the other.
  if (!current) return move(1);
  const tied = answering(current);
  if (tied.length) return go(tied[0]);
  const name = nameOf(current);
  const other = name.endsWith("backward") ? name.replace(/(\.backward|_backward)$/, (end) => end[0] === "." ? ".forward" : "")
    : name.endsWith(".forward") ? name.replace(/forward$/, "backward") : name + "_backward";
  const target = document.getElementById(other);
  if (target) go($(".l", target));
}

// What opens at the side

const titles = { derivation: "Derivation", numbers: "Numbers", mistakes: "Mistakes", keras: "TensorFlow" };

function show(name, chosen) {
  open = name;
  panel.hidden = false;
  document.body.classList.add("aside");
  $("h2", panel).textContent = titles[name];
  for (const button of $$("button[data-panel]")) button.setAttribute("aria-pressed", String(button.dataset.panel === name));
  const body = $(".body", panel);
  const content = { derivation: stored, keras: stored, numbers, mistakes }[name](name, chosen);
  body.replaceChildren(...[content].flat());
  for (const wide of $$(".formula", body)) if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;  // so that keys can scroll it
  body.scrollTop = 0;
  current?.scrollIntoView({ block: "nearest" });
  light(current);
}

function close() {
  open = "";
  panel.hidden = true;
  document.body.classList.remove("aside");
  for (const button of $$("button[data-panel]")) button.setAttribute("aria-pressed", "false");
  light(current);
}

function toggle(name) {
  if (open === name) close();
  else {
    if (!current) go(visible(), false);
    show(name);
  }
}

function visible() {
  // The first line below the heads of the panes.
  return lines.find((line) => line.getBoundingClientRect().top > 120) ?? lines[0];
}

function stored(name) {
  // A derivation belongs to a backward pass, and is shown for its forward pass and its class too.
  const here = current ? nameOf(current) : "";
  const base = here.replace(/(\.(forward|backward|__init__)|_backward)$/, "");
  const found = $$(`#store [data-panel="${name}"]`).find((one) => [here, base].some((key) => one.dataset.for.split(" ").includes(key)));
  if (found) return found.cloneNode(true);
  const all = $$(`#store [data-panel="${name}"]`);
  if (!all.length) return make("p", { class: "none" }, name === "keras" ? "Keras has nothing of this room that is written out." : "No gradient is derived in this room.");
  return [make("p", { class: "none" }, "Nothing belongs to this definition. In this room:"), make("ul", {}, ...all.map((one) => make("li", {}, make("a", { href: "#" + one.dataset.at }, one.dataset.title))))];
}

// Mistakes

function mistakes(_, chosen) {
  let list = chosen ?? ($(".mark", current ?? panel)?.dataset.mistakes ?? "").split(",").filter(Boolean).map(Number);
  const note = list.length ? null : make("p", { class: "none" }, data.mistakes.length ? `None on this line; ${data.mistakes.length} in this room:` : "No mistake is planted in this room.");
  if (!list.length) list = data.mistakes.map((_, i) => i);
  return [note, ...list.map((i) => card(data.mistakes[i], i))].filter(Boolean);
}

function card(mistake, i) {
  return make("article", { class: "mistake" },
    make("h3", {}, mistake.name),
    make("p", {}, make("i", {}, "Why it tempts: "), mistake.why + "."),
    diff(mistake),
    make("p", {}, make("i", {}, "What the report says: "), mistake.report || "nothing: what it compares cannot show it."),
    mistake.test ? make("p", {}, make("i", {}, "Which test catches it: "), mistake.at ? make("a", { href: mistake.at }, mistake.test) : mistake.test) : null,
    spread(mistake),
    make("p", {}, make("button", { type: "button", class: "act", onclick: () => go(document.getElementById("n" + mistake.number)) }, "Go to the line")));
}

function diff(mistake) {
  const box = make("div", { class: "diff" });
  for (const [kind, text] of mistake.diff) box.append(make(kind === "-" ? "del" : "ins", {}, text || " "));
  return box;
}

function spread(mistake) {
  if (!mistake.spread) return null;
  const strip = make("div", { class: "spread", role: "img", "aria-label": "Where the error goes: " + (data.stops.filter((_, i) => mistake.spread[i] !== "0").join(", ") || "nowhere in this pass") });
  data.stops.forEach((stop, i) => strip.append(make("span", { title: stop + (mistake.spread[i] === "0" ? ": right" : `: off by about 1e-${9 - Number(mistake.spread[i])}`), "data-level": mistake.spread[i] })));
  return make("figure", {}, strip, make("figcaption", {}, /[^0]/.test(mistake.spread) ? "One pass, from the embeddings through the loss and back: red where the values are wrong." : "An ordinary pass does not show this mistake: all its values are right."));
}

// Numbers

const arrays = new Map();

function values(one) {
  // The array of a step: 16 bits for each number, of the largest absolute value.
  if (!arrays.has(one)) {
    const bytes = Uint8Array.from(atob(one.bits), (c) => c.charCodeAt(0));
    arrays.set(one, Array.from(new Int16Array(bytes.buffer), (n) => n === -32768 ? -Infinity : n / 32767 * one.most));
  }
  return arrays.get(one);
}

function plane(one, head = pick.head) {
  // [rows, columns, numbers] of what is picked: axes beyond the last two are a sequence and a head.
  const all = values(one), shape = one.shape, columns = shape.at(-1) ?? 1, rows = shape.at(-2) ?? 1;
  const size = rows * columns;
  let from = 0;
  if (shape.length === 4) from = (pick.batch * shape[1] + Math.min(head, shape[1] - 1)) * size;
  if (shape.length === 3) from = pick.batch * size;
  return [rows, columns, all.slice(from, from + size)];
}

const shown = (x) => x === -Infinity ? "−∞" : x === 0 ? "0" : Math.abs(x) < 1e-3 || Math.abs(x) >= 1e4 ? x.toExponential(1).replace("-", "−") : String(Number(x.toPrecision(3))).replace("-", "−");

function heat(one, head, cell, row = -1) {
  // One square for each number; with a row chosen, the others are faint.
  const [rows, columns, numbers] = plane(one, head);
  const canvas = make("canvas", { width: columns, height: rows, role: "img", "aria-label": `${one.name}: ${rows} rows, ${columns} columns` });
  const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  const style = getComputedStyle(document.documentElement);
  const [plus, minus] = ["--plus", "--minus"].map((name) => style.getPropertyValue(name).trim().split(" ").map(Number));
  const most = Math.max(...numbers.map((x) => Number.isFinite(x) ? Math.abs(x) : 0)) || 1;
  numbers.forEach((x, i) => {
    const full = row < 0 || Math.floor(i / columns) === row ? 255 : 60;
    image.data.set(x === -Infinity ? [128, 128, 128, full / 4] : [...(x < 0 ? minus : plus), Math.round(full * Math.sqrt(Math.abs(x) / most))], 4 * i);
  });
  context.putImageData(image, 0, 0);
  canvas.style.width = `min(100%, ${columns * Math.min(cell, 600 / rows)}px)`;
  canvas.style.aspectRatio = `${columns} / ${rows}`;
  return canvas;
}

const tokens = () => data.tokens[pick.batch];

function rowNames(one) {
  // The tokens that the rows stand for: those of one text, or of all texts in a row.
  const rows = one.shape.at(-2);
  if (one.shape.length >= 3 && rows === tokens().length) return tokens();
  return one.shape.length === 2 && rows === data.tokens.flat().length ? data.tokens.flat() : [];
}

function columnName(one, column) {
  if (one.letters.endsWith("T S")) return tokens()[column];
  return one.letters.endsWith("V") ? data.words[column] : String(column);
}

function rowOf(one) {
  // The row of the chosen token; -1 if none is chosen, or rows are no tokens.
  const names = rowNames(one).length;
  return pick.token < 0 || !names ? -1 : names === tokens().length ? pick.token : pick.batch * tokens().length + pick.token;
}

function numbers() {
  if (!data.steps.length) return make("p", { class: "none" }, "The pass that is shown here does not go through this room.");
  const here = current ? data.steps.map((one, i) => one.line === current.id ? i : -1).filter((i) => i >= 0) : [];
  if (here.length && !here.includes(step)) step = here.at(-1);
  if (!here.length && current) {
    const name = nameOf(current), near = data.steps.findIndex((one) => one.of === name);
    return [make("p", { class: "none" }, "No array comes from this line."), buttons(Math.max(near, 0))];
  }
  step = Math.max(step, 0);
  const one = data.steps[step], row = rowOf(one), out = make("p", { class: "readout" }, " ");
  const scalar = one.shape.length === 0;
  const canvas = scalar ? make("p", { class: "scalar" }, shown(values(one)[0])) : heat(one, pick.head, 26, row);
  if (!scalar) canvas.addEventListener("pointermove", (event) => {
    const [rows, columns, all] = plane(one), box = canvas.getBoundingClientRect();
    const c = Math.min(columns - 1, Math.floor((event.clientX - box.left) / box.width * columns));
    const r = Math.min(rows - 1, Math.floor((event.clientY - box.top) / box.height * rows));
    out.textContent = `${one.name}[${rowNames(one)[r] ?? r}, ${columnName(one, c)}] = ${shown(all[r * columns + c])}`;
  });
  const names = rowNames(one).map((name, i) => make("button", { type: "button", "aria-pressed": String(i === row), title: "Only this token; again: all",
    onclick: () => repick(i === row ? { token: -1 } : { token: i % tokens().length, batch: rowNames(one) === tokens() ? pick.batch : Math.floor(i / tokens().length) }) }, name));
  return [
    buttons(step),
    make("h3", {}, one.name, make("small", {}, ` ${one.path || "model"}`)),
    make("dl", { class: "facts" },
      ...[["shape", scalar ? "one number" : `(${one.shape.join(", ")})${one.letters ? `  ${one.letters}` : ""}`], ["deviation", shown(one.deviation)], ["from, to", `${shown(one.least)}, ${shown(one.greatest)}`],
        [one.backward ? "autograd's differs by" : "PyTorch's differs by", one.difference === null ? "not compared on this line" : one.difference === 0 ? "0" : one.difference.toExponential(0).replace("-", "−")]]
        .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
    choices(one), make("figure", { class: "plot" }, make("div", { class: "rows" }, ...names), canvas), out, ofToken(one, row), heads(one),
    make("p", { class: "about" }, `A pass of the NumPy twin over two pieces of a text, with trained weights: ${data.about}. Blue is positive, orange negative, grey hidden.`),
  ].filter(Boolean);
}

function ofToken(one, row) {
  // The numbers of the chosen token; of a long row those that are farthest from zero.
  if (row < 0) return null;
  const [, columns, all] = plane(one), numbers = all.slice(row * columns, (row + 1) * columns);
  const most = Math.max(...numbers.filter(Number.isFinite).map(Math.abs)) || 1;
  let places = numbers.map((_, column) => column);
  if (columns > 12) places = places.sort((a, b) => Math.abs(numbers[b]) - Math.abs(numbers[a])).slice(0, 8);
  return make("figure", { class: "of-token" },
    make("figcaption", {}, make("b", {}, rowNames(one)[row]), columns > 12 ? `, the ${places.length} of ${columns} numbers that are farthest from 0` : ""),
    make("dl", {}, ...places.map((column) => make("div", { class: numbers[column] < 0 ? "minus" : "plus", style: `--share: ${Number.isFinite(numbers[column]) ? Math.abs(numbers[column]) / most : 0}` },
      make("dt", {}, columnName(one, column)), make("dd", {}, shown(numbers[column]))))));
}

function buttons(at) {
  return make("p", { class: "steps" }, make("button", { type: "button", class: "act", onclick: () => stepTo(at - 1) }, "←"), ` ${at + 1} of ${data.steps.length} `, make("button", { type: "button", class: "act", onclick: () => stepTo(at + 1) }, "→"), ` ${data.steps[at].backward ? "backward" : "forward"}`);
}

function stepTo(number) {
  step = Math.min(Math.max(number, 0), data.steps.length - 1);
  open = "";
  go(document.getElementById(data.steps[step].line));
  show("numbers");
}

function repick(choice) {
  // Show the same step with another text, token or head, and leave the focus where it was.
  const name = document.activeElement?.name;
  Object.assign(pick, choice);
  show("numbers");
  if (name) $(`select[name="${name}"]`, panel)?.focus();
}

const headNames = (one) => Array.from({ length: one.shape[1] }, (_, i) => one.letters.startsWith("B 3H") ? `${"qkv"[Math.floor(i * 3 / one.shape[1])]} ${i % (one.shape[1] / 3)}` : String(i));

function choices(one) {
  const select = (label, name, options) => make("label", {}, label + " ", make("select", { name, onchange: (event) => repick({ [name]: Number(event.target.value) }) },
    ...options.map(([value, text]) => make("option", { value, selected: pick[name] === value }, text))));
  const numbered = (texts) => texts.map((text, i) => [i, text]);
  const found = [];
  if (rowNames(one).length) found.push(select("text", "batch", numbered(data.tokens.map((row) => row.join(" ")))), select("token", "token", [[-1, "all"], ...numbered(tokens())]));
  if (one.shape.length === 4) found.push(select("head", "head", numbered(headNames(one))));
  return found.length ? make("p", { class: "choices" }, ...found) : null;
}

function heads(one) {
  // Small multiples: every head at once.
  if (one.shape.length !== 4) return null;
  return make("div", { class: "heads-row" }, ...headNames(one).map((name, i) => make("button", { type: "button", "aria-pressed": String(i === pick.head), onclick: () => repick({ head: i }) }, heat(one, i, 12, rowOf(one)), `head ${name}`)));
}

// Projector

function projector() {
  const on = document.body.classList.toggle("projector");
  $('[data-do="projector"]').setAttribute("aria-pressed", String(on));
  for (const pair of $$(".pair.told")) pair.classList.remove("told");
  plant(-1);
  if (on) {
    close();
    const backward = $$(".def.backward"), own = current && definitionOf(current);
    (backward.includes(own) ? own : backward.find((one) => one.getBoundingClientRect().bottom > 130))?.scrollIntoView();
  }
}

function reveal() {
  const hidden = $$(".def.backward .pair:not(.told)").filter((pair) => pair.closest(".def").getBoundingClientRect().bottom > 130);
  if (!hidden.length) return;
  hidden[0].classList.add("told");
  const line = $(".l", hidden[0]);
  go(line, false);
  line.scrollIntoView({ block: "nearest" });
}

function plant(number) {
  planted = number;
  $$(".wrong, .goes").forEach((one) => one.remove());
  $$(".l.struck").forEach((one) => one.classList.remove("struck"));
  const mistake = data.mistakes[number];
  if (!mistake) return;
  const line = document.getElementById("n" + mistake.number), struck = mistake.struck.map((n) => document.getElementById("n" + n));
  for (const one of [line, ...struck]) one.closest(".pair").classList.add("told");
  for (const one of struck) one.classList.add("struck");
  (struck.at(-1) ?? line).after(make("div", { class: "wrong" }, ...mistake.diff.filter(([kind]) => kind === "+").map(([, text]) => make("code", {}, text)), mistake.diff.some(([kind]) => kind === "+") ? "" : "(the line is left out)"));
  document.body.append(make("div", { class: "goes", role: "status" }, make("b", {}, mistake.name), make("span", {}, mistake.report || "The report cannot see it."), spread(mistake)));
  go(line, false);
  line.scrollIntoView({ block: "center" });
}

// Search

let index = null;

function search() {
  const dialog = $("#search"), input = $("input", dialog), list = $("ol", dialog);
  const find = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const ranked = !words.length ? [] : index.map(([name, address, text]) => {
      const low = name.toLowerCase(), body = text.toLowerCase();
      if (!words.every((word) => low.includes(word) || body.includes(word))) return null;
      const own = low.split(/[.\s]/).at(-1);
      return [words.reduce((sum, word) => sum + (own === word ? 9 : own.startsWith(word) ? 5 : low.includes(word) ? 3 : 1), 0), name, address, text];
    }).filter(Boolean).sort((a, b) => b[0] - a[0]).slice(0, 30);
    list.replaceChildren(...ranked.map(([, name, address, text]) => {
      const at = Math.max(0, text.toLowerCase().indexOf(words[0]) - 30);
      return make("li", {}, make("a", { href: document.body.dataset.root + address, onclick: () => dialog.close() }, make("b", {}, name), make("span", {}, (at ? "…" : "") + text.slice(at, at + 160))));
    }));
    if (words.length && !ranked.length) list.append(make("li", { class: "none" }, "Nothing has all of these words."));
  };
  input.oninput = find;
  const show = () => { dialog.showModal(); input.select(); find(); };
  if (index) return show();
  document.head.append(make("script", { src: document.body.dataset.root + "search.js", onload: () => { index = window.searchIndex; show(); } }));
}

$("#search")?.addEventListener("keydown", (event) => {
  const links = $$("a", $("#search")), at = links.indexOf(document.activeElement);
  if (event.key === "ArrowDown" && links.length) links[Math.min(at + 1, links.length - 1)].focus();
  else if (event.key === "ArrowUp") (links[at - 1] ?? $("#search input")).focus();
  else if (event.key === "Enter" && at < 0) links[0]?.click();
  else return;
  event.preventDefault();
});

// Keys and clicks

function copyAddress() {
  const address = location.href.split("#")[0] + "#" + (current?.id ?? "");
  navigator.clipboard?.writeText(address).catch(() => {});
  say("Address copied: " + address.split("/").at(-1));
}

function say(text) {
  $("#said")?.remove();
  const note = make("div", { id: "said", role: "status" }, text);
  document.body.append(note);
  setTimeout(() => note.remove(), 1800);
}

function nextMistake() {
  if (current && $(".mark", current) && open !== "mistakes") return show("mistakes");
  const marked = lines.filter((line) => $(".mark", line));
  if (!marked.length) return show("mistakes");
  const here = lines.indexOf(current);
  go(marked.find((line) => lines.indexOf(line) > here) ?? marked[0]);
  show("mistakes");
}

const always = { "/": search, "?": () => $("#help").showModal() };
const inRooms = {
  j: () => move(1), k: () => move(-1), n: () => moveDefinition(1), p: () => moveDefinition(-1), b: cross,
  d: () => toggle("derivation"), v: () => toggle("numbers"), t: () => toggle("keras"), m: nextMistake, c: copyAddress, o: projector,
  x: () => document.body.classList.contains("projector") && plant(planted < 0 ? Math.max(0, data.mistakes.findIndex((one) => one.number >= Number(current?.id.slice(1) ?? 0))) : (planted + 1) % data.mistakes.length),
  Escape: () => open ? close() : document.body.classList.contains("projector") && projector(),
  ArrowRight: () => open === "numbers" && stepTo(step + 1), ArrowLeft: () => open === "numbers" && stepTo(step - 1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog[open]")) return;
  if (event.key === " " && document.body.classList.contains("projector")) {
    event.preventDefault();
    return reveal();
  }
  const action = always[event.key] ?? (isRoom ? inRooms[event.key] : undefined);
  if (!action) return;
  if (["/", "?"].includes(event.key) || event.key.startsWith("Arrow") && open === "numbers") event.preventDefault();
  action();
});

const actions = { search, help: always["?"], close, projector };

document.addEventListener("click", (event) => {
  const button = event.target.closest("button"), line = event.target.closest(".l");
  for (const menu of $$(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  if (button?.dataset.do) return actions[button.dataset.do]();
  if (button?.dataset.panel) return toggle(button.dataset.panel);
  if (button?.dataset.open) {
    go($(".l", button.closest(".def")), false);
    return show(button.dataset.open, button.dataset.mistakes?.split(",").map(Number));
  }
  if (button?.dataset.mistakes) {
    go(button.closest(".l"), false);
    return show("mistakes");
  }
  if (line && !event.target.closest("a, button") && String(getSelection()) === "") go(line, false);
});

if (isRoom) {
  // A line under the pointer lights what it is tied to; the other pane does not take part in a selection.
  const panes = $("#panes");
  panes.addEventListener("pointerover", (event) => {
    const line = event.target.closest(".l");
    if (line && event.pointerType !== "touch") light(line);
  });
  panes.addEventListener("pointerleave", () => light(current));
  panes.addEventListener("pointerdown", (event) => {
    const side = event.target.closest(".np, .pt");
    panes.dataset.select = side?.classList.contains("pt") ? "pt" : "np";
  });
  addEventListener("resize", () => light(current));
  const arrive = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.classList.contains("def")) go($(".l", target), false, target.id);
    if (target?.classList.contains("l")) {
      go(target, false);
      target.scrollIntoView({ block: "center" });
    }
  };
  addEventListener("hashchange", arrive);
  arrive();
}
