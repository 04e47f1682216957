// Numbers as they are printed: with a minus sign, not a hyphen.

export function fixed(value, digits) {
  return value.toFixed(digits).replace("-", "−");
}

export function signed(value, digits) {
  return `${value < 0 ? "" : "+"}${fixed(value, digits)}`;
}
