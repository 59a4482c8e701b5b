// Times for people, with the exact one in the element.
import { h } from './dom.js';

const FORM = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat('en', { dateStyle: 'full' });
const CLOCK = new Intl.DateTimeFormat('en', { timeStyle: 'medium' });

// at: an RFC 3339 time, milliseconds, or a Date.
export function timeText(at) {
  return FORM.format(new Date(at));
}

export const dayText = (at) => DAY.format(new Date(at));
export const clockText = (at) => CLOCK.format(new Date(at));

export function time(at, form = timeText) {
  const iso = new Date(at).toISOString();
  return h('time', { datetime: iso, title: iso }, form(at));
}
