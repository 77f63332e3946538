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
// puts a name before the word for screen readers. All elements of a page with one
// token share one stream.

const home = new URL('.', import.meta.url);
const words = {
  'available': 'Available', 'available-idle': 'Available, inactive', 'busy': 'Busy', 'busy-idle': 'Busy, inactive',
  'do-not-disturb': 'Do not disturb', 'be-right-back': 'Be right back', 'away': 'Away', 'offline': 'Offline',
};
const bands = [[18000, 'offline'], [15000, 'away'], [12000, 'be-right-back'], [9000, 'do-not-disturb'],
  [7500, 'busy-idle'], [6000, 'busy'], [4500, 'available-idle'], [3000, 'available']];
const classOf = (n) => (bands.find(([from]) => n >= from) ?? [0, 'offline'])[1];

const disc = '<circle cx="10" cy="10" r="7" fill="currentColor"/>';
const ring = '<circle cx="10" cy="10" r="5.5" fill="none" stroke="currentColor" stroke-width="3"/>';
const line = (d, w = 2) => `<path d="${d}" fill="none" stroke="#fff" stroke-width="${w}"/>`;
const shapes = {
  'available': disc + line('M6.5 10l2.5 2.7 4.5-5'), 'available-idle': ring, 'busy': disc, 'busy-idle': ring,
  'do-not-disturb': disc + line('M6 10h8', 2.5), 'be-right-back': disc + line('M10 6v4.3l3 2'), 'away': disc + line('M10 6v4.3l3 2'),
  'offline': ring + '<path d="M7.5 7.5l5 5m0-5l-5 5" stroke="currentColor" stroke-width="2"/>',
};

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { display: inline-block; position: relative; vertical-align: middle; font: inherit }
  button, .still { display: inline-flex; align-items: center; gap: .25em; font: inherit; color: inherit;
    background: none; border: 0; padding: 0 .15em; border-radius: 4px }
  button { cursor: pointer }
  button:focus-visible, .still:focus-visible { outline: 2px solid #0b57d0; outline-offset: 2px }
  svg { width: 1.1em; height: 1.1em; flex: none }
  .available, .available-idle { color: #1a7f37 } .busy, .busy-idle, .do-not-disturb { color: #b3261e }
  .away, .be-right-back { color: #8a5a00 } .offline { color: #5f6368 }
  .panel { position: absolute; z-index: 1; left: 0; top: 1.6em; min-width: 12em; padding: .5em .75em; background: #fff;
    color: #1f2328; border: 1px solid #c4c7cc; border-radius: 6px; box-shadow: 0 2px 8px #0003 }
  .panel[hidden] { display: none }
  @media (forced-colors: active) { svg { color: CanvasText } }
`);

// Wire is one stream and the elements it tells. What is added within a tick goes
// into one request.
class Wire {
  constructor(key, address, member, token) {
    Object.assign(this, { key, address, member, token, elements: new Map(), last: '', pause: 1000 });
  }

  add(name, element) {
    if (!this.elements.has(name)) this.elements.set(name, new Set());
    this.elements.get(name).add(element);
    this.restart();
  }

  remove(name, element) {
    const set = this.elements.get(name);
    if (!set?.delete(element) || set.size > 0) return;
    this.elements.delete(name);
    this.restart();
  }

  restart() {
    clearTimeout(this.timer);
    this.last = '';
    this.timer = setTimeout(() => this.run(), 0);
  }

  async run() {
    this.abort?.abort();
    if (this.elements.size === 0) { wires.delete(this.key); return; }
    const abort = this.abort = new AbortController();
    const url = new URL(this.address, home);
    for (const name of this.elements.keys()) url.searchParams.append(this.member === 'badge' ? 'handle' : 'user', name);
    const headers = { Accept: 'text/event-stream' };
    if (this.token) headers.Authorization = 'Bearer ' + this.token;
    if (this.last) headers['Last-Event-ID'] = this.last;
    try {
      const answer = await fetch(url, { headers, signal: abort.signal, cache: 'no-store' });
      if (!answer.ok) throw new Error((await answer.json()).detail);
      this.pause = 1000;
      let rest = '';
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const messages = (rest + value).split('\n\n');
        rest = messages.pop();
        messages.forEach((m) => this.take(m));
      }
    } catch (e) {
      if (abort.signal.aborted) return;
      this.each((element) => element.fail(e.message));
    }
    if (abort.signal.aborted) return;
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

  each(f) { this.elements.forEach((set) => set.forEach(f)); }
}

const wires = new Map();

function wire(token) {
  if (!wires.has(token)) {
    wires.set(token, token ? new Wire(token, 'v1/stream', 'user', token) : new Wire(token, 'badge/stream', 'badge', ''));
  }
  return wires.get(token);
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
    this.wire = wire(token);
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
    this.face.setAttribute('aria-expanded', String(on));
  }

  show(told) {
    this.told = told;
    if (!this.face) this.build();
    const kind = told.class ?? classOf(told.availability);
    const word = told.label ?? words[kind];
    const [svg, text] = this.face.children;
    svg.setAttribute('class', kind in shapes ? kind : 'offline');
    svg.innerHTML = shapes[kind] ?? shapes.offline;
    text.textContent = word;
    const label = this.getAttribute('label');
    this.face.setAttribute('aria-label', label ? `${label}: ${word}` : word);
    if (this.panel) {
      const until = told.until && !told.status?.includes(':') ? ` until ${new Date(told.until).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}` : '';
      this.panel.textContent = (told.status || word) + until;
    }
    this.dispatchEvent(new CustomEvent('presence', { detail: told, bubbles: true }));
  }

  fail(reason) { this.dispatchEvent(new CustomEvent('presence-error', { detail: reason, bubbles: true })); }
}

customElements.define('presence-badge', PresenceBadge);
