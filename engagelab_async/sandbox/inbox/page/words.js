// How times, numbers, states and addresses read.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const SHORT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hour12: false });
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

export const stateName = (state) => STATES[state]?.[0] ?? state;
export const stateMood = (state) => STATES[state]?.[1] ?? "calm";
export const stateFilter = (state) => STATES[state]?.[2] ?? "underway";

/** The address of a call, or of one message of a plan. */
export const address = (call, member) => `${location.origin}/#call=${call}${member ? `&message=${member}` : ""}`;
