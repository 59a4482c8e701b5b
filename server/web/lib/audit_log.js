// Reads the audit log: the end of it backwards, or what a filter lets through forwards. Knows no elements.

export const PAGE = 100;
// So many requests are made without asking whether to go on; each looks at thousands of events.
const LOOKS = 40;

// filter: {record, actor, from, to}, each '' when it does not count.
export const isFiltered = (filter) => Object.values(filter).some((value) => value !== '');

const query = (fields) => new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== '' && value !== null));

// The last `count` events before `before`, or of all: {events, first}. first: the sequence of the first one that there
// is, so that what is before it can be asked for; 1 when that is all.
export async function tail(api, last, count) {
  const after = Math.max(0, last - count);
  const events = [];
  let at = after;

  while (at < last) {
    const { body } = await api.get(`/v1/audit?${query({ limit: Math.min(1000, last - at), after: at })}`);
    events.push(...body.events.filter(({ sequence }) => sequence <= last));
    if (body.next === undefined || Number(body.next) <= at) break;
    at = Number(body.next);
  }
  return { events, first: after + 1 };
}

// Events behind `after` that the filter lets through, a page of them at least if there are so many: {events, next}. next
// is null at the end. looked(sequence) tells how far it has come.
export async function find(api, filter, after, { looked, signal }) {
  const events = [];
  let next = after;

  for (let i = 0; i < LOOKS && next !== null && events.length < PAGE; i++) {
    const { body } = await api.get(`/v1/audit?${query({ limit: PAGE, after: next, ...filter })}`, { signal });
    events.push(...body.events);
    next = body.next ?? null;
    if (next !== null) looked?.(next);
  }
  return { events, next };
}

// 'glass', 'refused' (by rule), 'failed' (by fault), or ''.
export function loudness(event) {
  if (event.action === 'record.break-glass') return 'glass';
  if (event.action === 'access.refused' || (event.outcome >= 400 && event.outcome < 500)) return 'refused';
  return event.outcome >= 500 || event.action === 'record.interrupted' ? 'failed' : '';
}

// [{day, events}] in the order of the events; day: of dayOf(time).
export function byDay(events, dayOf) {
  const days = [];
  for (const event of events) {
    const day = dayOf(event.time);
    if (days.at(-1)?.day !== day) days.push({ day, events: [] });
    days.at(-1).events.push(event);
  }
  return days;
}
