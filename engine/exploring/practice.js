// Practice: the values are known, the gradients are hidden; the learner finds them from the root back.

const practice = { on: false, found: new Set(), asked: null, hints: 0 };

practice.hides = (i) => practice.on && i !== root && !practice.found.has(i) && !page.folds.hidden(i);

// What is to be found, from the root back: all that shows and that a gradient can reach.
practice.all = () => {
  const alive = reachable(nodes, page.state.local);
  return nodes.map((_, i) => i).reverse().filter((i) => i !== root && alive[i] && nodes[i].kind !== "constant" && !page.folds.hidden(i));
};

// Two significant digits are enough.
const equal = (answer, x) => Math.abs(answer - x) <= Math.max(0.011 * Math.abs(x), 0.0051) || (Number.isNaN(answer) && Number.isNaN(x));

// What the picture shows: all values, and the gradients that were found or that closed boxes give away.
practice.seen = () => {
  const all = replay(nodes, page.state, page.steps, page.steps.length);
  const has = nodes.map((_, i) => !practice.hides(i));
  return {
    known: all.known,
    gradient: all.gradient.map((x, i) => (has[i] ? x : 0)),
    received: all.received.map((count, i) => (has[i] ? count : 0)),
    passed: all.passed.map((row, i) => row.map((taken, k) => taken && has[nodes[i].parents[k]])),
  };
};

practice.switch = (on) => {
  pause();
  practice.on = on;
  find("watch").setAttribute("aria-pressed", String(!on));
  find("practice").setAttribute("aria-pressed", String(on));
  if (!on) return go(0);
  practice.next();
  practice.say();
  render();
  if (!narrow.matches) find("answer").focus();
};

practice.next = () => practice.ask(practice.all().find((i) => !practice.found.has(i)) ?? null);

practice.ask = (i) => {
  practice.asked = i;
  practice.hints = 0;
  page.chosen = i ?? root;
};

practice.show = () => {
  const { asked } = practice;
  const all = practice.all();
  find("score").textContent = `${all.filter((i) => practice.found.has(i)).length} of ${all.length} found`;
  for (const id of ["answer", "check", "hint", "reveal"]) find(id).disabled = asked === null;
  const words = all.length ? "Every gradient found." : "Open a box, to practise inside it.";
  find("ask").replaceChildren(asked === null ? words : math("math", quotient(names[root], names[asked]), sign("=")));
};

const WELCOME = "The values are known, the gradient is yours. Work from the result back; two digits are enough.";

practice.say = (kind = "", ...parts) => {
  find("say").className = `say ${kind}`;
  find("say").replaceChildren(...(parts.length ? parts : [html("span", { class: "faint" }, WELCOME)]));
};

practice.terms = () => termsOf(practice.asked, replay(nodes, page.state, page.steps, page.steps.length));

practice.check = (text) => {
  const i = practice.asked;
  const answer = Number(text.trim().replaceAll(MINUS, "-").replace(",", ".").replace("\u221e", "Infinity"));
  if (text.trim() === "" || (Number.isNaN(answer) && text.trim() !== "nan")) return practice.say("bad", "Type a number, such as 0.25 or \u22123.");
  const gradient = gradientNow()[i];
  if (answer !== gradient && !equal(answer, gradient)) return practice.say("bad", practice.mistake(answer, i, gradient));
  practice.found.add(i);
  find("answer").value = "";
  practice.next();
  practice.say("good", `Right: ${figure(gradient)}.${practice.asked === null ? " That was the last: the whole backward pass is yours." : ""}`);
  render();
};

// What went wrong, by what the answer happens to be.
practice.mistake = (answer, i, gradient) => {
  const terms = practice.terms();
  const sum = (pick) => terms.reduce((total, term) => total + pick(term), 0);
  const alone = terms.find((term) => equal(answer, term.arriving * term.slope));
  if (equal(-answer, gradient)) return "The size is right, the sign is not.";
  if (alone && terms.length > 1) return `That is what comes through ${names[alone.head]} alone. ${names[i]} is used ${terms.length} times: add the other ways.`;
  const slope = terms.find((term) => equal(answer, term.slope)) ?? (equal(answer, sum((term) => term.slope)) ? terms[0] : null);
  if (slope) return `That is a local derivative. Multiply it by the gradient that arrives at ${names[slope.head]}.`;
  if (terms.some((term) => equal(answer, term.arriving)) || equal(answer, sum((term) => term.arriving))) {
    return "That is the gradient that arrives. Multiply it by the local derivative on the arrow.";
  }
  if (equal(answer, value(i))) return "That is the value of the node, not its gradient.";
  return "Not yet. A hint?";
};

// First the sum of products, then the local derivatives, then the numbers.
practice.hint = () => {
  const i = practice.asked;
  const terms = practice.terms();
  practice.hints = Math.min(3, practice.hints + 1);
  if (terms.length === 0) return practice.say("hint", "Nothing comes back here: the gradient is 0.");
  if (practice.hints === 2) {
    return practice.say("hint", ...terms.slice(0, 3).map(({ head, operand, slope }) => {
      const formula = filled(nodes[head].partials[operand], named(head));
      return formulaLine(quotient(names[head], names[i]), ...(formula ? [sign("="), numeral(formula)] : []), sign("="), numeral(short(slope, 4)));
    }));
  }
  const first = practice.hints === 1;
  const use = terms.length > 1 ? `${names[i]} is used ${terms.length} times: one product for each, added.` : `${names[i]} is used once, by ${names[terms[0].head]}.`;
  const line = formulaLine(quotient(names[root], names[i]), sign("="), ...sumOf(terms, first ? symbols(i) : numbers), ...(first ? [] : [sign("="), numeral("?")]));
  practice.say("hint", ...(first ? [html("span", {}, use)] : []), line);
};

find("quiz").addEventListener("submit", (event) => {
  event.preventDefault();
  practice.check(find("answer").value);
});
find("hint").addEventListener("click", practice.hint);
find("reveal").addEventListener("click", () => practice.check(String(gradientNow()[practice.asked]).replace("NaN", "nan").replace("Infinity", "\u221e")));
find("watch").addEventListener("click", () => practice.switch(false));
find("practice").addEventListener("click", () => practice.switch(true));
