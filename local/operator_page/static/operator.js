"use strict";
// Buttons and forms with data-post send JSON to the page's own API and show the page anew, or say why it was refused.
const said = document.getElementById("said");

function say(text) {
  said.textContent = text;
  said.hidden = false;
}

async function post(address, body, button) {
  button.disabled = true;
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) {
      location.reload();
      return;
    }
    const text = await answer.text();
    try {
      say(JSON.parse(text).error);
    } catch {
      say(text);
    }
  } catch {
    say("The cloud does not answer. Does it still run?");
  }
  button.disabled = false;
}

for (const button of document.querySelectorAll("button[data-post]")) {
  button.addEventListener("click", () => {
    if (!button.dataset.ask || confirm(button.dataset.ask)) {
      post(button.dataset.post, {}, button);
    }
  });
}

for (const form of document.querySelectorAll("form[data-post]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form));
    const body = { fault: fields.fault, match: fields.match, times: Number(fields.times) };
    if (fields.on) {
      body.on = fields.on;
    }
    post(form.dataset.post, body, form.querySelector("button"));
  });
}

// A fault with an argument is only begun: the argument is selected, to be typed over.
for (const button of document.querySelectorAll("button[data-fault]")) {
  button.addEventListener("click", () => {
    const name = button.dataset.fault;
    const field = button.form.elements.fault;
    field.value = name;
    if (name.includes("<")) {
      field.focus();
      field.setSelectionRange(name.indexOf("<"), name.indexOf(">") + 1);
    } else {
      button.form.requestSubmit();
    }
  });
}

for (const form of document.querySelectorAll("form[data-go]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const job = form.elements.job.value.trim();
    if (job) {
      location.href = form.dataset.go + encodeURIComponent(job);
    }
  });
}
