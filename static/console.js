// A button beside what people copy. Without it they select and copy as ever.
if (navigator.clipboard) {
  for (const element of document.querySelectorAll(".copyable")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    const text = element.textContent;
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(text).then(
        () => { button.textContent = "Copied"; },
        () => { button.textContent = "Select and copy it"; },
      );
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    const box = document.createElement("span");
    box.className = element.tagName === "PRE" ? "copy-box block" : "copy-box";
    element.replaceWith(box);
    box.append(element, button);
  }
}
