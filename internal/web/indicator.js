// <presence-badge>: somebody's presence beside her name, by shape, colour and
// word, live.
//
//   <script type="module" src="https://presence.example.org/indicator.js"></script>
//
//   <presence-badge handle="HANDLE"><img src="https://…/badge/HANDLE.svg" alt=""></presence-badge>
//
// shows a badge that its owner chose to have; without script the image stays.
//
//   <presence-badge user="alice@example.org" token="…"></presence-badge>
//
// shows what the token's principal may see, with her status on a press. label
// puts a name before the word for screen readers. The elements of a page with one
// token share a stream, or a few where they are many. What is not known any more is
// shown as offline. Colours follow color-scheme of the page.

const home = new URL('.', import.meta.url);
const words = {
  en: { 'available': 'Available', 'available-idle': 'Available, inactive', 'busy': 'Busy', 'busy-idle': 'Busy, inactive',
    'do-not-disturb': 'Do not disturb', 'be-right-back': 'Be right back', 'away': 'Away', 'offline': 'Offline', 'until': 'until' },
  de: { 'available': 'Verfügbar', 'available-idle': 'Verfügbar, inaktiv', 'busy': 'Beschäftigt', 'busy-idle': 'Beschäftigt, inaktiv',
    'do-not-disturb': 'Bitte nicht stören', 'be-right-back': 'Bin gleich zurück', 'away': 'Abwesend', 'offline': 'Offline', 'until': 'bis' },
};
// wordsFor are those in the language of an element's place on the page.
const wordsFor = (element) => words[element.closest('[lang]')?.lang.slice(0, 2).toLowerCase()] ?? words.en;
// moment tells an instant, with the date when it is not today's.
const moment = (at) => at.toDateString() === new Date().toDateString()
  ? at.toLocaleTimeString([], { timeStyle: 'short' }) : at.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
const bands = [[18000, 'offline'], [15000, 'away'], [12000, 'be-right-back'], [9000, 'do-not-disturb'],
  [7500, 'busy-idle'], [6000, 'busy'], [4500, 'available-idle'], [3000, 'available']];
const classOf = (n) => (bands.find(([from]) => n >= from) ?? [0, 'offline'])[1];

const disc = '<circle cx="10" cy="10" r="7" fill="currentColor"/>';
const ring = '<circle cx="10" cy="10" r="5.5" fill="none" stroke="currentColor" stroke-width="3"/>';
const line = (d, w = 2) => `<path class="mark" d="${d}" fill="none" stroke-width="${w}"/>`;
const shapes = {
  'available': disc + line('M6.5 10l2.5 2.7 4.5-5'), 'available-idle': ring, 'busy': disc, 'busy-idle': ring,
  'do-not-disturb': disc + line('M6 10h8', 2.5), 'be-right-back': disc + line('M10 6v4.3l3 2'), 'away': disc + line('M10 6v4.3l3 2'),
  'offline': ring + '<path d="M7.5 7.5l5 5m0-5l-5 5" stroke="currentColor" stroke-width="2"/>',
};

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { display: inline-block; position: relative; font: inherit }
  button, .still { display: inline-flex; align-items: center; gap: .25em; font: inherit; color: inherit;
    background: none; border: 0; padding: 0 .15em; border-radius: 4px }
  button { cursor: pointer }
  button:focus-visible, .still:focus-visible { outline: 2px solid #0b57d0; outline-color: light-dark(#0b57d0, #8ab4f8); outline-offset: 2px }
  svg { width: 1.1em; height: 1.1em; flex: none }
  svg + span { align-self: baseline }
  .available, .available-idle { color: #1a7f37; color: light-dark(#1a7f37, #4cc267) }
  .busy, .busy-idle, .do-not-disturb { color: #b3261e; color: light-dark(#b3261e, #ff8a80) }
  .away, .be-right-back { color: #8a5a00; color: light-dark(#8a5a00, #e0a82e) }
  .offline { color: #5f6368; color: light-dark(#5f6368, #a0a5ab) }
  .mark { stroke: #fff; stroke: light-dark(#fff, #14171a) }
  .panel { position: absolute; z-index: 1; left: 0; top: 1.6em; box-sizing: border-box; width: max-content; min-width: 12em;
    max-width: min(22em, 100vw); padding: .5em .75em; text-align: start; white-space: pre-line; overflow-wrap: anywhere;
    background: Canvas; color: CanvasText; border: 1px solid #9096a0; border-radius: 6px; box-shadow: 0 2px 8px #0003 }
  .panel[hidden] { display: none }
  @media (forced-colors: active) { svg[class] { color: CanvasText } .mark { stroke: Canvas } }
`);

// What one stream takes: names, and characters of an address.
const most = { user: 200, badge: 50 }, longest = 8000;
// After how long without a stream nobody knows what is true, and how long one that
// is there may be silent (the daemon sends something every 25 s), in milliseconds.
const stale = 10000, silence = 60000;

// Wire is one stream and the elements it tells. What is added within a tick goes
// into one request.
class Wire {
  constructor(address, member, token) {
    Object.assign(this, { address, member, token, elements: new Map(), length: 0, last: '', pause: 1000 });
  }

  // takes reports whether there is room for a name.
  takes(name) {
    return this.elements.has(name) ||
      this.elements.size < most[this.member] && this.length + encodeURIComponent(name).length <= longest;
  }

  add(name, element) {
    if (!this.elements.has(name)) {
      this.elements.set(name, new Set());
      this.length += encodeURIComponent(name).length + 8;
    }
    this.elements.get(name).add(element);
    this.restart();
  }

  remove(name, element) {
    const set = this.elements.get(name);
    if (!set?.delete(element) || set.size > 0) return;
    this.elements.delete(name);
    this.length -= encodeURIComponent(name).length + 8;
    this.restart();
  }

  restart() {
    clearTimeout(this.timer);
    this.last = '';
    this.timer = setTimeout(() => this.run(), 0);
  }

  async run() {
    this.abort?.abort();
    this.abort = undefined;
    if (this.elements.size === 0) { wires.delete(this); clearTimeout(this.dark); return; }
    const abort = this.abort = new AbortController();
    let quiet, refused = false;
    const heard = () => { clearTimeout(quiet); quiet = setTimeout(() => abort.abort(), silence); };
    const url = new URL(this.address, home);
    for (const name of this.elements.keys()) url.searchParams.append(this.member === 'badge' ? 'handle' : 'user', name);
    const headers = { Accept: 'text/event-stream' };
    if (this.token) headers.Authorization = 'Bearer ' + this.token;
    if (this.last) headers['Last-Event-ID'] = this.last;
    try {
      heard();
      const answer = await fetch(url, { headers, signal: abort.signal, cache: 'no-store' });
      if (!answer.ok) {
        refused = answer.status < 500 && answer.status !== 429;
        throw new Error((await answer.json().catch(() => ({}))).detail ?? `the server answers ${answer.status}`);
      }
      this.pause = 1000;
      this.known();
      let rest = '';
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        heard();
        const messages = (rest + value).split('\n\n');
        rest = messages.pop();
        messages.forEach((m) => this.take(m));
      }
    } catch (e) {
      if (this.abort === abort) this.each((element) => element.fail(e.message));
    }
    clearTimeout(quiet);
    if (this.abort !== abort) return; // another run has taken over
    if (refused) this.forget();
    this.dark ??= setTimeout(() => this.forget(), stale);
    this.timer = setTimeout(() => this.run(), this.pause * (1 + Math.random()));
    this.pause = Math.min(this.pause * 2, 60000);
  }

  take(message) {
    for (const row of message.split('\n')) {
      if (row.startsWith('id: ')) this.last = row.slice(4);
      if (!row.startsWith('data: ')) continue;
      const told = JSON.parse(row.slice(6));
      this.elements.get(told[this.member])?.forEach((element) => element.show(told));
    }
  }

  // known is told when there is a stream again.
  known() {
    clearTimeout(this.dark);
    this.dark = undefined;
  }

  // forget shows nothing any more, until it is told all anew.
  forget() {
    this.last = '';
    this.each((element) => element.forget());
  }

  each(f) { this.elements.forEach((set) => set.forEach(f)); }
}

const wires = new Set();

// wire returns one that takes the name.
function wire(token, name) {
  for (const one of wires) if (one.token === token && one.takes(name)) return one;
  const another = token ? new Wire('v1/stream', 'user', token) : new Wire('badge/stream', 'badge', '');
  wires.add(another);
  return another;
}

class PresenceBadge extends HTMLElement {
  static observedAttributes = ['handle', 'user', 'token', 'label'];

  connectedCallback() { this.join(); }

  disconnectedCallback() { this.leave(); }

  attributeChangedCallback(name) {
    if (!this.isConnected) return;
    if (name === 'label') { if (this.told) this.show(this.told); return; }
    this.leave();
    this.join();
  }

  join() {
    const user = this.getAttribute('user');
    this.name = user || this.getAttribute('handle');
    const token = user ? this.getAttribute('token') : '';
    if (!this.name || (user && !token)) return;
    this.wire = wire(token, this.name);
    this.wire.add(this.name, this);
  }

  leave() {
    this.wire?.remove(this.name, this);
    this.wire = undefined;
  }

  // build makes the inside at the first news; until then what the page has put
  // there, such as an image, stays.
  build() {
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    const pressable = this.hasAttribute('user');
    this.face = document.createElement(pressable ? 'button' : 'span');
    this.face.innerHTML = '<svg viewBox="0 0 20 20" aria-hidden="true"></svg><span></span>';
    root.append(this.face);
    if (!pressable) {
      this.face.className = 'still';
      this.face.tabIndex = 0;
      this.face.setAttribute('role', 'img');
      return;
    }
    this.panel = document.createElement('div');
    this.panel.className = 'panel';
    this.panel.hidden = true;
    this.panel.setAttribute('role', 'status');
    this.face.type = 'button';
    this.face.setAttribute('aria-expanded', 'false');
    this.face.addEventListener('click', () => this.open(this.panel.hidden));
    root.addEventListener('keydown', (e) => { if (e.key === 'Escape') this.open(false); });
    this.face.addEventListener('blur', () => this.open(false));
    root.append(this.panel);
  }

  open(on) {
    this.panel.hidden = !on;
    this.panel.style.left = '';
    const at = this.panel.getBoundingClientRect(), room = document.documentElement.clientWidth;
    if (on && at.right > room) this.panel.style.left = `${Math.max(room - at.right, -at.left)}px`;
    this.face.setAttribute('aria-expanded', String(on));
  }

  show(told) {
    this.told = told;
    if (!this.face) this.build();
    const kind = told.class ?? classOf(told.availability);
    const its = wordsFor(this), word = told.label ?? its[kind];
    const [svg, text] = this.face.children;
    svg.setAttribute('class', kind in shapes ? kind : 'offline');
    svg.innerHTML = shapes[kind] ?? shapes.offline;
    text.textContent = word;
    const label = this.getAttribute('label');
    this.face.setAttribute('aria-label', label ? `${label}: ${word}` : word);
    if (this.panel) {
      // A status that is no note tells its end itself.
      const bare = !told.status || Object.values(told.fields ?? {}).includes(told.status);
      const until = told.until && bare ? ` ${its.until} ${moment(new Date(told.until))}` : '';
      this.panel.textContent = (told.status || word) + until;
    }
    this.dispatchEvent(new CustomEvent('presence', { detail: told, bubbles: true }));
  }

  // forget takes back what is shown.
  forget() {
    if (!this.told || this.told.class === 'offline' || classOf(this.told.availability) === 'offline' && !this.told.class) return;
    this.show(this.told.class ? { badge: this.name, class: 'offline', label: wordsFor(this).offline }
      : { user: this.name, availability: 18500, show: 'unavailable', interrupt: false, fields: {} });
  }

  fail(reason) { this.dispatchEvent(new CustomEvent('presence-error', { detail: reason, bubbles: true })); }
}

customElements.define('presence-badge', PresenceBadge);
