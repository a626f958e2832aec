// SPDX-License-Identifier: MIT
// Numbers as people read them.

const UNITS = ["bytes", "KiB", "MiB", "GiB"];

/** 1536 -> "1.5 KiB" */
export function bytes(count) {
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toFixed(1))} ${UNITS[unit]}`;
}

/** The time between two moments: 340 -> "0.34 s" */
export function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
