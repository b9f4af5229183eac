// Moves the book's figures: sliders and lists pick a frame that was computed at build time.
(() => {
  const unpack = (shapes, [shape, ...values]) =>
    shapes[shape].map((piece, i) => (i ? values[i - 1] : "") + piece).join("");

  // One control: a label that holds its words, its present value and the input.
  const control = (spec, at, move) => {
    const label = document.createElement("label");
    label.append(spec.label + " ");
    const input = document.createElement(spec.slides ? "input" : "select");
    const shown = document.createElement("output");
    input.setAttribute("aria-label", spec.label);
    input.dataset.control = spec.name;
    if (spec.slides) {
      Object.assign(input, { type: "range", min: 0, max: spec.texts.length - 1, step: 1 });
      label.append(shown, input);
    } else {
      spec.texts.forEach((text, i) => input.append(new Option(text, i)));
      label.append(input);
    }
    const say = () => {
      const text = spec.texts[input.value];
      shown.textContent = text;
      if (spec.slides) input.setAttribute("aria-valuetext", text);
    };
    input.value = at;
    input.addEventListener("input", () => { say(); move(); });
    say();
    return { label, input };
  };

  const start = (figure, data) => {
    const first = figure.dataset.start.split(",").map(Number);
    const panel = document.createElement("div");
    panel.className = "aisys-controls";
    panel.setAttribute("role", "group");
    panel.setAttribute("aria-label", data.title);
    const picture = figure.querySelector(".aisys-picture");
    const caption = figure.querySelector("figcaption");
    caption.setAttribute("aria-live", "polite");
    const draw = () => {
      const row = data.controls.reduce(
        (n, spec, i) => n * spec.texts.length + Number(inputs[i].value), 0);
      const frame = document.createElement("template");
      frame.innerHTML = unpack(data.shapes, data.rows[row]);
      const [sentence, svg] = frame.content.children;
      caption.textContent = sentence.textContent;
      picture.replaceChildren(svg);
    };
    const made = data.controls.map((spec, i) => control(spec, first[i], draw));
    const inputs = made.map(({ input }) => input);
    panel.append(...made.map(({ label }) => label));
    figure.prepend(panel);
    figure.dataset.alive = "yes";
  };

  window.aisysFigure = (name, data) =>
    document.querySelectorAll(`figure[data-figure="${name}"]`).forEach((f) => start(f, data));
})();
