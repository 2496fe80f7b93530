// What the sandbox reports, as it happens, handed on once for each frame that the browser draws. It
// draws none of a tab that is hidden: there, changes are handed on as soon as there is time.
//
// A stream that breaks off is opened again by the browser, which sends the id of the last event.
// Where it has given up, we open a new one: that reports everything, and the store knows what is new.

import { admitted } from "./session.js";

const PATIENCE = 1000;

/** Follow the stream: calls onChanges({run, oldest, calls, isAll}) and onState("live" or "lost"). */
export function follow({ onChanges, onState }) {
  let pending = null;

  function receive(event) {
    onState("live");
    const data = JSON.parse(event.data);
    if (pending === null) soon(hand);
    if (pending === null || pending.run !== data.run) pending = { run: data.run, calls: new Map() };
    pending.oldest = data.oldest;
    pending.isAll = data.is_all;
    for (const call of data.calls) pending.calls.set(call.number, call);
  }

  function hand() {
    if (pending === null) return;
    const { run, oldest, calls, isAll } = pending;
    pending = null;
    onChanges({ run, oldest, calls: [...calls.values()], isAll });
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

  document.addEventListener("visibilitychange", hand);  // a frame that was asked for may not come
  open();
}

function soon(act) {
  if (document.hidden) setTimeout(act);
  else requestAnimationFrame(act);
}
