// How many SMS a text is sent as, by GSM 03.38.
//
// One text is 160 units of 7 bits, or 70 of 16 bits if it has characters outside the GSM alphabet. A
// longer one is sent in parts, whose headers take 7 or 3 units of each. Some characters take two
// units, which are never split between two parts.

const BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION = "\f^{}\\[~]|€";
const GSM = new Set(BASIC + EXTENSION);

/** Return the encoding of a text, its units, its parts, and the first character that is not GSM. */
export function segments(text) {
  const characters = [...text];
  const odd = characters.find((each) => !GSM.has(each));
  const cost = odd === undefined ? (each) => (EXTENSION.includes(each) ? 2 : 1) : (each) => each.length;
  const [single, part] = odd === undefined ? [160, 153] : [70, 67];
  const units = characters.reduce((sum, each) => sum + cost(each), 0);
  let parts = 1;
  let used = 0;
  for (const each of units > single ? characters : []) {
    used += cost(each);
    if (used > part) [parts, used] = [parts + 1, cost(each)];
  }
  return { encoding: odd === undefined ? "GSM-7" : "UCS-2", units, parts, odd };
}
