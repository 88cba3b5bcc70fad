// Loads a widget's module and style sheet, which the test passes, and shows it.
async ([esm, css, traits, html]) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const address = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const widget = (await import(address)).default;
  const handlers = {};
  window.model = {
    sent: [],
    saved: [],
    get: (name) => traits[name],
    set: (name, value) => {
      traits[name] = value;
      for (const handler of handlers.change ?? []) handler();
    },
    save_changes: () => model.saved.push({ ...traits }),
    on: (event, handler) => (handlers[event] ??= []).push(handler),
    off: (event, handler) => (handlers[event] = handlers[event].filter((h) => h !== handler)),
    send: (content) => model.sent.push(content),
    hear: (message) => {
      for (const handler of handlers["msg:custom"] ?? []) handler(message);
    },
  };
  window.listeners = () => (handlers.change ?? []).length;
  const cell = document.querySelector("#cell");
  window.show_html = () => (cell.innerHTML = html);
  window.show_widget = () => {
    cell.replaceChildren();
    widget.render({ model, el: cell });
  };
  window.close_ = widget.initialize({ model });
};
