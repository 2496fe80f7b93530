// What the sandbox tells, as it happens, handed on once for each frame that the browser draws.
//
// A stream that breaks off is opened again by the browser, which sends the id of the last event.
// Where it has given up, we open a new one: that tells everything, and the store knows what is new.

import { admitted } from "./session.js";

const PATIENCE = 1000;

/** Follow the stream: calls onChanges({run, oldest, calls}) and onState("live" or "lost"). */
export function follow({ onChanges, onArrival, onState }) {
  let pending = null;

  function receive(event) {
    onState("live");
    const told = JSON.parse(event.data);
    onArrival(told);
    if (pending === null) requestAnimationFrame(hand);
    if (pending === null || pending.run !== told.run) pending = { run: told.run, calls: new Map() };
    pending.oldest = told.oldest;
    for (const call of told.calls) pending.calls.set(call.number, call);
  }

  function hand() {
    const { run, oldest, calls } = pending;
    pending = null;
    onChanges({ run, oldest, calls: [...calls.values()] });
  }

  function open() {
    const stream = new EventSource("/sandbox/v1/events");
    stream.addEventListener("changes", receive);
    stream.onerror = async () => {
      onState("lost");
      if (stream.readyState !== EventSource.CLOSED) return;  // the browser tries again
      await new Promise((resolve) => setTimeout(resolve, PATIENCE));
      await admitted();
      open();
    };
  }

  open();
}
