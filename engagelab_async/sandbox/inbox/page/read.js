// Which calls were looked at in this browser; forgotten with the run of the sandbox that they are of.

const KEY = "engagelab-sandbox-read";

let read = { run: null, numbers: new Set() };

function load() {
  const { run = null, numbers = [] } = JSON.parse(localStorage.getItem(KEY) ?? "{}");
  return { run, numbers: new Set(numbers) };
}

function save() {
  if (read.run !== null) localStorage.setItem(KEY, JSON.stringify({ ...read, numbers: [...read.numbers] }));
}

/** Begin with what was read of a run, here and in other tabs. */
export function start(run, onChange) {
  const early = read.run === null ? read.numbers : [];  // a link is followed before its run is known
  read = load();
  if (read.run !== run) read = { run, numbers: new Set() };
  for (const each of early) read.numbers.add(each);
  save();
  onstorage = (event) => {
    if (event.key !== KEY || load().run !== run) return;
    read = load();
    onChange();
  };
}

export const isRead = (number) => read.numbers.has(number);

/** Mark calls as read, or as unread; returns whether that changes anything. */
export function mark(numbers, isNowRead) {
  const changed = numbers.filter((each) => isRead(each) !== isNowRead);
  for (const each of changed) read.numbers[isNowRead ? "add" : "delete"](each);
  if (changed.length) save();
  return changed.length > 0;
}
