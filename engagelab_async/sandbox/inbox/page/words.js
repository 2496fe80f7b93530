// How times, numbers, states and calls read.

const clockWith = (options) => new Intl.DateTimeFormat(undefined, { hourCycle: "h23", ...options });
const CLOCK = clockWith({ timeStyle: "medium" });
const SHORT = clockWith({ timeStyle: "short" });
const FULL = clockWith({ dateStyle: "medium", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const NUMBER = new Intl.NumberFormat("en");

export const clock = (seconds) => CLOCK.format(seconds * 1000);
export const shortClock = (seconds) => SHORT.format(seconds * 1000);
export const fullTime = (seconds) => FULL.format(seconds * 1000);
export const number = (value) => NUMBER.format(value);

/** The time of day, or the day if that is another. */
export function when(seconds) {
  const then = new Date(seconds * 1000);
  return then.toDateString() === new Date().toDateString() ? clock(seconds) : DAY.format(then);
}

export const CHANNELS = { sms: "SMS", whatsapp: "WhatsApp", email: "Email", voice: "Voice call" };

export const FILTERS = {
  unread: "Unread", underway: "In flight", delivered: "Delivered", verified: "Verified",
  expired: "Expired", failed: "Failed", refused: "Refused",
};

// Each state of a message: what it is called, how it looks, and which filter finds it.
const STATES = {
  plan: ["Planned", "calm", "underway"],
  target_valid: ["Accepted", "calm", "underway"],
  target_invalid: ["Invalid", "bad", "failed"],
  sent: ["Sent", "calm", "underway"],
  sent_failed: ["Not sent", "bad", "failed"],
  sent_fail: ["Not sent", "bad", "failed"],
  delivered: ["Delivered", "good", "delivered"],
  delivered_failed: ["Undelivered", "bad", "failed"],
  verified: ["Verified", "great", "verified"],
  verified_failed: ["Wrong code", "warn", "underway"],
  verified_timeout: ["Expired", "warn", "expired"],
  uplink_message: ["Reply", "reply", "delivered"],
  refused: ["Refused", "bad", "refused"],
  dropped: ["Dropped", "warn", "refused"],
};

/** Describe a state as {words, mood, filter}. */
export function state(name) {
  const [words, mood, filter] = STATES[name] ?? [name, "calm", "underway"];
  return { words, mood, filter };
}

/** The states that the messages of a call are in, with their counts; without messages, a state of its own. */
export function counts(call) {
  const entries = Object.entries(call.states);
  return (entries.length ? entries : [[call.kind, 0]]).map(([name, count]) => ({ ...state(name), name, count }));
}

const sum = (counted) => counted.reduce((total, { count }) => total + count, 0);
const inWords = ({ count, words }) => `${number(count)} ${words.toLowerCase()}`;

/** How many messages are in which state: "40 delivered, 1 invalid". */
export const tally = (call) => counts(call).sort((one, other) => other.count - one.count).map(inWords).join(", ");

/** What to say about all messages of a call: "40 of 41 delivered, 1 invalid", or the state of the only one. */
export function overall(call) {
  const all = counts(call);
  if (call.kind !== "plan") {
    const isWaiting = call.due * 1000 > Date.now() && all[0].filter === "underway";
    return isWaiting ? { words: `For ${when(call.due)}`, mood: "calm" } : all[0];
  }
  const failed = all.filter(({ mood }) => mood === "bad");
  const arrived = all.filter(({ filter }) => ["delivered", "verified", "expired"].includes(filter));
  const isInFlight = all.some(({ filter }) => filter === "underway");
  return {
    words: [`${number(sum(arrived))} of ${number(sum(all))} delivered`, ...failed.map(inWords)].join(", "),
    mood: isInFlight ? "calm" : failed.length ? "warn" : "good",
  };
}

/** What to call a call: by its plan's name, or its recipient. */
export function title(call) {
  const isNamed = call.kind === "plan" && call.plan_name && call.plan_name !== "-";
  return isNamed ? call.plan_name : call.to ?? "No recipient";
}
